"""Dask: each run is a task of a scheduler whose workers share the runs folder with us."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shutil
from pathlib import Path
from typing import Any

from lab.errors import InputError, WorkFailed
from lab.executors import orphan
from lab.executors.base import OnStart
from lab.executors.dask_node import run_task
from lab.executors.ledger import Attempt, Ledger
from lab.executors.node import Ticket, cut_off
from lab.notebook.job import Job
from lab.record.paths import RunPaths, claim_folder
from lab.record.run import Run
from lab.workspace import Workspace

FOLDER = "dask"  # in the runs folder, while runs are under way
_LOOK = 0.25  # seconds between looks at whether the run has started
_CONNECT = 10.0  # seconds


class Dask:
    """Runs jobs on the workers of a scheduler, as many at a time as these have threads.

    `address` is that of the scheduler; without one it is Dask's own setting (`scheduler-address`,
    DASK_SCHEDULER_ADDRESS), else a cluster of `workers` processes is started here and ended by
    `close`. A task whose worker dies is started again on another one.
    """

    def __init__(
        self, workspace: Workspace, address: str | None = None, *, workers: int = 1
    ) -> None:
        _check_dask()
        self._workspace = workspace
        self._address = address
        self._workers = workers
        self._numbers = itertools.count()
        self._folder: Path | None = None
        self._cluster: Any = None
        self._client: Any = None
        self._opening = asyncio.Lock()

    async def run(self, job: Job, *, on_start: OnStart | None = None) -> Run:
        """Submit the job and wait for its end.

        Raises InputError where no scheduler answers, and WorkFailed for a task that was lost
        before its run began.
        """
        client, folder = await self._open()
        number = next(self._numbers)
        ticket = Ticket.of(job, self._workspace, folder, number)
        future = client.submit(run_task, ticket, key=f"lab-{folder.name}-{number}", pure=False)
        watching = asyncio.create_task(self._announce(number, on_start))
        try:
            found = await future
        except asyncio.CancelledError:
            await self._wind_up(future, number)
            raise
        except Exception as problem:  # whatever the worker, or the scheduler, has to say
            return self._lost(problem, number)
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
        return Run.read(self._workspace.runs / found)

    async def close(self) -> None:
        """End the connection, and the cluster where it was started here."""
        client, cluster = self._client, self._cluster
        self._client = self._cluster = None
        if client is not None:
            await client.close()
        if cluster is not None:
            await cluster.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)  # marks, of which all has been read
            with contextlib.suppress(OSError):
                self._folder.parent.rmdir()

    async def _open(self) -> tuple[Any, Path]:
        async with self._opening:
            if self._client is None:
                self._client = await self._connected()
                self._folder = claim_folder(self._workspace.runs / FOLDER).root
            assert self._folder is not None
            return self._client, self._folder

    async def _connected(self) -> Any:
        import dask
        import distributed

        # Neither constructor is annotated.
        start_cluster: Any = distributed.LocalCluster
        connect: Any = distributed.Client

        address = self._address or dask.config.get("scheduler-address", None)
        if address is None:
            self._cluster = await start_cluster(
                n_workers=self._workers,
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",  # any free port: several may run here
                asynchronous=True,
            )
            address = self._cluster.scheduler_address
        try:
            return await connect(address, asynchronous=True, timeout=_CONNECT, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(
                "No Dask scheduler answers",
                seen=f"{address} ({error})",
                do="Start one (`dask scheduler`), or leave the address out: --on dask.",
            ) from None

    @property
    def _ledger(self) -> Ledger:
        assert self._folder is not None
        return Ledger(self._folder)

    def _attempts(self, number: int) -> list[Attempt]:
        return self._ledger.attempts().get(number, [])

    def _paths(self, attempt: Attempt) -> RunPaths:
        return RunPaths(self._workspace.runs / attempt.run_id)

    async def _announce(self, number: int, on_start: OnStart | None) -> None:
        """Tell of each attempt as it begins, until cancelled; of the last one in any case."""
        announced = 0
        ending = False
        while True:
            attempts = self._attempts(number)
            for attempt in attempts[announced:]:
                if on_start is not None:
                    on_start(attempt.run_id)
            announced = len(attempts)
            if ending:
                return
            try:
                await asyncio.sleep(_LOOK)
            except asyncio.CancelledError:
                ending = True

    def _lost(self, problem: Exception, number: int) -> Run:
        """The run of a task that came to nothing; raises where it began none."""
        attempts = self._attempts(number)
        if attempts:
            return cut_off(Run.read(self._paths(attempts[-1])))
        if isinstance(problem, InputError):
            raise problem
        raise WorkFailed(
            "A Dask task ended before its run began",
            seen=problem,
            do="The workers need this installation and the same workspace folder.",
        )

    async def _wind_up(self, future: Any, number: int) -> None:
        """Have the run end as stopped, and a task that has not begun never begin."""
        attempts = self._attempts(number)
        if not attempts:
            await future.cancel(force=True)
            await asyncio.sleep(_LOOK)  # it may have begun just then
            attempts = self._attempts(number)
        if not attempts:
            return
        try:
            await orphan.wind_up(self._paths(attempts[-1]))
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                await future.cancel(force=True)


def _check_dask() -> None:
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise InputError(
            "Dask support is not installed",
            seen="no package distributed",
            do="`make setup` installs it, or pip install distributed.",
        ) from None
