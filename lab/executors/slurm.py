"""Slurm: each run is a job, many that start together are one job array; this process follows."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace

from lab.errors import WorkFailed
from lab.executors import sbatch, slurm_queue
from lab.executors.base import OnStart
from lab.executors.resources import Resources
from lab.executors.submission import Task, TaskState, states
from lab.executors.together import Together
from lab.notebook.job import Job
from lab.record.outcome import Reason, Status
from lab.record.paths import RunPaths
from lab.record.run import Run, end_run
from lab.workspace import Workspace

_QUICK, _SLOW = 0.25, 5.0  # seconds between looks at the marks, while something happens and not
_ASK, _ASK_SELDOM = 1.0, 30.0  # seconds between questions to the scheduler
_LAG = 3.0  # seconds that a file may take to be seen on this machine
_WIND_UP = 15.0  # seconds a run has for its end before Slurm is asked to end it


class Slurm:
    """Submits jobs and waits for their runs; where one stands is read from its record first.

    `workers` caps how many elements of one array run at a time (None: as the cluster has room).
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        workers: int | None = None,
        resources: Resources | None = None,
    ) -> None:
        slurm_queue.check_slurm()
        self._workspace = workspace
        self._workers = workers
        self._resources = resources
        self._submissions: Together[Job, Task] = Together(self._submit)
        self._cancellations: Together[tuple[str, bool], bool] = Together(_cancel)
        self._board = Board()

    async def run(self, job: Job, *, on_start: OnStart | None = None) -> Run:
        """Submit the job, or find it in the queue, and wait for its end.

        Cancelling cancels it in Slurm too. Raises WorkFailed for a job that ended without a run.
        """
        submitted = asyncio.ensure_future(self._submissions.ask(job))
        try:
            task = await asyncio.shield(submitted)
        except asyncio.CancelledError:
            await self._wind_up(await submitted)
            raise
        return await self.follow(task, on_start=on_start)

    def find(self, job: Job) -> Task | None:
        """The task of this run of a suite or sweep, if it is in the queue or under way."""
        return next((task for _, task in sbatch.under_way([job], self._workspace)), None)

    async def follow(self, task: Task, *, on_start: OnStart | None = None) -> Run:
        """Wait for the end of a job, whoever submitted it, as `run` does."""
        try:
            return await self._follow(task, on_start)
        except asyncio.CancelledError:
            await self._wind_up(task)
            raise
        finally:
            self._board.forget(task)

    async def cancel(self, task: Task) -> None:
        """Take a job out of the queue, or have its run end as stopped, and wait for that."""
        try:
            await self._wind_up(task)
        finally:
            self._board.forget(task)

    def _submit(self, jobs: list[Job]) -> list[Task | Exception]:
        return sbatch.submit(jobs, self._workspace, at_once=self._workers, below=self._resources)

    async def _follow(self, task: Task, on_start: OnStart | None) -> Run:
        announced = 0
        gone_since: float | None = None
        while True:
            state = await self._board.look(task)
            for attempt in state.attempts[announced:]:
                if on_start is not None:
                    on_start(attempt.run_id)
            announced = len(state.attempts)
            if state.over and state.last is not None:
                return Run.read(self._workspace.runs / state.last.run_id)
            if not state.gone:
                gone_since = None
                continue
            gone_since = gone_since or time.monotonic()
            if time.monotonic() - gone_since > _LAG:
                if state.job is not None and state.job.held:
                    await self._cancellations.ask((task.job_id, False))
                return ended_without_word(state, self._workspace)
            task.ledger.refresh()
            self._board.hurry()

    async def _wind_up(self, task: Task) -> None:
        """Take the job out of the queue, or have its run end as stopped; cancelled again, at once.

        The run is asked first, by the file that `lab stop` leaves too: Slurm's own signal would
        end the kernel before the notebook could say goodbye.
        """
        paths: list[RunPaths] = []
        try:
            await self._cancellations.ask((task.job_id, True))
            over = time.monotonic() + _WIND_UP
            firmly = False
            while True:
                self._board.hurry()
                state = await self._board.look(task)
                if state.over or state.gone:
                    break
                if state.last is not None and not state.last.ended:
                    paths.append(RunPaths(self._workspace.runs / state.last.run_id))
                    paths[-1].stop.touch()
                if not firmly and (time.monotonic() > over or state.last is None):
                    firmly = True
                    await self._cancellations.ask((task.job_id, False))
        except asyncio.CancelledError:
            slurm_queue.cancel([task.job_id], kill=True)
            state = states([task], {})[0]
        finally:
            for one in paths:
                with contextlib.suppress(OSError):
                    one.stop.unlink()
        if state.last is not None:
            _record_stop(RunPaths(self._workspace.runs / state.last.run_id))


