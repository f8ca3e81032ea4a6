"""Runs that are there already, so that no configuration is computed twice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.record.catalogue import find_runs
from lab.record.redact import redact_params
from lab.record.run import Run
from lab.suite.plan import CurrentState, mismatch
from lab.workspace import Workspace


class Stored:
    """Finished runs of a notebook that have the objective, found by their parameters.

    A run serves only while notebook, code and data are as they were when it was made.
    """

    def __init__(self, workspace: Workspace, notebook: Path, objective: str) -> None:
        self._notebook = notebook.resolve()
        self._objective = objective
        self._state = CurrentState(workspace)
        self._runs: dict[str, list[Run]] = {}
        name = workspace.relative(self._notebook)
        for run in find_runs(workspace):
            if run.notebook == name:
                self.add(run)

    def add(self, run: Run) -> None:
        if run.status == "done" and self._objective in run.metrics:
            self._runs.setdefault(_key(run.params), []).append(run)

    def find(self, params: Mapping[str, Any]) -> Run | None:
        """A run with exactly these parameters that still holds, or None."""
        for run in self._runs.get(_key(redact_params(params)), []):
            if mismatch(run, self._notebook, params, self._state) is None:
                return run
        return None


def _key(params: Mapping[str, Any]) -> str:
    return repr(sorted(params.items()))
