"""Inline: the cells run in this process, one run at a time, so that a debugger can be used."""

from __future__ import annotations

import asyncio

from lab.executors.base import OnStart, create_job_run
from lab.notebook.inprocess import execute_here
from lab.notebook.job import Job
from lab.record.run import Run
from lab.workspace import Workspace


class Inline:
    """Runs jobs in the calling process; breakpoints and pdb are on its terminal."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def run(self, job: Job, *, on_start: OnStart | None = None) -> Run:
        paths = create_job_run(self._workspace, job, on_start)
        run = execute_here(
            paths,
            notebook=job.notebook,
            params=job.params,
            workspace=self._workspace,
            timeout=job.timeout,
        )
        if (run.status, run.reason) == ("stopped", "interrupted"):
            raise asyncio.CancelledError
        return run
