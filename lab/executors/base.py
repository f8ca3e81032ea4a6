"""What every executor does, and which there are."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from lab.errors import InputError, nearest
from lab.notebook.job import Job
from lab.record.creation import create_run
from lab.record.paths import RunPaths
from lab.record.run import Run
from lab.workspace import Workspace

EXECUTORS = ("inline", "pool", "slurm", "dask")

if TYPE_CHECKING:
    from lab.executors.resources import Resources

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
    if on_start is not None:
        on_start(paths.id)
    return paths


def executor_by_name(
    name: str,
    workspace: Workspace,
    *,
    workers: int | None = None,
    resources: Resources | None = None,
) -> Executor:
    """The executor called `name`; Dask's may hold its scheduler's address: `dask:HOST:PORT`.

    `workers` is how many runs the pool, or a Dask cluster started here, has at a time (default 1),
    and the most that Slurm starts of one job array. `resources` are what Slurm is asked for where
    a job itself does not say.
    """
    kind, _, address = name.partition(":")
    if kind == "pool" and not address:
        from lab.executors.pool import Pool

        return Pool(workspace, workers=workers or 1)
    if kind == "inline" and not address:
        from lab.executors.inline import Inline

        return Inline(workspace)
    if kind == "slurm" and not address:
        from lab.executors.slurm import Slurm

        return Slurm(workspace, workers=workers, resources=resources)
    if kind == "dask":
        from lab.executors.dask import Dask

        return Dask(workspace, address or None, workers=workers or 1)
    raise InputError("There is no such executor", seen=name, do=nearest(kind, EXECUTORS))


async def closing(executor: Executor, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, after which what the executor holds (connections, processes) goes."""
    try:
        return await work
    finally:
        close = getattr(executor, "close", None)
        if close is not None:
            await close()
