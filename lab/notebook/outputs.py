"""Outputs of a cell, bounded: a cell that prints without end must not fill the disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

HEAD = 200_000  # characters kept of the beginning of a printed text
TAIL = 200_000  # and of its end
SEPARATE_STREAMS = 100  # beyond, alternating stdout and stderr are joined with their likes
DISPLAYS = 500  # displayed outputs kept of one cell
DISPLAY_CHARACTERS = 64_000_000  # and their size in all


class BoundedText:
    """Printed text as a terminal would leave it, head and tail kept when there is too much.

    A carriage return goes back to the start of its line, so a progress bar is one line.
    """

    def __init__(self, head: int = HEAD, tail: int = TAIL) -> None:
        self._limits = (head, tail)
        # Lists of pieces: adding a line to a long string would copy the string.
        self._head: list[str] = []
        self._tail: list[str] = []
        self._room = head
        self._tail_size = 0
        self._dropped = 0
        self._line = ""  # the last line, unfinished

    def append(self, text: str) -> None:
        *lines, last = (self._line + text).split("\n")
        if lines:
            self._keep("".join(_folded(line) + "\n" for line in lines))
        rewritten = last.rstrip("\r").rpartition("\r")[2]
        self._line = rewritten + ("\r" if last.endswith("\r") else "")
        if len(self._line) > self._limits[1]:  # a line without end
            self._keep(self._line)
            self._line = ""

    @property
    def text(self) -> str:
        note = f"\n[... {self._dropped:,} characters left out ...]\n" if self._dropped else ""
        return "".join([*self._head, note, *self._tail, _folded(self._line)])

    def _keep(self, text: str) -> None:
        if not self._tail:
            if len(text) <= self._room:
                self._head.append(text)
                self._room -= len(text)
                return
            cut = text.rfind("\n", 0, self._room) + 1 or self._room  # whole lines, if there are any
            self._head.append(text[:cut])
            text = text[cut:]
        self._tail.append(text)
        self._tail_size += len(text)
        if self._tail_size > 2 * self._limits[1]:  # now and then, so adding stays cheap
            self._trim()

    def _trim(self) -> None:
        tail = "".join(self._tail)
        start = len(tail) - self._limits[1]
        cut = tail.find("\n", start) + 1 or start
        self._dropped += cut
        self._tail, self._tail_size = [tail[cut:]], len(tail) - cut


class CellOutputs:
    """The outputs of one cell as they come in; `outputs` is the notebook's own list of them.

    `node` makes what the notebook holds of a plain dictionary.
    """

    def __init__(self, outputs: list[Any], node: Callable[[Any], Any] = dict) -> None:
        self.outputs = outputs
        self._node = node
        self._texts: dict[int, BoundedText] = {}  # by position in `outputs`
        self._displayed = 0
        self._size = 0
        self._left_out = 0
        self._note: int | None = None  # position of the output that says how many were left out

    def restart(self) -> None:
        """Forget what was there: the cell cleared its output."""
        self.__init__(self.outputs, self._node)  # type: ignore[misc]

    def stream(self, name: str, text: str) -> None:
        """Add printed text to the last output, where that is the same stream, or as a new one."""
        position = self._position(name)
        if position is None:
            self._append_stream(name)
            position = len(self.outputs) - 1
            self._texts[position] = BoundedText()
        self._texts[position].append(text)

    def admits(self, content: dict[str, Any]) -> bool:
        """Whether one more displayed output fits; the ones that do not are counted."""
        size = sum(
            len(value) for value in content.get("data", {}).values() if isinstance(value, str)
        )
        if self._displayed >= DISPLAYS or self._size + size > DISPLAY_CHARACTERS:
            self._left_out += 1
            return False
        self._displayed += 1
        self._size += size
        return True

    def render(self) -> None:
        """Write the kept texts, and the note on what was left out, into the outputs."""
        for position, text in self._texts.items():
            self.outputs[position]["text"] = text.text
        if self._left_out:
            if self._note is None:
                self._append_stream("stderr")
                self._note = len(self.outputs) - 1
            note = f"[{self._left_out:,} more outputs of this cell were left out]\n"
            self.outputs[self._note]["text"] = note

    def _append_stream(self, name: str) -> None:
        self.outputs.append(self._node({"output_type": "stream", "name": name, "text": ""}))

    def _position(self, name: str) -> int | None:
        same = [p for p in self._texts if self.outputs[p]["name"] == name]
        if not same:
            return None
        joined = len(self.outputs) >= SEPARATE_STREAMS or same[-1] == len(self.outputs) - 1
        return same[-1] if joined else None


def _folded(line: str) -> str:
    return line.rstrip("\r").rpartition("\r")[2]
