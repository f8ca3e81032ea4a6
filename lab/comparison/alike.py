"""Runs that differ in one parameter alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lab.comparison.arms import ELSEWHERE
from lab.comparison.measure import ARM
from lab.errors import InputError, nearest
from lab.record.run import Run


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
