"""Executing a notebook into a run folder, whatever becomes of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.errors import WorkFailed
from lab.notebook.ending import (
    DONE,
    Ending,
    ending_of_death,
    ending_of_exception,
    ending_of_oserror,
    ending_of_stop,
)
from lab.notebook.environment import run_environment
from lab.notebook.imports import without
from lab.notebook.kernel import Kernel, KernelProcess
from lab.notebook.recording import record_end
from lab.notebook.warm.kernel import ForkedKernel
from lab.notebook.warm.owner import Unsafe, say_cold
from lab.record.liveness import identity
from lab.record.outcome import Reason
from lab.record.paths import RunPaths
from lab.record.redact import Secrets
from lab.record.resources import Sampler, Use
from lab.record.run import Run, update_run
from lab.schema import read_cells
from lab.workspace import Workspace

if TYPE_CHECKING:
    from lab.notebook.client import CellRunner, Connection
    from lab.notebook.document import Document
    from lab.notebook.warm.client import ForkedConnection

_PATIENCE = 5.0  # seconds an interrupted cell may take to wind up before it is killed
_GOODBYE = 5.0  # seconds a kernel may take for its exit handlers
_DRAIN = 0.3  # seconds in which the last outputs of a dead kernel still come in
_HEARTBEAT = 3.0  # seconds
_TICK = 0.5  # seconds between looks at whether the notebook has to be saved


async def execute(
    paths: RunPaths,
    *,
    notebook: Path,
    params: Mapping[str, Any],
    workspace: Workspace,
    timeout: float | None = None,
    threads: int | None = None,
) -> Run:
    """Run every cell of `notebook` in a kernel of its own and record how that ended.

    The run folder exists already. `timeout` is in seconds, for the whole notebook; `threads` caps
    the numerical libraries of the kernel. Cancelling interrupts the cell, gives it five seconds,
    records the run as stopped and raises CancelledError; cancelling again kills at once.
    """
    execution = _Execution(paths, notebook, params, timeout)
    await execution.run(_environment(paths, workspace, threads))
    return Run.read(paths.root)


def _environment(paths: RunPaths, workspace: Workspace, threads: int | None) -> dict[str, str]:
    env = {**os.environ, **run_environment(paths, workspace)}
    if threads is not None:
        env.setdefault("OMP_NUM_THREADS", str(threads))
    return env


class _Execution:
    """One execution under way."""

    def __init__(
        self, paths: RunPaths, notebook: Path, params: Mapping[str, Any], timeout: float | None
    ) -> None:
        self._paths = paths
        self._notebook = notebook
        self._params = params
        self._timeout = timeout
        self._kernel: KernelProcess | None = None
        self._connection: Connection | ForkedConnection | None = None
        self._document: Document | None = None
        self._runner: CellRunner | None = None
        self._sampler = Sampler(paths)
        self._cell: int | None = None  # In[n] of the cell that runs
        self._stopping = False
        self._cancelled = False

    async def run(self, env: Mapping[str, str]) -> None:
        heart = asyncio.create_task(self._beat())
        ending = Ending("crashed")  # should this very code break
        try:
            self._kernel = await self._start(env)
            ending = self._save_last(await self._supervise(self._kernel))
        except asyncio.CancelledError:
            self._cancelled = True
            ending = ending_of_stop("interrupted", None, self._cell)
        except OSError as error:  # no kernel could be started: too many open files, a full disk
            ending = ending_of_oserror(error)
        finally:
            heart.cancel()
            self._keep_use()
            # Recorded before the kernel goes: a run whose process is gone would look crashed.
            known = None if self._document is None else self._document.secrets
            try:
                record_end(self._paths, ending, known or Secrets.of(self._params))
            except WorkFailed:  # its folder is gone
                if not self._cancelled:
                    raise
            finally:
                await self._say_goodbye()
        if self._cancelled:
            raise asyncio.CancelledError

    def _keep_use(self) -> None:
        """Write down what a kernel that is gone had used: it cannot be asked any more."""
        if self._kernel is not None and (ended := self._kernel.exit) is not None:
            self._sampler.keep(Use(ended.peak, ended.peak, ended.cpu))

    async def _start(self, env: Mapping[str, str]) -> KernelProcess:
        """A forked kernel, or a cold one where forking is unsafe."""
        folder = self._notebook.parent
        sources = [cell["source"] for cell in read_cells(self._notebook)]
        forking = asyncio.ensure_future(ForkedKernel.start(cwd=folder, env=env, sources=sources))
        try:
            await asyncio.sleep(0)  # it is asked for; what follows takes about as long
            _import_client()
            return await forking
        except Unsafe as why:
            say_cold(why)
            return await Kernel.start(cwd=folder, env=env)
        finally:
            forking.cancel()

    async def _supervise(self, kernel: KernelProcess) -> Ending:
        """Run the cells until they end, the kernel dies, time is up or somebody stops them."""
        work = asyncio.create_task(self._work(kernel))
        death = asyncio.create_task(kernel.ended())
        asked = asyncio.create_task(self._asked_to_stop())
        stop: Reason | None = None
        try:
            ended, _ = await asyncio.wait(
                {work, death, asked}, timeout=self._timeout, return_when=asyncio.FIRST_COMPLETED
            )
            if not ended:
                stop = "time_limit"
            elif ended == {asked}:
                stop = "interrupted"
        except asyncio.CancelledError:
            stop, self._cancelled = "interrupted", True
        try:
            if stop is not None:
                await self._wind_up(kernel, work, death)
                return ending_of_stop(stop, self._timeout, self._cell)
            if not work.done():
                await asyncio.wait({work}, timeout=_DRAIN)
            if work.done():
                return work.result()
            return ending_of_death(
                await death,
                oom=kernel.out_of_memory(),
                last_words=kernel.last_words(),
                cell=self._cell,
            )
        finally:
            tasks = (work, death, asked)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _asked_to_stop(self) -> None:
        """Return when `lab stop` has left its request."""
        while not self._paths.stop.exists():
            await asyncio.sleep(_TICK)

    async def _wind_up(
        self, kernel: KernelProcess, work: asyncio.Task[Any], death: asyncio.Task[Any]
    ) -> None:
        """Interrupt the cell and give it some time; a second cancellation takes that time away."""
        self._stopping = True
        kernel.interrupt()
        if not await self._one_ends({work, death}, _PATIENCE):
            kernel.kill()
            await self._one_ends({death}, _DRAIN)  # and what it had used is known

    async def _one_ends(self, tasks: set[asyncio.Task[Any]], seconds: float) -> bool:
        """Whether one of the tasks ends in time; a cancellation is noted and cuts the time off."""
        try:
            ended, _ = await asyncio.wait(
                tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        except asyncio.CancelledError:
            self._cancelled = True
            return False
        return bool(ended)

    async def _work(self, kernel: KernelProcess) -> Ending:
        """Everything that talks to the kernel."""
        update_run(self._paths, **identity(kernel.pid))
        _import_client()
        from lab.notebook.client import CellExecutionError
        from lab.notebook.document import Document

        document = Document(self._notebook, self._params, self._paths.notebook)
        self._document = document
        document.save_if_due(cell_ended=True)
        self._connection = _connection(kernel)
        document.notebook.metadata.language_info = await self._connection.ready()
        runner = self._runner = self._connection.runner(document.notebook, document.hide)
        for index, cell in enumerate(document.notebook.cells):
            if cell.cell_type == "code" and cell.source.strip():
                self._cell = (self._cell or 0) + 1
            try:
                await runner.run_cell(index)
            except CellExecutionError as error:
                return ending_of_exception(error.ename, error.evalue, self._cell)
            document.save_if_due(cell_ended=True)
            if self._stopping or runner.wants_to_stop:
                break
        runner.set_widgets_metadata()
        return DONE

    async def _beat(self) -> None:
        """Show that the run lives, and bring the saved notebook up to date in long cells."""
        beat_at = -_HEARTBEAT
        while True:
            if time.monotonic() - beat_at >= _HEARTBEAT:
                beat_at = time.monotonic()
                with contextlib.suppress(OSError):
                    self._paths.heartbeat.touch()
            look = self._sampler.sample(self._kernel.pid) if self._kernel is not None else _TICK
            self._save_changes()
            await asyncio.sleep(min(_TICK, look))

    def _save_changes(self) -> None:
        runner, document = self._runner, self._document
        if runner is None or document is None or not runner.changed:
            return
        if document.due(cell_ended=False):
            runner.changed = False
            runner.render()
            document.save_if_due(cell_ended=False)

    def _save_last(self, ending: Ending) -> Ending:
        if self._document is None:
            return ending
        if self._runner is not None:
            self._runner.render()
        try:
            self._document.save()
        except OSError as error:
            # The last notebook that could be saved is still there, whole.
            return ending_of_oserror(error) if ending == DONE else ending
        return ending

    async def _say_goodbye(self) -> None:
        """Let the kernel run its exit handlers, then make sure that nothing of it is left."""
        kernel, connection = self._kernel, self._connection
        if kernel is None:
            return
        try:
            if connection is not None and kernel.returncode is None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_GOODBYE):
                        await connection.request_shutdown()
                        await kernel.ended()
        finally:
            kernel.discard()
            await kernel.ended()
            if connection is not None:
                connection.close()


def _connection(kernel: KernelProcess) -> Connection | ForkedConnection:
    if isinstance(kernel, ForkedKernel):
        from lab.notebook.warm.client import ForkedConnection

        return ForkedConnection(kernel)
    from lab.notebook.client import Connection

    assert isinstance(kernel, Kernel)
    return Connection(kernel)


def _import_client() -> None:
    """Import what talks to kernels, while one starts on another core."""
    with without("rfc3987_syntax"):
        import lab.notebook.client
        import lab.notebook.document  # noqa: F401
