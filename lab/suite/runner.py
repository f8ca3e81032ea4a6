"""Carry out a plan: so many at a time, retry what crashed, stop in time, collect what failed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from lab.errors import InputError, LabError
from lab.executors.base import Executor, closing
from lab.executors.named import executor_by_name
from lab.executors.node import comes_again, resumed
from lab.executors.running import complete
from lab.executors.workers import side_by_side
from lab.notebook.job import Job
from lab.record.run import Run
from lab.suite.claims import Claims
from lab.suite.plan import PlannedRun
from lab.workspace import Workspace

_LOOK = 0.5  # seconds between looks at runs that another process makes


class Watcher(Protocol):
    """Told what happens while a suite runs; a progress display is one."""

    def started(self, item: PlannedRun, run_id: str) -> None: ...

    def ended(self, item: PlannedRun, run: Run, *, again: bool) -> None: ...

    def refused(self, item: PlannedRun, error: LabError) -> None: ...


@dataclass
class Outcome:
    """How a suite went: per planned run, by its index, the run that now stands for it."""

    plan: list[PlannedRun]
    runs: dict[int, Run] = field(default_factory=dict)
    refused: list[tuple[PlannedRun, LabError]] = field(default_factory=list)
    interrupted: bool = False
    entries_are_due: bool = True  # else another process that carried it out, too, writes them

    @property
    def failures(self) -> list[tuple[PlannedRun, Run]]:
        ended = ((item, self.runs.get(item.index)) for item in self.plan)
        return [(item, run) for item, run in ended if run is not None and run.status != "done"]

    @property
    def not_started(self) -> list[PlannedRun]:
        refused = {item.index for item, _ in self.refused}
        known = self.runs.keys() | refused
        return [item for item in self.plan if item.due and item.index not in known]

    @property
    def complete(self) -> bool:
        return not (self.failures or self.refused or self.not_started)

    @property
    def ids(self) -> list[str]:
        """Ids of the runs that stand for the suite, earlier ones included, in the plan's order."""
        here = {index: run.id for index, run in self.runs.items()}
        found = [here.get(item.index) or item.satisfied_by for item in self.plan]
        return [run_id for run_id in found if run_id]


def run_suite_plan(
    plan: list[PlannedRun],
    workspace: Workspace,
    *,
    on: str = "pool",
    workers: int | None = None,
    retries: int = 0,
    until: datetime | None = None,
    watcher: Watcher,
    now: Callable[[], datetime] = datetime.now,
) -> Outcome:
    """Execute what is due in `plan`, at most `workers` at a time (see `workers_for`).

    One failing run never stops the others. A run that crashed, or that a cluster took away, is
    tried again up to `retries` times; a failed one is not, since it would fail again. No run starts
    after `until`; those under way then go on to their end. Ctrl-C ends the runs under way as
    `stopped`; what is there then is returned, and the next call goes on from it. Where another
    process carries out the same suite, each run is made once, and its end is waited for.
    """
    check_until(until, on)
    executor = executor_by_name(on, workspace, workers=1 if on == "inline" else workers)
    count = sum(item.due for item in plan) if on_cluster(on) else (workers or 1)
    outcome = Outcome(plan)
    # What Slurm has been given is known by its own record of submissions.
    shared = plan and on.partition(":")[0] != "slurm"
    claims = Claims(plan[0].suite, workspace) if shared else None
    work = _Work(workspace, executor, retries, watcher, claims)
    try:
        complete(closing(executor, work.through(outcome, max(1, count), until, now)), on=on)
        if claims is not None and outcome.runs and not outcome.not_started:
            outcome.entries_are_due = claims.may_write_entries(outcome.ids)
    except asyncio.CancelledError:
        outcome.interrupted = True
    finally:
        if claims is not None:
            claims.close()
    return outcome


def job_of(item: PlannedRun) -> Job:
    """What an executor is asked for."""
    return Job(
        notebook=item.notebook,
        params=item.params,
        tags=item.tags,
        suite=item.identity,
        timeout=item.timeout,
        slurm=item.slurm,
    )


def check_until(until: datetime | None, on: str) -> None:
    """InputError for a last starting time where others decide when runs start."""
    if until is not None and on_cluster(on):
        raise InputError(
            "A cluster starts runs when it has room, so --until cannot be kept",
            seen=f"--on {on}",
            do="Leave --until out; `slurm: {time: 2h}` limits each run.",
        )


def on_cluster(on: str) -> bool:
    """Whether an executor has a queue of its own, so that all runs are handed over at once."""
    return on.partition(":")[0] in ("slurm", "dask")


def workers_for(on: str, asked: int | None, suite: int) -> int | None:
    """How many runs at a time: as `asked`, else as the suite's file says for this machine.

    What a file says of this machine does not limit Slurm: None there is as many as it has room for.
    """
    return asked or (None if on == "slurm" else suite)


class _Work:
    """What every worker of a suite shares."""

    def __init__(
        self,
        workspace: Workspace,
        executor: Executor,
        retries: int,
        watcher: Watcher,
        claims: Claims | None,
    ) -> None:
        self._workspace = workspace
        self._executor = executor
        self._retries = retries
        self._watcher = watcher
        self._claims = claims

    async def through(
        self,
        outcome: Outcome,
        workers: int,
        until: datetime | None,
        now: Callable[[], datetime],
    ) -> None:
        waiting = [item for item in outcome.plan if item.due]
        while waiting:
            queue, elsewhere = iter(waiting), list[PlannedRun]()

            async def work(
                queue: Iterator[PlannedRun] = queue, elsewhere: list[PlannedRun] = elsewhere
            ) -> None:
                for item in queue:
                    if until is not None and now() >= until:
                        return
                    if self._claims is not None and not self._claims.take(item):
                        elsewhere.append(item)
                    else:
                        await self._carry_out_claimed(item, outcome)

            await side_by_side(*(work() for _ in range(workers)))
            if waiting := elsewhere:
                await asyncio.sleep(_LOOK)

    async def _carry_out_claimed(self, item: PlannedRun, outcome: Outcome) -> None:
        claims = self._claims
        if claims is None:
            return await self._carry_out(item, outcome)
        try:
            if (run := claims.made_elsewhere(item)) is not None:
                outcome.runs[item.index] = run
                self._watcher.ended(item, run, again=False)
            else:
                await self._carry_out(item, outcome)
        finally:
            claims.release(item)

    async def _carry_out(self, item: PlannedRun, outcome: Outcome) -> None:
        run: Run | None = None
        try:
            for left in range(self._retries, -1, -1):
                outcome.runs[item.index] = run = await self._attempt(item, outcome, before=run)
                again = comes_again(run) and left > 0
                self._watcher.ended(item, run, again=again)
                if not again:
                    return
        except LabError as error:
            # The notebook vanished or the runs folder filled up meanwhile: the others go on.
            outcome.refused.append((item, error))
            self._watcher.refused(item, error)

    async def _attempt(self, item: PlannedRun, outcome: Outcome, *, before: Run | None) -> Run:
        started: list[str] = []

        def on_start(run_id: str) -> None:
            started.append(run_id)
            if self._claims is not None:
                self._claims.begun(item, run_id)
            self._watcher.started(item, run_id)

        job = job_of(item)
        if before is not None and before.reason == "preempted":
            job = resumed(job, before, self._workspace)
        try:
            return await self._executor.run(job, on_start=on_start)
        except asyncio.CancelledError:
            if started:
                run = Run.read(self._workspace.runs / started[-1])
                outcome.runs[item.index] = run
                self._watcher.ended(item, run, again=False)
            raise
