"""Carry out a plan: so many at a time, retry what crashed, stop in time, collect what failed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from lab.errors import LabError
from lab.executors.base import Executor
from lab.notebook.job import Job
from lab.record.run import Run
from lab.suite.plan import PlannedRun


class Watcher(Protocol):
    """Told what happens while a suite runs; a progress display is one."""

    def started(self, item: PlannedRun, run_id: str) -> None: ...

    def ended(self, item: PlannedRun, run: Run, *, again: bool) -> None: ...

    def refused(self, item: PlannedRun, error: LabError) -> None: ...


@dataclass
class Outcome:
    """How a suite went: per planned run the run that now stands for it."""

    plan: list[PlannedRun]
    runs: dict[int, Run] = field(default_factory=dict)
    not_started: list[PlannedRun] = field(default_factory=list)
    refused: list[tuple[PlannedRun, LabError]] = field(default_factory=list)

    @property
    def failures(self) -> list[tuple[PlannedRun, Run]]:
        ended = ((item, self.runs.get(item.index)) for item in self.plan)
        return [(item, run) for item, run in ended if run is not None and run.status != "done"]

    @property
    def complete(self) -> bool:
        return not (self.failures or self.refused or self.not_started)

    @property
    def ids(self) -> list[str]:
        """Ids of the runs that satisfy the suite, earlier ones included, in the plan's order."""
        found = []
        for item in self.plan:
            run = self.runs.get(item.index)
            if run is not None:
                found.append(run.id)
            elif item.satisfied_by:
                found.append(item.satisfied_by)
        return found


async def run_plan(
    plan: list[PlannedRun],
    executor: Executor,
    *,
    workers: int = 1,
    retries: int = 0,
    until: datetime | None = None,
    watcher: Watcher,
    now: Callable[[], datetime] = datetime.now,
) -> Outcome:
    """Execute what is due in `plan`, at most `workers` at a time.

    One failing run never stops the others. A crashed run is tried again up to `retries` times; a
    failed one is not, since it would fail again. No run starts after `until`; those under way then
    go on to their end. Cancelling ends the runs under way as `stopped`.
    """
    outcome = Outcome(plan)
    queue = iter([item for item in plan if item.due])

    async def work() -> None:
        for item in queue:
            if until is not None and now() >= until:
                outcome.not_started.append(item)
                continue
            try:
                outcome.runs[item.index] = await _attempt(item, executor, retries, watcher)
            except LabError as error:
                # The notebook vanished or the runs folder filled up meanwhile: the others go on.
                outcome.refused.append((item, error))
                watcher.refused(item, error)

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(work())
    return outcome


async def _attempt(item: PlannedRun, executor: Executor, retries: int, watcher: Watcher) -> Run:
    for left in range(retries, -1, -1):
        job = Job(
            notebook=item.notebook,
            params=item.params,
            tags=item.tags,
            suite=item.identity,
            timeout=item.timeout,
        )
        run = await executor.run(job, on_start=lambda run_id: watcher.started(item, run_id))
        again = run.status == "crashed" and left > 0
        watcher.ended(item, run, again=again)
        if not again:
            break
    return run
