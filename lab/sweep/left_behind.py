"""Runs that a process of a sweep that is gone had asked for: found, and waited for.

A cluster carries on without the process that asked. Where such a run stands is read from its own
record first; the queue of Slurm tells of those that have not begun yet.
"""

from __future__ import annotations

import asyncio

from lab.executors import orphan
from lab.executors.base import Executor, OnStart
from lab.executors.node import RESUME
from lab.executors.slurm import Slurm
from lab.executors.submission import Task
from lab.notebook.job import Job
from lab.record.catalogue import find_runs
from lab.record.files import read_json
from lab.record.redact import redact_params
from lab.record.run import Run, parse_time
from lab.sweep.storage import studies_folder
from lab.workspace import Workspace

ENDED_BY_ITSELF = ("done", "failed", "pruned")  # others were cut off, and are to be run again


class LeftBehind:
    """Of one study, the runs that earlier processes asked for."""

    def __init__(self, study: str, workspace: Workspace, executor: Executor) -> None:
        self._about = studies_folder(workspace) / study / "study.json"
        self._workspace = workspace
        self._executor = executor

    def latest(self, job: Job) -> Run | None:
        """The last run of this very trial, stage and values, whoever asked for it."""
        # A study of that name that is no more may have had the same trial.
        created = parse_time(read_json(self._about)["created"])
        wanted = redact_params(job.params)
        for run in find_runs(self._workspace, where=f"sweep.trial == {(job.sweep or {})['trial']}"):
            same = all(run.params.get(n) == v for n, v in wanted.items() if n != RESUME)
            ours = created is not None and run.started is not None and run.started >= created
            if same and ours and run.record.get("sweep") == job.sweep:
                return run
        return None

    def goes_on(self, job: Job) -> bool:
        """Whether a run of the job has come to its own end, is under way or waits in the queue."""
        run = self.latest(job)
        if run is not None and run.status in (*ENDED_BY_ITSELF, "running"):
            return True
        return self._task(job) is not None

    async def end_of(self, job: Job, started: OnStart) -> Run | None:
        """The last run of the job, once it has ended; None where there is none, or it was cut off.

        `started` is told the run that is waited for. Cancelling ends it as stopped.
        """
        run = self.latest(job)
        if run is None or run.status not in ENDED_BY_ITSELF:
            task = await asyncio.to_thread(self._task, job)
            if task is not None:
                assert isinstance(self._executor, Slurm)
                run = await self._executor.follow(task, on_start=started)
            else:
                run = self.latest(job)  # it may have ended, and left the queue, just then
        if run is not None and run.status == "running":
            started(run.id)
            run = await orphan.ended(run.path)
        return run if run is not None and run.status in ENDED_BY_ITSELF else None

    def _task(self, job: Job) -> Task | None:
        """What is in the queue, or under way from it, to do this job."""
        return self._executor.find(job) if isinstance(self._executor, Slurm) else None
