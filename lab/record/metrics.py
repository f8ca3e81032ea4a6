"""Metrics: appended one whole line per call, read back, and summarized."""

from __future__ import annotations

import math
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Real
from os import write
from pathlib import Path
from time import time
from typing import Any, Literal

import orjson
from orjson import OPT_APPEND_NEWLINE, dumps

from lab.errors import InputError
from lab.record.files import RecordWarning, encode

Goal = Literal["min", "max"]

_PART_BYTES = 262_144  # read in one go
_TAIL_BYTES = 8_192  # holds the last line of any sensible metrics file
_MIN_WORDS = ("loss", "mse", "mae", "error", "perplexity")
_NAME = re.compile(r"[\w.@+-]+(/[\w.@+-]+)+")
OBJECTIVE = "objective/value"  # what `run.report` records

_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def goal_of(name: str) -> Goal:
    """The goal a metric's name implies.

    goal_of("val/loss")         # "min": also mse, mae, error, perplexity
    goal_of("test/rmse")        # "min": the word may be part of a longer one
    goal_of("val/accuracy")     # "max"
    """
    last_part = name.rpartition("/")[2].lower()
    return "min" if any(word in last_part for word in _MIN_WORDS) else "max"


def is_bookkeeping(name: str) -> bool:
    """Whether a metric tells how a run went and not how good it got: its times, the learning rate.

    Such a metric has no best value.
    """
    split, _, last = name.rpartition("/")
    return split == "time" or last == "lr"


def check_goal(goal: str) -> Goal:
    if goal == "min":
        return "min"
    if goal == "max":
        return "max"
    raise InputError("A metric's goal is wrong", seen=repr(goal), do='Use "min" or "max".')


def check_name(name: object) -> str:
    """`name`, when it is a metric name: `split/name`."""
    if isinstance(name, str) and _NAME.fullmatch(name) and not name.endswith((".last", ".best")):
        return name
    raise InputError(
        "A metric's name is wrong",
        seen=repr(name),
        do='Name it "split/name", for example "val/accuracy": letters, digits and _ . - + @.',
    )


def number(value: Any, name: str) -> float | int | str:
    """`value` as it stands in a metrics line: a number, or a non-finite float by its name.

    Scalars of numpy, torch and the like are taken by their `.item()`.
    """
    if hasattr(value, "item"):
        try:
            value = value.item()
        except (ValueError, RuntimeError, TypeError):
            raise _bad_value(name, value) from None
    if isinstance(value, int):  # bool included: true is 1
        whole = int(value)
        try:  # JSON writers take 64 bits; a float keeps the size of more
            return whole if -(2**63) <= whole < 2**63 else float(whole)
        except OverflowError:
            raise _bad_value(name, value) from None
    if isinstance(value, Real) or type(value).__name__ == "Decimal":
        value = float(value)
        return value if value - value == 0.0 else str(encode(value))
    raise _bad_value(name, value)


def _bad_value(name: str, value: object) -> InputError:
    shape = getattr(value, "shape", None)
    kind = type(value).__name__ + (f" of shape {tuple(shape)}" if shape else "")
    shown = "" if shape else f" {value!r:.60}"
    return InputError(
        f"The metric {name!r} is not one number",
        seen=f"{kind}{shown}",
        do="Log a float, an int or a scalar tensor; a mean of it, for example.",
    )


class MetricsWriter:
    """Appends lines to one metrics.jsonl; each `append` is a single write of a whole line.

    With O_APPEND, lines of several processes and threads never mix. A line that was torn (by a
    crash or a full disk) is closed with a newline before the next one, so that it costs only
    itself.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        size = os.fstat(self._descriptor).st_size
        self._torn = size > 0 and os.pread(self._descriptor, 1, size - 1) != b"\n"
        self._known: set[str] = set()
        self._row: dict[str, Any] = {}  # what was written last
        self._names: tuple[str, ...] | None = None  # of its metrics; None after a torn line

    def append(self, metrics: Mapping[str, Any], step: int) -> None:
        """Write one line; nothing is written when a name or a value is wrong."""
        # Almost every call logs floats under the names of the one before: its row is filled anew.
        if tuple(metrics) == self._names:
            row = self._row
            total = 0.0  # finite only if all values are
            for name, value in metrics.items():
                if type(value) is not float:
                    break
                row[name] = value
                total += value
            else:
                if total - total == 0.0:
                    row["step"] = step
                    row["time"] = time()
                    line = dumps(row, None, OPT_APPEND_NEWLINE)
                    if (written := write(self._descriptor, line)) != len(line):
                        self._write_rest(line[written:])
                    return
        self._names = None
        self._row = {"step": step, "time": time(), **self._checked(metrics)}
        self._names = tuple(metrics)
        self._write(dumps(self._row, None, OPT_APPEND_NEWLINE))

    def _checked(self, metrics: Mapping[str, Any]) -> dict[str, Any]:
        """The metrics as a line holds them; InputError for a wrong name or value."""
        row = {}
        for name, value in metrics.items():
            if name not in self._known:
                self._known.add(check_name(name))
            row[name] = number(value, name)
        return row

    def _write(self, line: bytes) -> None:
        if self._torn:
            line = b"\n" + line
        written = write(self._descriptor, line)
        if written != len(line):
            self._write_rest(line[written:])
        self._torn = False

    def _write_rest(self, rest: bytes) -> None:
        """After a short write: the disk is (nearly) full. Asking again tells the reason."""
        self._torn, self._names = True, None
        write(self._descriptor, rest)
        self._torn = False

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Every line of a metrics.jsonl, non-finite values as floats; torn lines are left out, with a
    warning."""
    return list(parse_rows(_content(path), path))


