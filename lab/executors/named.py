"""Which executors there are, and the one of a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.errors import InputError, nearest
from lab.executors.base import Executor
from lab.workspace import Workspace

if TYPE_CHECKING:
    from lab.executors.resources import Resources

EXECUTORS = ("inline", "pool", "slurm", "dask")


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
