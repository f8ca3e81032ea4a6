"""Executing a notebook in this very process, so that breakpoints open on the real terminal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.notebook.ending import DONE, Ending, ending_of_exception, ending_of_oserror, ending_of_stop
from lab.notebook.environment import run_environment
from lab.notebook.imports import without
from lab.notebook.outputs import CellOutputs
from lab.notebook.recording import record_end
from lab.record import resources
from lab.record.outcome import Reason
from lab.record.paths import RunPaths
from lab.record.run import Run
from lab.workspace import Workspace

if TYPE_CHECKING:
    from lab.notebook.document import Document
    from lab.notebook.shell import Shell

_HEARTBEAT = 3.0  # seconds
_AGAIN = (
    5.0  # seconds after which a cell that swallowed the interrupt of its time limit gets another
)


def execute_here(
    paths: RunPaths,
    *,
    notebook: Path,
    params: Mapping[str, Any],
    workspace: Workspace,
    timeout: float | None = None,
) -> Run:
    """Run every cell of `notebook` here and now, and record how that ended.

    Ctrl-C and SIGTERM end the run as stopped, as does `timeout` (seconds); these need the main
    thread. If this process dies, the run is found crashed by whoever reads it next.
    """
    with without("rfc3987_syntax"):
        from lab.notebook.document import Document
        from lab.notebook.shell import shell_here

    document = Document(notebook, params, paths.notebook)
    env = run_environment(paths, workspace)
    with _heartbeat(paths), _surroundings(env, notebook.parent), shell_here() as shell:
        cells = _Cells(document, shell)
        ending = cells.run(timeout)
        try:
            document.save()
        except OSError as error:
            ending = ending_of_oserror(error) if ending == DONE else ending
    record_end(paths, ending, document.secrets)
    return Run.read(paths)


class _Cells:
    """The cells of one notebook being run, and their outputs being kept."""

    def __init__(self, document: Document, shell: Shell) -> None:
        self._document = document
        self._shell = shell
        self._outputs: CellOutputs | None = None
        self._displays: dict[str, list[Any]] = {}  # what to change when a display is updated
        self._clear_next = False
        self._count = 0
        self._stop: Reason | None = None  # why the cell that runs was interrupted
        shell.outputs = self._emit
        shell.told_secrets = document.hide

    def run(self, timeout: float | None) -> Ending:
        try:
            with self._stoppable(timeout):
                return self._run_all()
        except KeyboardInterrupt:  # between two cells
            return self._stopped(timeout)
        finally:
            self._render()

    def _run_all(self) -> Ending:
        self._document.save_if_due(cell_ended=True)
        for cell in self._document.notebook.cells:
            if cell.cell_type != "code" or not cell.source.strip():
                continue
            self._count += 1
            self._outputs = CellOutputs(cell.outputs)
            with _teed(self._stream):
                result = self._shell.run_cell(cell.source, store_history=True)  # type: ignore[no-untyped-call]
            cell.execution_count = self._count
            self._render()
            self._document.save_if_due(cell_ended=True)
            error = result.error_before_exec or result.error_in_exec
            if self._stop or isinstance(error, KeyboardInterrupt):
                raise KeyboardInterrupt  # also where the cell caught it and wound up in order
            if error is not None and "raises-exception" not in cell.metadata.get("tags", []):
                return ending_of_exception(type(error).__name__, str(error), self._count)
            if self._shell.wants_to_stop:
                break
        return DONE

    def _stopped(self, timeout: float | None) -> Ending:
        return ending_of_stop(self._stop or "interrupted", timeout, self._count or None)

    def _render(self) -> None:
        if self._outputs is not None:
            self._outputs.render()

    def _stream(self, name: str, text: str) -> None:
        if self._outputs is not None:
            self._clear_if_due()
            self._outputs.stream(name, text)
            if self._document.due(cell_ended=False):
                self._render()
                self._document.save_if_due(cell_ended=False)

    def _emit(
        self, output: dict[str, Any], *, display_id: str | None = None, update: bool = False
    ) -> None:
        if self._outputs is None:
            return
        if output["output_type"] == "clear_output":
            self._clear_next = True
            if not output["wait"]:
                self._clear_if_due()
            return
        if update:
            for shown in self._displays.get(display_id or "", []):
                shown.update(data=output["data"], metadata=output["metadata"])
            return
        self._clear_if_due()
        _show(output)
        if output["output_type"] == "error" or self._outputs.admits(output):
            self._outputs.outputs.append(output)
            if display_id:
                self._displays.setdefault(display_id, []).append(output)

    def _clear_if_due(self) -> None:
        if self._clear_next and self._outputs is not None:
            self._clear_next = False
            self._outputs.outputs.clear()
            self._outputs.restart()

    @contextlib.contextmanager
    def _stoppable(self, timeout: float | None) -> Iterator[None]:
        """Let Ctrl-C, SIGTERM and the time limit raise KeyboardInterrupt in the cell that runs."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def interrupt(number: int, _: Any) -> None:
            self._stop = self._stop or ("time_limit" if number == signal.SIGALRM else "interrupted")
            raise KeyboardInterrupt

        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
        before = {number: signal.signal(number, interrupt) for number in numbers}
        if timeout is not None:
            signal.setitimer(signal.ITIMER_REAL, timeout, _AGAIN)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in before.items():
                signal.signal(number, handler)


def _show(output: dict[str, Any]) -> None:
    """Print what the terminal shows of an output, past the tee: it is kept already."""
    if output["output_type"] == "error":
        print("\n".join(output["traceback"]), file=sys.__stderr__)
    elif text := output["data"].get("text/plain"):
        print(text, file=sys.__stdout__)


@contextlib.contextmanager
def _teed(keep: Any) -> Iterator[None]:
    from lab.notebook.shell import Tee

    out, err = sys.stdout, sys.stderr
    sys.stdout = Tee(out, lambda text: keep("stdout", text))
    sys.stderr = Tee(err, lambda text: keep("stderr", text))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = out, err


@contextlib.contextmanager
def _surroundings(env: Mapping[str, str], folder: Path) -> Iterator[None]:
    """The environment and working directory of a kernel, and no event loop that runs already."""
    before, here = dict(os.environ), Path.cwd()
    loop = asyncio.events._get_running_loop()
    os.environ.update(env)
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    os.chdir(folder)
    # A cell with a top-level await runs a loop of its own.
    asyncio.events._set_running_loop(None)
    try:
        yield
    finally:
        asyncio.events._set_running_loop(loop)
        os.chdir(here)
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _heartbeat(paths: RunPaths) -> Iterator[None]:
    over = threading.Event()
    resources.begin_here(paths)
    sampler = resources.Sampler(paths)

    def beat() -> None:
        while not over.wait(_HEARTBEAT):
            with contextlib.suppress(OSError):
                paths.heartbeat.touch()
            sampler.sample(os.getpid())

    thread = threading.Thread(target=beat, daemon=True, name="heartbeat")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
