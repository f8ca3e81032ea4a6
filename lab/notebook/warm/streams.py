"""Standard output and error of a forked kernel: what is printed, and what is written to 1 and 2.

Prints go out at once while they are few; in a flood they are joined, so that the reader is sent a
few large pieces. What C code and child processes write to the descriptors comes through two pipes
that a thread empties, in its place among the prints.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable, Iterable
from io import TextIOBase
from typing import Any

_PAUSE = 0.05  # seconds between pieces in a flood
_LOOK = 0.001  # seconds between looks at the pipes while something is printed
_PIECE = 65_536  # characters that are never held back
_NAMES = ("stdout", "stderr")

Emit = Callable[[str, str], None]


class Outlet:
    """Where everything printed goes, in order; `emit` is given the stream's name and a text."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._lock = threading.RLock()
        self._pieces: list[tuple[str, str]] = []
        self._size = 0
        self._sent = 0.0
        self._looked = 0.0
        self._alarmed = False
        self._pipes: dict[int, str] = {}
        self._torn: dict[int, bytes] = {}  # the first bytes of a character still to come
        self._bell, self._rope = os.pipe()
        os.set_blocking(self._bell, False)
        for number, name in enumerate(_NAMES, start=1):
            reading, writing = os.pipe()
            os.set_blocking(reading, False)
            os.dup2(writing, number)
            os.close(writing)
            self._pipes[reading] = name
        threading.Thread(target=self._pump, name="lab-outputs", daemon=True).start()

    def write(self, name: str, text: str) -> None:
        with self._lock:
            now = time.monotonic()
            if now - self._looked > _LOOK:
                self._looked = now
                self._drain()
            self._pieces.append((name, text))
            self._size += len(text)
            if self._size > _PIECE or (text.endswith("\n") and now - self._sent > _PAUSE):
                self._send()
            elif not self._alarmed:
                self._alarmed = True
                os.write(self._rope, b"!")

    def flush(self) -> None:
        """Send all that was printed so far, and what is in the pipes."""
        with self._lock:
            self._drain()
            self._send()

    def hold(self) -> threading.RLock:
        """The lock under which messages go out."""
        return self._lock

    def _send(self) -> None:
        pieces, self._pieces, self._size = self._pieces, [], 0
        if not pieces:
            return
        self._sent = time.monotonic()
        name = pieces[0][0]
        texts: list[str] = []
        for other, text in pieces:
            if other != name:
                self._emit(name, "".join(texts))
                name, texts = other, []
            texts.append(text)
        self._emit(name, "".join(texts))

    def _drain(self, pipes: Iterable[int] | None = None) -> None:
        for pipe in self._pipes if pipes is None else pipes:
            with contextlib.suppress(BlockingIOError):
                while data := os.read(pipe, _PIECE):
                    data = self._torn.pop(pipe, b"") + data
                    whole = _whole_characters(data)
                    if whole < len(data):
                        self._torn[pipe] = data[whole:]
                    self._pieces.append((self._pipes[pipe], data[:whole].decode(errors="replace")))
                    self._size += whole
                    if self._size > _PIECE:
                        self._send()

    def _pump(self) -> None:
        """Send what waits, and empty the pipes as they fill."""
        poll = select.poll()
        for descriptor in (self._bell, *self._pipes):
            poll.register(descriptor, select.POLLIN)
        while True:
            ready = [descriptor for descriptor, _ in poll.poll()]
            if ready == [self._bell]:
                time.sleep(_PAUSE)
            with self._lock:
                if self._bell in ready:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._bell, _PIECE)
                    self._alarmed = False
                self._drain()
                self._send()


class Stream(TextIOBase):
    """What sys.stdout and sys.stderr are."""

    encoding = "UTF-8"
    errors = "replace"

    def __init__(self, outlet: Outlet, name: str) -> None:
        self.name = f"<{name}>"
        self._outlet = outlet
        self._kind = name
        self._owner = os.getpid()

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        if os.getpid() != self._owner:  # a forked child: its parent's pipe is all it has
            os.write(self.fileno(), text.encode("utf-8", "replace"))
        elif text:
            self._outlet.write(self._kind, text)
        return len(text)

    def writelines(self, lines: Iterable[Any]) -> None:
        self.write("".join(lines))

    def flush(self) -> None:
        if os.getpid() == self._owner:
            self._outlet.flush()

    def fileno(self) -> int:
        return _NAMES.index(self._kind) + 1

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing: the cells that follow print, too."""


def _whole_characters(data: bytes) -> int:
    """How many of these bytes make whole UTF-8 characters; bytes that never will count as whole."""
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4 if byte < 0xF8 else 0
            return len(data) - back if needed > back else len(data)
        if byte < 0x80:
            break
    return len(data)
