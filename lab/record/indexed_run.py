"""A run whose documents are those of the index while its files are what they were."""

from __future__ import annotations

import os
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from lab.record.index_file import DOCUMENTS, FILES, STAMP, Segment
from lab.record.metrics import restore
from lab.record.paths import RunPaths
from lab.record.run import Run

RECORD, PARAMS, SUMMARY = 1, 2, 4  # what of a run is asked for
ALL = RECORD | PARAMS | SUMMARY

# Kinds of a value, in the order in which they are listed.
NUMBER, NAN, NO_NUMBER, ABSENT = range(4)
DAMAGED = 255  # it has to be read

_COLUMNS = 8  # metrics whose values are kept worked out
_BITS = {"record": RECORD, "params": PARAMS, "summary": SUMMARY}
KIND = {name: kind for kind, name in enumerate(_BITS)}
# The files that each of them is made of, as places in FILES: newer metrics void a summary.
_SUMMARY_AT = 3 * FILES.index("summary.json")
_MADE_OF = {
    wanted: tuple(at for at, bit in enumerate((*_BITS.values(), SUMMARY)) if wanted & bit)
    for wanted in range(ALL + 1)
}


class IndexedRun(Run):
    """A run as the index holds it; each file is compared with the index before it is used."""

    def __init__(self, folder: str, segment: Segment, row: int) -> None:
        self.__dict__.update(_folder=folder, _segment=segment, _row=row, _checked=0)

    def __getattr__(self, name: str) -> Any:
        # Only called for what is not set yet.
        state = self.__dict__
        if name == "path":
            state["path"] = RunPaths(Path(state["_folder"]))
            return state["path"]
        if name not in KIND:
            raise AttributeError(name)
        content = None
        if self.is_current(_BITS[name]):
            content = state["_segment"].document(state["_row"], KIND[name])
        if content is None:
            fresh = Run.read(self.path)
            state.update(record=fresh.record, params=fresh.params, summary=fresh.summary, _row=None)
        else:
            found = orjson.loads(content)
            state[name] = restore(found) if name == "summary" else found
        return state[name]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Run):
            return NotImplemented
        return (self.path, self.record, self.params, self.summary) == (
            other.path, other.record, other.params, other.summary,
        )  # fmt: skip

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        return Run, (self.path, self.record, self.params, self.summary)

    @property
    def id(self) -> str:
        folder: str = self.__dict__["_folder"]
        return folder.rpartition("/")[2]

    def is_current(self, wanted: int) -> bool:
        """Whether the files of what is wanted are as the index knows them; looked at once."""
        state = self.__dict__
        if state["_row"] is None:
            return False
        missing = wanted & ~state["_checked"]
        if missing:
            if not _unchanged(state["_segment"], state["_row"], state["_folder"], missing):
                return False
            state["_checked"] |= missing
        return True

    def may_have(self, key: str) -> bool:
        state = self.__dict__
        if "record" in state or not self.is_current(RECORD):
            return True
        content = state["_segment"].document(state["_row"], KIND["record"])
        return content is None or orjson.dumps(key) in content

    def forget(self) -> None:
        """Let go of what the index can give again."""
        if self.__dict__["_row"] is not None:
            for name in KIND:
                self.__dict__.pop(name, None)


def rank(metrics: Mapping[str, Any], metric: str, which: str) -> tuple[int, float]:
    """What kind of value a run has of `metric` (its `best` or `last`), and the value."""
    if metric not in metrics:
        return ABSENT, 0.0
    entry = metrics[metric]
    value = entry.get(which) if isinstance(entry, dict) else None
    if not isinstance(value, int | float):
        return NO_NUMBER, 0.0
    return (NUMBER, float(value)) if value == value else (NAN, 0.0)


def rank_column(segment: Segment, metric: str, which: str) -> tuple[bytearray, array[float]]:
    """The ranks of all rows of a file, worked out once."""
    if (metric, which) in segment.columns:
        kinds, values = segment.columns[metric, which]
        return kinds, values
    kinds, values = bytearray(), array("d")
    for content in segment.documents(KIND["summary"]):
        kind, value = (DAMAGED, 0.0) if content is None else _rank_in(content, metric, which)
        kinds.append(kind)
        values.append(value)
    if len(segment.columns) >= _COLUMNS:
        segment.columns.clear()
    segment.columns[metric, which] = kinds, values
    return kinds, values


def _rank_in(content: bytes, metric: str, which: str) -> tuple[int, float]:
    """`rank` in a summary as it is stored."""
    stored = orjson.loads(content)
    if metric not in stored or metric == "notes":
        return ABSENT, 0.0
    entry = stored[metric]
    if type(entry) is dict and type(value := entry.get(which)) is float:
        return NUMBER, value  # stored as text are those that are not finite
    return rank(restore({metric: entry}), metric, which)


def _unchanged(segment: Segment, row: int, folder: str, wanted: int) -> bool:
    """Whether the files of what is wanted are those that the row was made of."""
    stamps, start = segment.stamps, row * STAMP
    for place in _MADE_OF[wanted]:
        at = start + 3 * place
        try:
            found = os.stat(f"{folder}/{FILES[place]}")  # noqa: PTH116 - ten thousand times a call
        except OSError:
            if stamps[at] or FILES[place] in DOCUMENTS:
                return False
        else:
            if (
                found.st_mtime_ns != stamps[at]
                or found.st_size != stamps[at + 1]
                or found.st_ino != stamps[at + 2]
            ):
                return False
    return True


def file_unchanged(segment: Segment, row: int, place: int, name: str, folder: int) -> bool:
    """Whether one file of the run `name` in an open folder is that which its row was made of."""
    try:
        found = os.stat(f"{name}/{FILES[place]}", dir_fd=folder)
    except OSError:
        return False
    stamps, at = segment.stamps, row * STAMP + 3 * place
    return (
        found.st_mtime_ns == stamps[at]
        and found.st_size == stamps[at + 1]
        and found.st_ino == stamps[at + 2]
    )


def summary_unchanged(stamps: Sequence[int], row: int, name: str, folder: int) -> bool:
    """`_unchanged` for the summary of the run `name` in an open folder, as fast as may be.

    Listing by a metric is made of ten thousand of these.
    """
    at = row * STAMP + _SUMMARY_AT
    try:
        found = os.stat(f"{name}/summary.json", dir_fd=folder)
        if (
            found.st_mtime_ns != stamps[at]
            or found.st_size != stamps[at + 1]
            or found.st_ino != stamps[at + 2]
        ):
            return False
        found = os.stat(f"{name}/metrics.jsonl", dir_fd=folder)
    except OSError:
        return False  # also of a run without metrics: then somebody looks more closely
    return (
        found.st_mtime_ns == stamps[at + 3]
        and found.st_size == stamps[at + 4]
        and found.st_ino == stamps[at + 5]
    )
