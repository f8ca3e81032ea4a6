"""The executed notebook of a run: read, given its values, saved as it runs.

Imports nbformat and papermill, so it is itself imported as late as can be.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbformat import convert, from_dict, reader
from nbformat.v4.nbjson import JSONWriter
from papermill.parameterize import parameterize_notebook

from lab.record.files import write_atomic
from lab.record.redact import Secrets, redact_params

_INJECTED_TAG = "injected-parameters"
_PAUSE = 1.0  # seconds between saves while a cell runs
_SHARE = 0.1  # of the time, at most, goes into saving between cells


class Document:
    """One notebook with its values in it; what is saved of it never holds a secret."""

    def __init__(self, source: Path, params: Mapping[str, Any], target: Path) -> None:
        self._target = target
        self._secrets = Secrets.of(params)
        self.notebook = _read(source)
        if params:
            hidden = redact_params(params)
            self._shown_source = _inject(_read(source), hidden).source
            self._shown_params = hidden
            self._injected = _inject(self.notebook, params)
        else:
            self._injected = None
        self.notebook.metadata.papermill = {}
        for cell in self.notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        self._saved_at = 0.0
        self._cost = 0.0

    @property
    def secrets(self) -> Secrets:
        """Every secret known so far."""
        return self._secrets

    def hide(self, secrets: Mapping[str, str]) -> None:
        """Never show these either: the notebook has just given them to its run."""
        self._secrets |= Secrets(secrets)

    def shown(self) -> dict[str, Any]:
        """The notebook as it may be seen by anybody."""
        shown = dict(self.notebook)
        if self._injected is not None:
            index = self.notebook.cells.index(self._injected)
            cells = list(self.notebook.cells)
            cells[index] = {**self._injected, "source": self._shown_source}
            shown["cells"] = cells
            papermill = {"parameters": self._shown_params}
            shown["metadata"] = {**self.notebook.metadata, "papermill": papermill}
        scrubbed: dict[str, Any] = self._secrets.value(shown)
        return scrubbed

    def bytes(self) -> bytes:
        text: str = JSONWriter().writes(from_dict(self.shown()))  # type: ignore[no-untyped-call]
        return (text + "\n").encode("utf-8", "replace")

    def save(self) -> None:
        """Save now; OSError when the disk is full, and then the last save is still there.

        FileNotFoundError when the folder of the run is gone, which is not made again.
        """
        began = time.monotonic()
        self._target.parent.stat()
        write_atomic(self._target, self.bytes())
        self._saved_at = time.monotonic()
        self._cost = self._saved_at - began

    def due(self, *, cell_ended: bool) -> bool:
        """Whether it is time to save: the cost of saving many cells stays a small share."""
        pause = self._cost / _SHARE
        if not cell_ended:
            pause = max(pause, _PAUSE)
        return time.monotonic() - self._saved_at >= pause

    def save_if_due(self, *, cell_ended: bool) -> None:
        """Save unless that was done just now."""
        if self.due(cell_ended=cell_ended):
            with contextlib.suppress(OSError):  # a full disk is told by the last save, at the end
                self.save()


def _read(path: Path) -> Any:
    # No validation: it takes long, and what matters of the shape has been checked before.
    notebook = reader.reads(path.read_text(encoding="utf-8"))  # type: ignore[no-untyped-call]
    return convert(notebook, 4)  # type: ignore[no-untyped-call]


def _inject(notebook: Any, params: Mapping[str, Any]) -> Any:
    """Put the values into `notebook` in a cell behind its parameters cell; that cell."""
    notebook.metadata.setdefault("papermill", {})
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])  # papermill looks at the tags of every cell
    parameterize_notebook(notebook, dict(params), kernel_name="python3", language="python")
    return next(c for c in notebook.cells if _INJECTED_TAG in c.metadata.get("tags", []))
