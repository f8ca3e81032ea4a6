"""Seeing how the process of a run goes on: cells that raise, exceptions, the process's end."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from lab.record.files import write_atomic
from lab.record.redact import Secrets
from lab.record.transcript import Transcript, capture_messages

OnError = Callable[[BaseException, int | None], None]


def ipython_shell() -> Any:
    """The IPython shell this code runs in, or None."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None


def executed_sources(shell: Any) -> list[str]:
    """The cells executed in this shell so far, the current one included, as they were typed."""
    return [str(source) for source in shell.history_manager.input_hist_raw[1:]]


def cell_number(shell: Any) -> int:
    """The number n of the cell that runs now, as in In[n].

    Counted in the history: `execution_count` moves before the cell in some versions of IPython,
    behind it in others.
    """
    return len(shell.history_manager.input_hist_raw) - 1


class CellWatch:
    """Follows the cells of an IPython shell: tells of errors, keeps the executed notebook saved."""

    def __init__(
        self,
        shell: Any,
        target: Path,
        *,
        notebook: Path | None,
        secrets: Secrets,
        on_error: OnError,
    ) -> None:
        self._shell = shell
        self._target = target
        self._secrets = secrets
        self._on_error = on_error
        self._transcript = Transcript(executed_sources(shell), notebook)
        self._transcript.cell_starts("", cell_number(shell), self._message())
        kernel = getattr(shell, "kernel", None)
        self._stop_capture = (
            capture_messages(kernel.session, self._transcript) if kernel is not None else None
        )
        shell.events.register("pre_run_cell", self._before)
        shell.events.register("post_run_cell", self._after)

    def close(self) -> None:
        """Stop watching, and save what the last cell printed."""
        for event, callback in (("pre_run_cell", self._before), ("post_run_cell", self._after)):
            with contextlib.suppress(ValueError):
                self._shell.events.unregister(event, callback)
        self.save()
        if self._stop_capture is not None:
            self._stop_capture()

    def save(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):  # the stream of a kernel that is going away
                stream.flush()
        notebook = self._secrets.value(self._transcript.notebook())
        text = json.dumps(notebook, indent=1, ensure_ascii=False, default=str) + "\n"
        with contextlib.suppress(OSError):  # a full disk is told by the metrics and the record
            write_atomic(self._target, text.encode("utf-8", "replace"))

    def _message(self) -> str | None:
        kernel = getattr(self._shell, "kernel", None)
        if kernel is None:
            return None
        parent = kernel.get_parent() or {}
        return (parent.get("header") or {}).get("msg_id")

    def _before(self, info: Any) -> None:
        if info.store_history:
            # The cell enters the history after this.
            number = cell_number(self._shell) + 1
            cell_id = getattr(info, "cell_id", None)
            self._transcript.cell_starts(info.raw_cell, number, self._message(), cell_id)

    def _after(self, result: Any) -> None:
        error = result.error_in_exec or result.error_before_exec
        if error is not None:
            self._on_error(error, result.execution_count)
        self.save()


class ScriptWatch:
    """Tells of the exception that ends a plain Python script."""

    def __init__(self, on_error: OnError) -> None:
        self._before = sys.excepthook
        self._on_error = on_error
        sys.excepthook = self._hook

    def close(self) -> None:
        if sys.excepthook == self._hook:
            sys.excepthook = self._before

    def _hook(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        self._on_error(error, None)
        self._before(kind, error, trace)
