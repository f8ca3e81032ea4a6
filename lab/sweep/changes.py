"""What changed between two spaces, said per parameter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lab.sweep.space import Parameter, Space, number_text, value_text
from lab.workspace import Workspace


def parent_space(space: Space, workspace: Workspace) -> Space | None:
    """The space that this one follows: a file of the workspace or a study; None if not there."""
    if space.parent is None:
        return None
    beside = workspace.root / "experiments" / "sweeps" / space.parent
    study = workspace.runs / "studies" / space.parent / "space.yaml"
    for file in (workspace.root / space.parent, Path(space.parent), beside, study):
        if file.is_file():
            return Space.read(file)
    return None


def change_of(parameter: Parameter, parent: Space) -> str:
    """What is other than in the parent space: `was 0.0001 to 0.005`, `added 64`; "" if nothing."""
    if parameter.name in parent.fixed:
        return f"new; was fixed at {value_text(parent.fixed[parameter.name])}"
    if parameter.name not in parent.names:
        return "new"
    before = parent.parameter(parameter.name)
    told = []
    if parameter.kind != before.kind:
        told.append(f"was {before.type_text}, {before.describe()}")
    elif parameter.kind == "categorical":
        told += _choices("added", parameter.choices, before.choices)
        told += _choices("dropped", before.choices, parameter.choices)
    else:
        if (parameter.low, parameter.high) != (before.low, before.high):
            told.append(f"was {number_text(before.low)} to {number_text(before.high)}")
        if parameter.log != before.log:
            told.append("now log scale" if parameter.log else "no longer log scale")
    if parameter.when != before.when:
        told.append("other condition")
    return ", ".join(told)


def dropped(space: Space, parent: Space) -> list[str]:
    """Parameters that the parent searched and this space does not, with what became of them."""
    return [
        f"{name} (fixed at {value_text(space.fixed[name])})" if name in space.fixed else name
        for name in parent.names
        if name not in space.names
    ]


def _choices(word: str, have: tuple[Any, ...], other: tuple[Any, ...]) -> list[str]:
    found = [value_text(value) for value in have if value not in other]
    return [f"{word} {', '.join(found)}"] if found else []
