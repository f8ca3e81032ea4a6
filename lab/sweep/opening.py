"""The folder of a study that is to run: made, joined, or refused because its space is another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.errors import SweepError
from lab.record.files import locked, write_atomic
from lab.sweep.carrying import carry_over
from lab.sweep.database import shared, without_password
from lab.sweep.space import Space
from lab.sweep.storage import (
    OURS,
    create_folder,
    database_of,
    open_study,
    studies_folder,
    study_locked,
)
from lab.workspace import Workspace

_KEPT = (
    *("notebook", "objective", "direction", "params", "fixed", "seeds", "pruner"),
    *("carry_over", "carry_ignoring"),
)
_IN_FILES = {"params": "param_ranges"}


@dataclass(frozen=True)
class Opened:
    """Where a study is, and how many trials of another one it has just taken over."""

    folder: Path
    carried: int


def study_folder(space: Space, workspace: Workspace, file: Path, storage: str | None) -> Opened:
    """The folder of the study of a space, made for a new one.

    Raises SweepError where there is a study of that name with another space, on this machine or,
    in the database `storage`, on another one, or one that is kept elsewhere.
    """
    if storage is not None:
        shared(storage)
    folder = studies_folder(workspace) / space.name
    workspace.runs.mkdir(parents=True, exist_ok=True)
    with locked(workspace.runs):
        if not folder.exists():
            observations = carry_over(space, workspace)
            create_folder(
                workspace,
                space,
                source=workspace.relative(file),
                sampler=str(space.sampler["name"]),
                storage=storage,
                seeded=_seeded(space, workspace),
            )
        else:
            observations = ()
            _same_place(folder, storage)
            before = Space.read(folder / "space.yaml")
            _same_space(_identity(before), _identity(space), space.name)
            if before != space:  # as with more trials, which the study is told by from now on
                write_atomic(folder / "space.yaml", space.to_yaml().encode())
    with study_locked(folder):
        study = open_study(folder)
        known = study.user_attrs.get(f"{OURS}space")
        if known is None:
            study.set_user_attr(f"{OURS}space", _identity(space))
            if observations:
                study.add_trials(observations)
        else:
            observations = ()
            _same_space(known, _identity(space), space.name)
    return Opened(folder, len(observations))


def _seeded(space: Space, workspace: Workspace) -> bool:
    from lab.notebook.contract import read_schema

    return "seed" in read_schema(workspace.root / str(space.notebook), workspace).names


def _identity(space: Space) -> dict[str, str]:
    """What has to stay for the trials of a study to belong together, as text."""
    return {_IN_FILES.get(key, key): repr(getattr(space, key)) for key in _KEPT}


def _same_space(before: dict[str, str], now: dict[str, str], name: str) -> None:
    changed = [key for key in now if before.get(key) != now[key]]
    if changed:
        raise SweepError(
            f"The space is not the one that study {name} began with",
            seen=f"{', '.join(changed)} changed",
            do="Give the file another study_name; the old study stays as it is.",
        )


def _same_place(folder: Path, storage: str | None) -> None:
    kept = database_of(folder)
    if storage is not None and without_password(storage) != kept:
        raise SweepError(
            f"Study {folder.name} is kept elsewhere",
            seen=kept or folder / "journal.log",
            do="Leave --storage out to go on there, or give the file another study_name.",
        )
