"""Suites: a YAML file that expands into many runs and resumes by itself."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from lab.executors.submission import TaskState
from lab.suite.cluster import (
    Standing,
    Submitted,
    cancel_plan,
    open_states,
    standing,
    submit_plan,
)
from lab.suite.plan import PlannedRun, plan_suite
from lab.suite.runner import Outcome, Watcher, run_suite_plan, workers_for
from lab.suite.schema import Suite, read_suite
from lab.workspace import Workspace

__all__ = [
    "Outcome",
    "PlannedRun",
    "Suite",
    "cancel",
    "plan_suite",
    "read_suite",
    "run",
    "run_suite_plan",
    "status",
    "submit",
]


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


def submit(
    file: str | Path,
    *,
    workers: int | None = None,
    fresh: bool = False,
    workspace: Workspace | None = None,
) -> Submitted:
    """Hand what the suite of `file` lacks to Slurm and come back, as `--on slurm --detach` does."""
    place = workspace or Workspace.find()
    suite = read_suite(Path(file))
    plan = plan_suite(suite, place, fresh=fresh)
    return submit_plan(plan, place, workers=workers, retries=suite.retries)


def status(file: str | Path, *, workspace: Workspace | None = None) -> list[Standing]:
    """Where each run of the suite of `file` stands: done, running, queued or due, and why."""
    place = workspace or Workspace.find()
    suite = read_suite(Path(file))
    open_states(plan_suite(suite, place), place)  # what Slurm has ended is recorded first
    return standing(plan_suite(suite, place), place)


def cancel(file: str | Path, *, workspace: Workspace | None = None) -> list[TaskState]:
    """Cancel the Slurm jobs of the suite of `file`; runs under way end as stopped."""
    place = workspace or Workspace.find()
    return cancel_plan(plan_suite(read_suite(Path(file)), place), place)
