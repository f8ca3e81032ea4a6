"""The executed notebook of a run that no executor drives, rebuilt from what the kernel did."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from lab.record.cells import is_injected

_CAUGHT = frozenset(
    {"stream", "display_data", "execute_result", "error", "clear_output", "update_display_data"}
)
_TEXT_LIMIT = 400_000  # characters kept of one printed text
_REWRITTEN = re.compile(r"[^\n]*\r(?!\n)")  # what a carriage return goes back over


@dataclass
class Executed:
    """One execution of one cell."""

    source: str
    count: int
    cell_id: str | None = None
    outputs: list[dict[str, Any]] = field(default_factory=list)
    clear_next: bool = False

    def take(self, kind: str, content: dict[str, Any]) -> None:
        """Add one IOPub message of this cell to its outputs."""
        if kind == "clear_output":
            self.clear_next = bool(content.get("wait"))
            if not self.clear_next:
                self.outputs.clear()
            return
        if self.clear_next:
            self.outputs.clear()
            self.clear_next = False
        if kind == "stream":
            self._print(content["name"], content["text"])
        elif kind == "error":
            keys = ("ename", "evalue", "traceback")
            self.outputs.append({"output_type": "error"} | {key: content[key] for key in keys})
        else:
            output = {"output_type": kind, "data": content["data"], "metadata": {}}
            output["metadata"] = content.get("metadata") or {}
            if kind == "execute_result":
                output["execution_count"] = self.count
            if display := (content.get("transient") or {}).get("display_id"):
                output["_display_id"] = display
            self.outputs.append(output)

    def _print(self, name: str, text: str) -> None:
        last = self.outputs[-1] if self.outputs else {}
        if last.get("name") != name:
            last = {"output_type": "stream", "name": name, "text": ""}
            self.outputs.append(last)
        # A progress bar rewrites its line; only what it would leave on a screen is kept.
        printed = _REWRITTEN.sub("", last["text"] + text)
        last["text"] = printed[-_TEXT_LIMIT:]

    def as_cell(self, template: dict[str, Any]) -> dict[str, Any]:
        outputs = [
            {key: value for key, value in output.items() if key != "_display_id"}
            for output in self.outputs
        ]
        return template | {
            "cell_type": "code",
            "source": self.source,
            "execution_count": self.count,
            "outputs": outputs,
        }


class Transcript:
    """The cells executed in one kernel with their outputs, on top of the notebook they are from.

    `sources` are the cells executed so far; their outputs are gone already.
    """

    def __init__(self, sources: list[str], notebook: Path | None) -> None:
        self._executed = [Executed(source, n + 1) for n, source in enumerate(sources)]
        self._by_message: dict[str, Executed] = {}
        self._lock = threading.Lock()  # a kernel publishes what is printed from a thread of its own
        self._document = _read_document(notebook)

    def cell_starts(
        self, source: str, count: int, message: str | None, cell_id: str | None = None
    ) -> None:
        """A cell is about to run, or is the one that runs now."""
        if not self._executed or self._executed[-1].count != count:
            if cell_id is not None:
                # The same cell again: its earlier execution is what the notebook showed before.
                self._executed = [cell for cell in self._executed if cell.cell_id != cell_id]
            self._executed.append(Executed(source, count, cell_id))
        if message is not None:
            self._by_message[message] = self._executed[-1]

    def take(self, kind: str, content: dict[str, Any], parent: dict[str, Any]) -> None:
        """One IOPub message; `parent` is the header of the request it answers."""
        with self._lock:
            if kind == "update_display_data":
                self._update_display(content)
            elif cell := self._by_message.get(parent.get("msg_id", "")):
                cell.take(kind, content)

    def _update_display(self, content: dict[str, Any]) -> None:
        display = (content.get("transient") or {}).get("display_id")
        for cell in self._executed:
            for output in cell.outputs:
                if display is not None and output.get("_display_id") == display:
                    output["data"] = content["data"]
                    output["metadata"] = content.get("metadata") or {}

    def notebook(self) -> dict[str, Any]:
        """The notebook as nbformat 4.5: Markdown kept, executed cells with their outputs.

        A cell that the file does not have (injected, or edited since) stands behind the one that
        was executed before it.
        """
        with self._lock:
            return self._notebook()

    def _notebook(self) -> dict[str, Any]:
        template = self._document["cells"]
        filled: dict[int, Executed] = {}
        extra: dict[int, list[Executed]] = {}
        position = -1
        for executed in self._executed:
            found = _position(template, executed.source, position, filled)
            if found is None:
                extra.setdefault(position, []).append(executed)
            else:
                filled[found] = executed
                position = found
        cells = [_extra_cell(executed) for executed in extra.get(-1, [])]
        for index, cell in enumerate(template):
            cells.append(filled[index].as_cell(cell) if index in filled else _unexecuted(cell))
            cells += [_extra_cell(executed) for executed in extra.get(index, [])]
        for index, cell in enumerate(cells):
            cell.setdefault("id", f"executed-{index}")  # unlike what notebooks call theirs
        return self._document | {"cells": cells, "nbformat": 4, "nbformat_minor": 5}


def capture_messages(session: Any, transcript: Transcript) -> Callable[[], None]:
    """Pass what `session` (a kernel's jupyter_client Session) publishes to `transcript`, too.

    Everything a cell shows goes through this one method: prints, displays, results and errors.
    Returns the function that ends it.
    """
    send = session.send

    def sending(
        stream: Any,
        msg_or_type: Any,
        content: Any = None,
        parent: Any = None,
        *rest: Any,
        **how: Any,
    ) -> Any:
        if isinstance(msg_or_type, dict):
            kind = msg_or_type["header"]["msg_type"]
            shown, request = msg_or_type["content"], msg_or_type.get("parent_header") or {}
        else:
            kind, shown, request = msg_or_type, content, parent or {}
        if kind in _CAUGHT and isinstance(shown, dict):
            transcript.take(kind, shown, dict(request.get("header") or request))
        return send(stream, msg_or_type, content, parent, *rest, **how)

    session.send = sending

    def stop() -> None:
        # Someone may have wrapped the method after us; then theirs stays, and ours with it.
        if session.__dict__.get("send") is sending:
            del session.send

    return stop


def _position(
    template: list[dict[str, Any]], source: str, after: int, filled: dict[int, Executed]
) -> int | None:
    """Where the file has this cell: next below the last one, else anywhere."""
    same = [
        index
        for index, cell in enumerate(template)
        if cell["cell_type"] == "code" and cell["source"].strip() == source.strip()
    ]
    below = [index for index in same if index > after and index not in filled]
    return next(iter(below or same), None)


def _extra_cell(executed: Executed) -> dict[str, Any]:
    tags = {"tags": ["injected-parameters"]} if is_injected(executed.source) else {}
    return executed.as_cell({"metadata": tags})


def _unexecuted(cell: dict[str, Any]) -> dict[str, Any]:
    if cell["cell_type"] != "code":
        return dict(cell)
    return cell | {"execution_count": None, "outputs": []}


def _read_document(notebook: Path | None) -> dict[str, Any]:
    python = {"name": "python3", "display_name": "Python 3", "language": "python"}
    empty: dict[str, Any] = {"cells": [], "metadata": {"kernelspec": python}}
    if notebook is None:
        return empty
    document = orjson.loads(notebook.read_bytes())
    cells = [
        {"metadata": {}} | cell | {"source": "".join(cell.get("source", ""))}
        for cell in document["cells"]
    ]
    return empty | {"cells": cells, "metadata": document.get("metadata") or {}}
