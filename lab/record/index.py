"""The index of a runs folder: what the small files of ended runs hold, kept in one place.

It is a cache, never the truth. A document is taken from it only while the modification time, size
and inode of its files are those that they had when they were read; else the files are read. There
are two files, `.index` and the few rows since in `.index.new`, each only ever replaced whole: two
processes that write at once cost one of them its additions, and nothing has to be locked. Where
the folder cannot be written the rows stay in a nameless file of this process. Running runs, torn
or damaged ones and those of the last seconds are not kept.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from lab.record.index_file import DOCUMENTS, FILES, Segment, Writer, identity_of
from lab.record.indexed_run import (
    DAMAGED,
    KIND,
    IndexedRun,
    file_unchanged,
    rank_column,
    summary_unchanged,
)
from lab.record.metrics import ends_torn, restore
from lab.record.paths import RunPaths
from lab.record.run import Run

# A second change within the same tick of the clock of a file system cannot be told by its time.
_SETTLED_NS = 2_000_000_000
_FEW = 16  # new rows that are not worth a write
_MERGE_ROWS = 1000  # in `.index.new`, and an eighth of the rows of `.index`
_LEFTOVER = ".index.tmp-"
_LEFTOVER_SECONDS = 3600.0


class Index:
    """The index of one runs folder."""

    def __init__(self, runs: Path) -> None:
        self._runs = str(runs)
        self._main = runs / ".index"
        self._recent = runs / ".index.new"
        self._segments: dict[Path, Segment | None] = {}
        self._known: dict[Path, tuple[int, int, int] | None] = {}
        self._files: list[Segment] = []  # the newest first
        self._own: Segment | None = None  # of this process, where the folder cannot be written
        self._pending: _Pending | None = None
        self._listed: tuple[list[str], list[str]] = ([], [])
        self._lock = threading.RLock()

    def refresh(self) -> None:
        """Open the files that another process has replaced."""
        with self._lock:
            for path in (self._main, self._recent):
                try:
                    known = identity_of(path.stat())
                except OSError:
                    known = None
                segment = self._segments.get(path)
                if known != self._known.get(path, ()):
                    segment = Segment.open(path) if known else None
                elif segment is not None and segment.damaged:
                    segment = None
                self._segments[path], self._known[path] = segment, known
            files = (self._own, self._segments[self._recent], self._segments[self._main])
            self._files = [segment for segment in files if segment is not None]

    def run(self, name: str, wanted: int) -> Run | None:
        """The run in the folder of this name, compared with its files as far as it is wanted.

        None where the folder holds no run. Raises LabError where it is damaged.
        """
        found = self.known(name, wanted) or self.ended(name)
        return found or Run.read_if_there(RunPaths(Path(f"{self._runs}/{name}")))

    def known(self, name: str, wanted: int) -> IndexedRun | None:
        """The run of this name as the index has it; None where its files say something else."""
        for segment in self._files:
            if (row := segment.rows.get(name)) is not None:
                run = IndexedRun(f"{self._runs}/{name}", segment, row)
                if run.is_current(wanted):
                    return run
        return None

    def ended(self, name: str) -> Run | None:
        """The ended run of this name from its files, for the index to keep; None for any other."""
        folder = f"{self._runs}/{name}"
        found = read_ended(folder)
        if found is None:
            return None
        if found.settled and "\n" not in name:
            self._add(name, found)
        return Run(RunPaths(Path(folder)), found.record, found.params, restore(found.summary))

    def names(self) -> list[str]:
        """What is in the folder, newest run first: runs and anything else. Raises OSError."""
        found = os.listdir(self._runs)  # noqa: PTH208 - names, not paths
        if found != self._listed[0]:
            self._listed = (found, sorted(found, key=age, reverse=True))
        return self._listed[1]

    def ranks(
        self, names: Iterable[str], metric: str, which: str
    ) -> Iterator[tuple[int, float] | None]:
        """`rank` of each of these runs; None for one that has to be read."""
        segments = self._files
        columns = [rank_column(segment, metric, which) for segment in segments]
        tables = [(s.rows, s.stamps, *column) for s, column in zip(segments, columns, strict=True)]
        with _opened(self._runs) as folder:
            for name in names:
                for rows, stamps, kinds, values in tables:
                    row = rows.get(name)
                    if row is not None and summary_unchanged(stamps, row, name, folder):
                        yield (kinds[row], values[row]) if kinds[row] != DAMAGED else None
                        break
                else:
                    yield None

    def may_hold(self, names: Iterable[str], kind: str, texts: Sequence[bytes]) -> Iterator[str]:
        """Those of these runs whose `kind` ("record" or "params") may hold all of this JSON.

        The others' files are as they were when they were read, and lack some of it. What the index
        does not know may hold anything.
        """
        place = KIND[kind]
        without = [(s, s.rows_without(place, texts)) for s in self._files]
        with _opened(self._runs) as folder:
            for name in names:
                for segment, rows in without:
                    row = segment.rows.get(name, -1)
                    if row in rows and file_unchanged(segment, row, place, name, folder):
                        break
                else:
                    yield name

    def save(self) -> None:
        """Keep what was read since, where it is worth a write; no error where it cannot be."""
        with self._lock:
            pending, self._pending = self._pending, None
            if pending is None or pending.pid != os.getpid():
                return
            with contextlib.suppress(OSError):
                self.refresh()
                main, recent = self._segments[self._main], self._segments[self._recent]
                others = len(recent.rows) if recent else 0
                if len(pending) >= _FEW + others // 64:
                    self._keep(pending.segment(), recent, main)

    def _keep(self, fresh: Segment, recent: Segment | None, main: Segment | None) -> None:
        parts = [part for part in (fresh, self._own, recent) if part is not None]
        rows = sum(len(part.rows) for part in parts)
        target = self._recent
        if main is None or rows > _MERGE_ROWS + len(main.rows) // 8:
            target = self._main
            parts += [main] if main is not None else []
        try:
            _replace(target, parts, self._runs)
        except OSError:
            self._own = _nameless(parts, self._runs)
            self.refresh()
            return
        self._own = None
        if target == self._main:
            self._recent.unlink(missing_ok=True)
        self.refresh()

    def _add(self, name: str, found: Ended) -> None:
        with self._lock, contextlib.suppress(OSError, OverflowError):
            if self._pending is None or self._pending.pid != os.getpid():
                self._pending = _Pending(self._runs)
            self._pending.add(name, found)


@dataclass(frozen=True)
class Ended:
    """The small files of a run that has ended, all of them whole."""

    record: dict[str, Any]
    params: dict[str, Any]
    summary: dict[str, Any]  # as stored
    stamp: list[int]
    settled: bool  # no file has been written in the last seconds


def read_ended(folder: str) -> Ended | None:
    """The run in a folder; None where it is running, or anything is not as it should be."""
    now = time.time_ns()
    stamp: list[int] = []
    for name in FILES:
        try:
            found = os.stat(f"{folder}/{name}")  # noqa: PTH116 - ten thousand times a call
        except OSError:
            if name in DOCUMENTS:
                return None
            stamp += (0, 0, 0)
        else:
            stamp += (found.st_mtime_ns, found.st_size, found.st_ino)
    times = stamp[::3]
    record = read_object(f"{folder}/run.json")
    if record is None or record.get("status") == "running" or times[3] > times[2]:
        return None
    params, summary = read_object(f"{folder}/params.json"), read_object(f"{folder}/summary.json")
    if params is None or summary is None or ends_torn(Path(f"{folder}/metrics.jsonl")):
        return None
    return Ended(record, params, summary, stamp, max(times) < now - _SETTLED_NS)


def read_object(path: str) -> dict[str, Any] | None:
    """The JSON object in a file; None where there is none, or it is damaged."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        content = os.read(handle, os.fstat(handle).st_size + 1)
        value = orjson.loads(content)
    except (OSError, ValueError):
        return None
    finally:
        os.close(handle)
    return value if isinstance(value, dict) else None


