"""The pool: some runs at a time on this machine, each in a kernel of its own."""

from __future__ import annotations

import asyncio
import os

from lab.executors.base import OnStart, create_job_run
from lab.notebook.execute import execute
from lab.notebook.job import Job
from lab.record.run import Run
from lab.workspace import Workspace


class Pool:
    """Runs `workers` jobs at a time; the others wait, without a folder, for their turn."""

    def __init__(self, workspace: Workspace, *, workers: int = 1) -> None:
        self._workspace = workspace
        self._turns = asyncio.Semaphore(workers)
        # Two kernels that each use every core are slower than one after the other.
        self._threads = max(1, _cores() // workers) if workers > 1 else None

    async def run(self, job: Job, *, on_start: OnStart | None = None) -> Run:
        async with self._turns:
            paths = create_job_run(self._workspace, job, on_start)
            return await execute(
                paths,
                notebook=job.notebook,
                params=job.params,
                workspace=self._workspace,
                timeout=job.timeout,
                threads=self._threads,
            )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
