"""Several processes that carry out one suite at once: each run is made by one of them.

They share `runs/.index-suite-NAME`, a cache. A process holds a lock on one byte of it for each run
that it makes (by the run's arm, notebook and matrix values), and appends a line when that begins.
The system lets go of the locks of a process that dies, so that nothing is ever held by nobody.
Where files cannot be locked, everybody runs everything.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Sequence
from typing import Any

import orjson

from lab.record import liveness
from lab.record.run import Run
from lab.suite.plan import AFRESH, CurrentState, PlannedRun, mismatch
from lab.workspace import Workspace

_LOOK_BACK = 16_384  # bytes of lines from before this process planned that may matter
_BYTES = 2**40  # which of so many bytes, far behind the lines, stands for a run
_ENTRIES = 2**41  # the byte that stands for the suite's log entries


class Claims:
    """What this process has claimed of one suite; use it from one thread."""

    def __init__(self, suite: str, workspace: Workspace) -> None:
        self._workspace = workspace
        self._me = liveness.birth(os.getpid()) or f"{liveness.host_name()}:{os.getpid()}"
        self._file: int | None = None
        self._began = 0
        name = hashlib.sha256(suite.encode()).hexdigest()[:16]
        with contextlib.suppress(OSError):
            workspace.runs.mkdir(parents=True, exist_ok=True)
            path = workspace.runs / f".index-suite-{name}"
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
            self._began = os.fstat(self._file).st_size

    def take(self, item: PlannedRun) -> bool:
        """Claim a run; False while another process makes it."""
        return self._lock(_place(item, self._workspace))

    def release(self, item: PlannedRun) -> None:
        self._unlock(_place(item, self._workspace))

    def begun(self, item: PlannedRun, run_id: str) -> None:
        """Say that the run claimed is under way."""
        self._say({"run": run_id, "place": _place(item, self._workspace)})

    def made_elsewhere(self, item: PlannedRun) -> Run | None:
        """The run that stands for `item` because another process made it meanwhile.

        One that ended well, or that failed since this process began and would fail again; a crashed
        or a stopped one is still to be made.
        """
        place = _place(item, self._workspace)
        for at, line in reversed(self._lines()):
            if line.get("place") != place or line.get("by") == self._me:
                continue
            since = at >= self._began
            with contextlib.suppress(Exception):  # a damaged or vanished run stands for nothing
                run = Run.read(self._workspace.runs / str(line["run"]))
                if run.status == "failed" and since:
                    return run
                if (since or item.why != AFRESH) and not mismatch(
                    run, item.notebook, item.params, CurrentState(self._workspace)
                ):
                    return run
            return None
        return None

    def may_write_entries(self, ids: Sequence[str]) -> bool:
        """Whether no other process has begun to write the entries about just these runs."""
        about = hashlib.sha256("\n".join(ids).encode()).hexdigest()
        for _ in range(100):  # held for as long as the next lines take
            if self._lock(_ENTRIES):
                break
            time.sleep(0.01)
        try:
            for at, line in self._lines():
                if line.get("entries") == about and line["by"] != self._me and at >= self._began:
                    return False
            self._say({"entries": about})
        finally:
            self._unlock(_ENTRIES)
        return True

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _lines(self) -> list[tuple[int, dict[str, Any]]]:
        """The lines that may matter, each with its place in the file."""
        if self._file is None:
            return []
        at = max(0, self._began - _LOOK_BACK)
        found = []
        with contextlib.suppress(OSError):
            data = os.pread(self._file, os.fstat(self._file).st_size - at, at)
            for line in data.split(b"\n"):
                with contextlib.suppress(orjson.JSONDecodeError):
                    if isinstance(value := orjson.loads(line), dict):
                        found.append((at, value))
                at += len(line) + 1
        return found

    def _say(self, line: dict[str, Any]) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.write(self._file, orjson.dumps(line | {"by": self._me}) + b"\n")

    def _lock(self, place: int) -> bool:
        if self._file is not None:
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except BlockingIOError:
                return False
            except OSError:
                return True  # a file system that cannot lock
        return True

    def _unlock(self, place: int) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)


def _place(item: PlannedRun, workspace: Workspace) -> int:
    parts = [item.arm, workspace.relative(item.notebook), sorted(item.matrix.items())]
    digest = hashlib.sha256(orjson.dumps(parts, default=str)).digest()
    return _BYTES + int.from_bytes(digest[:5], "big") % _BYTES