class _Pending:
    """Rows that are not in the index yet, in a nameless file."""

    def __init__(self, runs: str) -> None:
        self.pid = os.getpid()
        self._descriptor = _nameless_file(runs)
        self._closing = weakref.finalize(self, os.close, self._descriptor)
        self._writer = Writer(self._descriptor)
        self._names: set[str] = set()

    def __len__(self) -> int:
        return len(self._names)

    def add(self, name: str, found: Ended) -> None:
        if name not in self._names and max(found.stamp) < 2**63:
            self._names.add(name)
            documents = (found.record, found.params, found.summary)
            self._writer.add(name, [orjson.dumps(one) for one in documents], found.stamp)

    def segment(self) -> Segment:
        self._writer.finish()
        self._closing.detach()
        return Segment(self._descriptor)


def _copy(parts: Sequence[Segment], runs: str, writer: Writer) -> None:
    """Every row of these files once, the first there is, without runs that are not here now."""
    here = set(os.listdir(runs))  # noqa: PTH208 - names, not paths
    for part in parts:
        for name, documents, stamp in part.all_rows():
            if name in here:
                here.remove(name)
                writer.add(name, documents, stamp)
    writer.finish()


def _replace(target: Path, parts: Sequence[Segment], runs: str) -> None:
    _clear_leftovers(runs)
    beside = Path(f"{runs}/{_LEFTOVER}{os.getpid()}-{os.urandom(4).hex()}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        try:
            _copy(parts, runs, Writer(handle))
        finally:
            os.close(handle)
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _clear_leftovers(runs: str) -> None:
    """Remove what processes left that were killed while they wrote."""
    for path in Path(runs).glob(f"{_LEFTOVER}*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _LEFTOVER_SECONDS:
                path.unlink()


def _nameless(parts: Sequence[Segment], runs: str) -> Segment:
    descriptor = _nameless_file(runs)
    try:
        _copy(parts, runs, Writer(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    return Segment(descriptor)


def _nameless_file(runs: str) -> int:
    """A new file without a name: in the runs folder, else where temporary files are."""
    try:
        descriptor, path = tempfile.mkstemp(prefix=_LEFTOVER, dir=runs)
    except OSError:
        descriptor, path = tempfile.mkstemp(prefix=_LEFTOVER)
    Path(path).unlink()
    return descriptor


@contextlib.contextmanager
def _opened(folder: str) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def age(run_id: str) -> tuple[str, int, str]:
    """What sorts ids by age: 20260120_231502-10 is younger than -9, which its text is not."""
    if "-" not in run_id:
        return run_id[:15], 1, run_id
    stamp, _, rest = run_id.partition("-")
    number = rest.partition("_")[0]
    return stamp[:15], int(number) if number.isdigit() else 1, run_id


_OPEN: dict[Path, Index] = {}
_MOST_OPEN = 4  # workspaces of one process


def open_index(runs: Path) -> Index:
    """The index of this runs folder as its files are now, shared by all of this process."""
    index = _OPEN.pop(runs, None) or Index(runs)
    _OPEN[runs] = index
    while len(_OPEN) > _MOST_OPEN:
        _OPEN.pop(next(iter(_OPEN)), None)
    index.refresh()
    return index