def ended_without_word(state: TaskState, workspace: Workspace) -> Run:
    """The run of a task whose job is gone and has not said how it ended.

    Where the run's own record is silent too, the scheduler's word goes into it. Raises WorkFailed
    where no run was ever started.
    """
    if state.last is None:
        raise never_started(state)
    run = Run.read(workspace.runs / state.last.run_id)
    silent = run.status == "running" or (
        (run.status, run.reason, run.error) == ("crashed", "killed", None)
    )
    if not silent:
        return run
    status, reason = _ENDS.get(state.job.state if state.job else "", ("crashed", "killed"))
    job = state.job
    told = f"ended: {job.state} on {job.node}" if job else "is gone from the queue"
    message = f"Slurm job {state.task.job_id} {told}."
    error = {"type": "JobEnded", "message": message, "cell": None}
    return end_run(run.path, status, reason, error, override=True)


_ENDS: dict[str, tuple[Status, Reason]] = {
    "CANCELLED": ("stopped", "interrupted"),
    "TIMEOUT": ("stopped", "time_limit"),
    "DEADLINE": ("stopped", "time_limit"),
    "PREEMPTED": ("stopped", "preempted"),
    "OUT_OF_MEMORY": ("crashed", "oom"),
}


def never_started(state: TaskState) -> WorkFailed:
    """What to say of a job that ended, or was lost, before its run began."""
    job_id, job = state.task.job_id, state.job
    log = f"Its output is in {state.task.log}."
    if job is None:
        what = f"Slurm job {job_id} left the queue without starting its run"
        return WorkFailed(what, seen=state.task.last_words or "no output", do=log)
    if job.state == "CANCELLED":
        return WorkFailed(f"Slurm job {job_id} was cancelled in the queue, before its run began")
    if job.held:
        what = f"No node could start Slurm job {job_id}, and Slurm would not try again"
        return WorkFailed(what, seen=job.told, do="The log of its node's slurmd says why.")
    if job.state in ("NODE_FAIL", "BOOT_FAIL"):
        return WorkFailed(f"The node of Slurm job {job_id} failed before its run began")
    what = f"Slurm job {job_id} ended ({job.told}) before its run began"
    return WorkFailed(what, seen=state.task.last_words or "no output", do=log)


def _record_stop(paths: RunPaths) -> None:
    run = Run.read(paths)
    if run.status == "running" or (run.status, run.error) == ("crashed", None):
        error = {"type": "Interrupted", "message": "The run was interrupted.", "cell": None}
        end_run(paths, "stopped", "interrupted", error, override=True)


def _cancel(asked: list[tuple[str, bool]]) -> list[bool | Exception]:
    """Cancel all jobs in two calls at most: those that only wait in the queue, and the others."""
    for waiting_only in (True, False):
        ids = [job_id for job_id, only in asked if only == waiting_only]
        if ids:
            slurm_queue.cancel(ids, waiting_only=waiting_only)
    return [True] * len(asked)


class Board:
    """Looks at marks and queue on behalf of everybody who waits for a task.

    One listing a submission and one question to the scheduler serve all; both become rarer while
    nothing happens.
    """

    def __init__(self) -> None:
        self._watched: dict[str, Task] = {}
        self._states: dict[str, TaskState] = {}
        self._known: dict[str, slurm_queue.QueuedJob] | None = None
        self._asked_for: frozenset[str] = frozenset()
        self._ask_at = 0.0
        self._ask_pause = _ASK
        self._pause = _QUICK
        self._looker: asyncio.Task[None] | None = None
        self._next: asyncio.Future[None] | None = None

    async def look(self, task: Task) -> TaskState:
        """Where the task stands, as of a look that begins after this call."""
        if task.job_id not in self._watched:
            self._watched[task.job_id] = task
            self.hurry()
        if self._looker is None or self._looker.done():
            self._looker = asyncio.create_task(self._look_on())
        while True:
            if self._next is None:
                self._next = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._next)
            if (state := self._states.get(task.job_id)) is not None:
                return state

    def hurry(self) -> None:
        """Something is about to happen: look and ask often again."""
        self._pause, self._ask_pause, self._ask_at = _QUICK, _ASK, 0.0

    def forget(self, task: Task) -> None:
        self._watched.pop(task.job_id, None)
        self._states.pop(task.job_id, None)

    async def _look_on(self) -> None:
        while self._watched:
            await asyncio.sleep(self._pause)
            tasks = list(self._watched.values())
            found = await asyncio.to_thread(self._look, tasks)
            changed = any(self._states.get(state.task.job_id) != state for state in found)
            self._pause = _QUICK if changed else min(self._pause * 1.3, _SLOW)
            self._states = {state.task.job_id: state for state in found}
            waiting, self._next = self._next, None
            if waiting is not None and not waiting.done():
                waiting.set_result(None)

    def _look(self, tasks: list[Task]) -> list[TaskState]:
        # The queue first: a job that ends in between has left its marks by the time they are read.
        if time.monotonic() >= self._ask_at:
            ids = frozenset(task.job_id for task in tasks)
            self._known, self._asked_for = slurm_queue.jobs(ids), ids
            self._ask_at = time.monotonic() + self._ask_pause
            self._ask_pause = min(self._ask_pause * 1.5, _ASK_SELDOM)
        found = states(tasks, self._known)
        return [
            state if state.task.job_id in self._asked_for else replace(state, job=None, asked=False)
            for state in found
        ]
