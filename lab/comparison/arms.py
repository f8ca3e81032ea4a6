"""Which arm a run is of: what `--by` names, or all its parameters but the seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.comparison.measure import ARM, attribute, label, seed_of
from lab.record.run import Run

SETTINGS = "parameters"  # as --by: every distinct setting is an arm
RESUME = "resume"  # the run that one goes on from, with the same settings to the same end
ELSEWHERE = frozenset({"device", RESUME})  # where a run was computed is no part of what was asked


@dataclass(frozen=True)
class Placed:
    """A run with its place in the table; None where it has none.

    `settings` are the names of those of its parameters, and of `notebook`, that differ among the
    runs, with their values as texts.
    """

    run: Run
    value: Any  # of `by`, before it became a name
    arm: str | None
    row_value: Any
    row: str | None
    seed: Any
    settings: Mapping[str, str]


def place(runs: Sequence[Run], by: str, rows: str | None, seed_param: str) -> list[Placed]:
    """Every run with its arm, row and seed."""
    differ = _varied(runs, set())
    named = [n for n in differ if n not in {rows, seed_param} | ELSEWHERE]
    whole = _is_settings(runs, by)
    made = []
    for run in runs:
        value = _setting(run, named) if whole else attribute(run, by)
        row = None if rows is None else attribute(run, rows)
        made.append(
            Placed(
                run,
                value,
                None if value is None else label(value),
                row,
                None if row is None else label(row),
                seed_of(run, seed_param),
                {name: label(_value(run, name)) for name in differ if _has(run, name)},
            )
        )
    return made


def usual_by(runs: Sequence[Run], rows: str | None, seed_param: str) -> str:
    """What the arms are where nobody says: what varies beside the seed.

    The arms of a suite where they are the distinct settings; else the one parameter that varies;
    else all of them together.
    """
    varied = _varied(runs, {rows, seed_param} | ELSEWHERE)
    if len(varied) == 1:
        return varied[0]
    settings = {run.id: _setting(run, varied) for run in runs}
    suites = {(run.record.get("suite") or {}).get("name") for run in runs}
    if len(suites) == 1 and None not in suites:
        arms = {(attribute(run, ARM), settings[run.id]) for run in runs}
        if len(arms) == len({arm for arm, _ in arms}) == len(set(settings.values())):
            return ARM
    return SETTINGS if varied else "notebook"


def _is_settings(runs: Sequence[Run], by: str) -> bool:
    return by == SETTINGS and all(SETTINGS not in run.params for run in runs)


def _varied(runs: Sequence[Run], without: set[str | None]) -> list[str]:
    """Names of the parameters, and `notebook`, that differ among the runs."""
    first = runs[0].params
    names = dict(first)
    for run in runs:
        names |= run.params
    found = {name for run in runs[1:] for name in differing(run.params, first)}
    varied = [name for name in names if name in found and name not in without]
    several = len({run.notebook for run in runs}) > 1 and "notebook" not in without
    return [*varied, *(["notebook"] if several else [])]


def differing(params: Mapping[str, Any], others: Mapping[str, Any]) -> set[str]:
    """The names of the parameters that two runs do not have alike."""
    try:
        return {name for name, _ in params.items() ^ others.items()}
    except TypeError:  # lists have no hash
        absent = object()
        names = {**params, **others}
        return {n for n in names if params.get(n, absent) != others.get(n, absent)}


def _has(run: Run, name: str) -> bool:
    return name == "notebook" or name in run.params


def _value(run: Run, name: str) -> Any:
    return run.notebook if name == "notebook" else run.params.get(name)


def _setting(run: Run, varied: Sequence[str]) -> str:
    """`lr=0.1, pooling=mean`: the name of an arm that is a setting."""
    told = []
    for name in varied:
        if name == "notebook":
            told.append((run.notebook or "no notebook").rsplit("/", 1)[-1].removesuffix(".ipynb"))
        elif name in run.params:
            told.append(f"{name}={label(run.params[name])}")
    return ", ".join(told) or "as given"
