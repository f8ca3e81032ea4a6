"""What every executor does."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from lab.notebook.job import Job
from lab.record import pruning
from lab.record.creation import create_run
from lab.record.paths import RunPaths
from lab.record.run import Run
from lab.workspace import Workspace

T = TypeVar("T")

OnStart = Callable[[str], object]


class Executor(Protocol):
    """Turns a job into an ended run."""

    async def run(self, job: Job, *, on_start: OnStart | None = None) -> Run:
        """Create the run folder, execute the notebook into it, and return the run as it ended.

        `on_start` is told the run's id as soon as its folder exists. Whatever the notebook does is
        in the run's status; only bad input and cancellation raise. A cancelled run is recorded as
        stopped before CancelledError is raised.
        """
        ...


def create_job_run(workspace: Workspace, job: Job, on_start: OnStart | None) -> RunPaths:
    """The run folder of `job`, announced to `on_start`."""
    paths = create_run(
        workspace,
        notebook=job.notebook,
        params=job.params,
        name=job.name,
        tags=job.tags,
        suite=job.suite,
        sweep=job.sweep,
        timeout=job.timeout,
    )
    if job.answered:
        pruning.promise(paths)
    if on_start is not None:
        on_start(paths.id)
    return paths


async def closing(executor: Executor, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, after which what the executor holds (connections, processes) goes."""
    try:
        return await work
    finally:
        close = getattr(executor, "close", None)
        if close is not None:
            await close()
