"""Runs that differ in one parameter alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from lab.comparison.arms import ELSEWHERE, differing
from lab.comparison.comparison import Comparison
from lab.comparison.measure import ARM
from lab.errors import InputError, nearest
from lab.record.run import Run

_NAMED = 3  # parameters that are named where more differ


def alike(
    runs: Iterable[Run], example: Run, *, by: str | None, seed_param: str = "seed"
) -> list[Run]:
    """The runs of the example's notebook with its parameters, whatever `by` and the seed are.

    Raises InputError where `by` is no parameter, so that nothing but seeds could be compared.
    """
    if by is not None and by not in example.params:
        suite = (example.record.get("suite") or {}).get("name") or "NAME"
        advice = f"For the arms of a suite: --where \"suite.name == '{suite}'\" without --like."
        raise InputError(
            "--like keeps the parameters of a run, so it goes with --by PARAMETER",
            seen=f"--by {by}",
            do=advice
            if by in (ARM, "suite.arm")
            else nearest(by, sorted(example.params), see=f"`lab show {example.id}`"),
        )
    wanted = fixed(example.params, by, seed_param)
    return [
        run
        for run in runs
        if run.notebook == example.notebook and fixed(run.params, by, seed_param) == wanted
    ]


def fixed(params: Mapping[str, Any], by: str | None, seed_param: str = "seed") -> dict[str, Any]:
    """The parameters that runs which are alike have in common."""
    varied = {by, seed_param} | ELSEWHERE
    return {name: value for name, value in params.items() if name not in varied}


def of_lonely(
    compared: Comparison, runs: Iterable[Run], example: Run, *, by: str | None
) -> Comparison:
    """The comparison in which nothing but the example's own arm is alike, with a note what to do.

    `runs` are those to look for the nearest others among.
    """
    if by is None:
        told = (
            "--like alone keeps every parameter but the seed, so there is one arm: "
            "name what may differ, as in --by lr."
        )
    else:
        told = _no_other(runs, example, by, compared.seed_param)
    return replace(compared, notes=(*compared.notes, told))


def nothing_like(runs: Iterable[Run], example: Run, by: str | None, seed_param: str) -> InputError:
    """The error where not even the example is among the runs that were asked for."""
    told = _no_other(runs, example, by, seed_param) if by else "See `lab runs`; widen --where."
    return InputError("None of the runs asked for is like this one", seen=example.id, do=told)


def _no_other(runs: Iterable[Run], example: Run, by: str, seed_param: str) -> str:
    """That no run has another value of `by` alone: the nearest that has, and how to make one."""
    mine = fixed(example.params, by, seed_param)
    found = [
        (sorted(differing(mine, fixed(run.params, by, seed_param))), run)
        for run in runs
        if run.notebook == example.notebook
        and run.status == "done"
        and run.params.get(by) != example.params.get(by)
    ]
    told = f"No run is like `{example.id}` with another `{by}`"
    make = f"`lab rerun {example.id} -p {by}=VALUE` makes one."
    if not found:
        return f"{told}: {make}"
    names, run = min(found, key=lambda pair: len(pair[0]))
    if not names:
        return f"{told} among those asked for; without --where there is `{run.id}`. {make}"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    also = ", ".join(f"`{name}`" for name in names[:_NAMED])
    return f"{told}; the nearest, `{run.id}`, also differs in {also}{more}. {make}"
