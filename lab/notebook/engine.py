"""The papermill engine `lab`: `papermill --engine lab IN OUT` runs the cells in a forked kernel.

papermill imports every engine that is installed whenever it starts, so nothing is imported here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

_PATIENCE = 5.0  # seconds an interrupted cell may take to wind up
_SHARE = 0.1  # of the time, at most, goes into saving between cells


class LabEngine:
    """What papermill asks of an engine."""

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, **kwargs: Any) -> Any:
        return _engine().execute_notebook(nb, kernel_name, **kwargs)

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> Any:
        return _engine().nb_kernel_name(nb, name)

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> Any:
        return _engine().nb_language(nb, language)


@lru_cache(maxsize=1)
def _engine() -> Any:
    from papermill.engines import Engine, NBClientEngine

    from lab.notebook.warm.owner import Unsafe, say_cold

    class Forking(Engine):  # type: ignore[misc]
        @classmethod
        def execute_managed_notebook(
            cls,
            nb_man: Any,
            kernel_name: str,
            log_output: bool = False,
            stdout_file: Any = None,
            stderr_file: Any = None,
            execution_timeout: float | None = None,
            **kwargs: Any,
        ) -> None:
            try:
                if kernel_name != "python3":
                    raise Unsafe(f"the notebook asks for the kernel {kernel_name}")
                work = _Managed(nb_man, execution_timeout or kwargs.get("timeout"))
                work.log_to(log_output, stdout_file, stderr_file)
                asyncio.run(work.run())
            except Unsafe as why:
                say_cold(why)
                NBClientEngine.execute_managed_notebook(
                    nb_man,
                    kernel_name,
                    log_output=log_output,
                    stdout_file=stdout_file,
                    stderr_file=stderr_file,
                    execution_timeout=execution_timeout,
                    **kwargs,
                )

    return Forking


class _Managed:
    """One notebook of papermill's being run."""

    def __init__(self, nb_man: Any, timeout: float | None) -> None:
        self._man = nb_man
        self._timeout = timeout
        self._log: tuple[Any, ...] = (False, None, None)

    def log_to(self, log_output: bool, stdout_file: Any, stderr_file: Any) -> None:
        self._log = (log_output, stdout_file, stderr_file)

    async def run(self) -> None:
        from lab.notebook.warm.kernel import ForkedKernel

        cells = self._man.nb.cells
        kernel = await ForkedKernel.start(
            cwd=Path.cwd(),
            env=os.environ,
            sources=[cell.source for cell in cells],
            name="ipykernel",
        )
        try:
            with _seldom(self._man):
                await self._run_cells(kernel)
        finally:
            kernel.discard()
            await kernel.ended()

    async def _run_cells(self, kernel: Any) -> None:
        from nbclient.exceptions import CellExecutionError

        from lab.notebook.warm.client import ForkedConnection

        man, connection = self._man, ForkedConnection(kernel)
        man.nb.metadata["language_info"] = await self._within(kernel, connection.ready())
        runner = connection.runner(man.nb, lambda _: None)
        runner.on_output = self._show
        for index, cell in enumerate(man.nb.cells):
            man.cell_start(cell, index)
            try:
                await self._within(kernel, runner.run_cell(index), cell)
            except CellExecutionError as error:
                man.cell_exception(cell, cell_index=index, exception=error)
                break
            finally:
                man.cell_complete(cell, cell_index=index)
            if runner.wants_to_stop:
                break
        runner.set_widgets_metadata()
        await asyncio.wait(
            {asyncio.ensure_future(connection.request_shutdown())}, timeout=_PATIENCE
        )
        await asyncio.wait({asyncio.ensure_future(kernel.ended())}, timeout=_PATIENCE)

    async def _within(self, kernel: Any, work: Any, cell: Any = None) -> Any:
        """What `work` returns; an exception when the kernel dies or a cell takes too long."""
        from nbclient.exceptions import CellTimeoutError, DeadKernelError

        task, death = asyncio.ensure_future(work), asyncio.ensure_future(kernel.ended())
        try:
            timeout = None if cell is None else self._timeout
            ended, _ = await asyncio.wait(
                {task, death}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED
            )
            if not ended:
                kernel.interrupt()
                await asyncio.wait({task, death}, timeout=_PATIENCE)
                raise CellTimeoutError.error_from_timeout_and_cell(
                    "Cell execution timed out", int(timeout or 0), cell
                )
            if task not in ended:
                raise DeadKernelError("Kernel died")
            return task.result()
        finally:
            for one in (task, death):
                one.cancel()
            await asyncio.gather(task, death, return_exceptions=True)

    def _show(self, message: dict[str, Any]) -> None:
        self._man.autosave_cell()
        content = message["content"]
        log_output, *files = self._log
        if message["msg_type"] == "stream":
            if file := files[content["name"] == "stderr"]:
                file.write(content["text"])
                file.flush()
            text = content["text"]
        else:
            text = content.get("data", {}).get("text/plain", "")
        if log_output and text:
            from papermill.log import logger

            logger.info(text)


@contextlib.contextmanager
def _seldom(man: Any) -> Any:
    """Let saving take a tenth of the time at most; papermill saves twice for every cell."""
    save, saved_at, cost = man.save, -1e9, 0.0

    def limited(**kwargs: Any) -> None:
        nonlocal saved_at, cost
        began = time.monotonic()
        if began - saved_at >= cost / _SHARE:
            save(**kwargs)
            saved_at = time.monotonic()
            cost = saved_at - began

    man.save = limited
    try:
        yield
    finally:
        man.save = save
