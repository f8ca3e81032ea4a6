"""Suites: a YAML file that expands into many runs and resumes by itself."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from lab.suite.plan import PlannedRun, plan_suite
from lab.suite.runner import Outcome, Watcher, run_suite_plan, workers_for
from lab.suite.schema import Suite, read_suite
from lab.workspace import Workspace

__all__ = ["Outcome", "PlannedRun", "Suite", "plan_suite", "read_suite", "run", "run_suite_plan"]


class _Silent:
    def started(self, item: object, run_id: str) -> None: ...

    def ended(self, item: object, run: object, *, again: bool) -> None: ...

    def refused(self, item: object, error: object) -> None: ...


def run(
    file: str | Path,
    *,
    workers: int | None = None,
    on: str = "pool",
    fresh: bool = False,
    until: datetime | None = None,
    workspace: Workspace | None = None,
    watcher: Watcher | None = None,
) -> Outcome:
    """Run what the suite of `file` asks for and is not there yet.

    lab.suite.run("experiments/suites/pilot.yaml", workers=2)
    """
    place = workspace or Workspace.find()
    suite = read_suite(Path(file))
    return run_suite_plan(
        plan_suite(suite, place, fresh=fresh),
        place,
        on=on,
        workers=workers_for(on, workers, suite.workers),
        retries=suite.retries,
        until=until,
        watcher=watcher or _Silent(),
    )