def last_row(path: Path) -> dict[str, Any]:
    """The last whole line of a metrics.jsonl that may be growing, or long; {} where none is."""
    return next(_from_the_end(path), {})


def last_step(path: Path) -> dict[str, Any]:
    """All that was logged at the step of the last whole line, as one row; {} where none is."""
    rows: list[dict[str, Any]] = []
    for row in _from_the_end(path):
        if rows and row.get("step") != rows[0].get("step"):
            break
        rows.append(row)
    merged: dict[str, Any] = {}
    for row in reversed(rows):
        merged |= row
    return merged


def _from_the_end(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines near the end of the file, the last one first."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _TAIL_BYTES, 0))
            tail = file.read()
    except OSError:
        return
    for line in reversed(tail[: tail.rfind(b"\n") + 1].splitlines()):
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(row, dict):
            yield row


def rows_of(rows: list[dict[str, Any]], metrics: Sequence[str]) -> list[dict[str, Any]]:
    """The rows that hold one of these metrics, with these alone; all rows where none is named."""
    if not metrics:
        return rows
    if len(metrics) == 1:
        name = metrics[0]
        return [{"step": row["step"], name: row[name]} for row in rows if name in row]
    return [
        {"step": row["step"]} | {name: row[name] for name in metrics if name in row}
        for row in rows
        if any(name in row for name in metrics)
    ]


def ends_torn(path: Path) -> bool:
    """Whether the last line of a metrics.jsonl was never finished."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            return size > 0 and os.pread(file.fileno(), 1, size - 1) != b"\n"
    except OSError:
        return False


def parse_rows(content: bytes, path: Path) -> Iterator[dict[str, Any]]:
    torn = 0
    for part in _parts(content):
        rows = _plain_rows(part)
        if rows is not None:
            yield from rows
            continue
        for line in filter(None, part.split(b"\n")):
            row = _row(line)
            if row is None:
                torn += 1
            else:
                yield row
    if torn:
        lines = "1 torn line" if torn == 1 else f"{torn} torn lines"
        warnings.warn(f"{path}: {lines} left out", RecordWarning, stacklevel=3)


def _parts(content: bytes) -> Iterator[bytes]:
    """Whole lines of some length, so that nobody holds the rows of a long file at once."""
    start = 0
    while start < len(content):
        end = content.find(b"\n", start + _PART_BYTES) + 1 or len(content)
        yield content[start:end]
        start = end


def _plain_rows(lines: bytes) -> list[dict[str, Any]] | None:
    """The rows of lines that are all whole and plain, by one call; None for any others.

    Every line is one `{...}` with no other brace in it, so that joined by commas they can only be
    read as what they are one by one, or as fewer than the lines, or not at all.
    """
    if not (lines.startswith(b"{") and lines.endswith(b"}\n")):
        return None
    joined = lines[:-1].replace(b"}\n{", b"},{")
    if b"\n" in joined:
        return None
    try:
        rows: list[dict[str, Any]] = orjson.loads(b"[%s]" % joined)
    except orjson.JSONDecodeError:
        return None
    if not (len(rows) == lines.count(b"\n") == lines.count(b"{") == lines.count(b"}")):
        return None
    if not all(type(row.get("step")) is int for row in rows):
        return None
    # NaN, Infinity, or a letter that may be either: else no value is a number in words.
    if any(letter in lines for letter in (b"N", b"I", b"\\")):
        for row in rows:
            _restore_row(row)
    return rows


def _row(line: bytes) -> dict[str, Any] | None:
    """The row of one line; None where it is torn."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(row, dict) or type(row.get("step")) is not int:
        return None
    _restore_row(row)
    return row


def _restore_row(row: dict[str, Any]) -> None:
    for name, value in row.items():
        if type(value) is str:
            row[name] = _NON_FINITE.get(value, value)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


class Tally:
    """Last, lowest and highest value of every metric seen so far."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._low: dict[str, tuple[float, Any]] = {}
        self._high: dict[str, tuple[float, Any]] = {}

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        for row in rows:
            step = row["step"]
            for name, value in row.items():
                if "/" not in name or type(value) not in (float, int):
                    continue
                self._last[name] = value
                if value != value:  # NaN is never the best
                    continue
                # Strict, so that the earliest step of equal values is the best one.
                if name not in self._low or value < self._low[name][0]:
                    self._low[name] = (value, step)
                if name not in self._high or value > self._high[name][0]:
                    self._high[name] = (value, step)

    def summary(self, goals: Mapping[str, str]) -> dict[str, dict[str, Any]]:
        """Per metric `last`, `best`, `best_step`, `goal`; a NaN series has best NaN, step None."""
        found: dict[str, dict[str, Any]] = {}
        for name, last in self._last.items():
            goal = goals.get(name) or goal_of(name)
            extremes = self._low if goal == "min" else self._high
            best, step = extremes.get(name, (math.nan, None))
            found[name] = {"last": last, "best": best, "best_step": step, "goal": goal}
        return found


def summarize(path: Path, goals: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The summary of a metrics.jsonl, without notes."""
    tally = Tally()
    tally.add(parse_rows(_content(path), path))
    return tally.summary(goals)


def restore(summary: Mapping[str, Any]) -> dict[str, Any]:
    """A summary.json as read, with the numbers of its metrics as floats again."""
    return {
        name: entry
        if name == "notes" or not isinstance(entry, dict)
        else {k: _NON_FINITE.get(v, v) if type(v) is str else v for k, v in entry.items()}
        for name, entry in summary.items()
    }
