"""Runs that differ in one parameter alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lab.record.run import Run

_ELSEWHERE = {"device"}  # where a run was computed is no part of what was asked


def alike(runs: Iterable[Run], example: Run, *, by: str, seed_param: str = "seed") -> list[Run]:
    """The runs of the example's notebook with its parameters, whatever `by` and the seed are."""
    varied = {by, seed_param} | _ELSEWHERE

    def fixed(params: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in params.items() if name not in varied}

    wanted = fixed(example.params)
    return [run for run in runs if run.notebook == example.notebook and fixed(run.params) == wanted]
