"""Runs read from a CSV file: the curves of one run, or a table of one run a row."""

from __future__ import annotations

import csv
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.errors import InputError, nearest
from lab.exchange.foreign import Foreign, Point, as_step, take_in
from lab.exchange.from_mlflow import typed
from lab.exchange.result import Imported
from lab.record.redact import is_secret
from lab.workspace import Workspace

_STEPS = ("step", "global_step", "epoch", "_step", "iteration")
_TIMES = ("time", "_timestamp", "timestamp", "wall_time")
_NAMES = ("run", "run_id", "run_name", "id", "name")
_STATUS = {"finished": "done", "done": "done", "failed": "failed", "crashed": "crashed"}
_STATUS |= {"killed": "stopped", "stopped": "stopped", "pruned": "pruned"}
_NON_FINITE = {"nan": math.nan, "inf": math.inf, "infinity": math.inf}
_NON_FINITE |= {f"-{name}": -value for name, value in _NON_FINITE.items()}
_PREFIX = re.compile(r"(params|metrics|tags|config|summary)\.(.+)")  # of MLflow's tables


def read_csv(path: Path, workspace: Workspace, metrics: Sequence[str] = ()) -> Imported:
    """Bring in the runs of a CSV file.

    With a column `step` or `epoch` it holds curves: every column of numbers is a metric, and a
    column `run` tells runs apart. Otherwise every row is a run: `metrics` are its metrics, and
    columns named `metrics.NAME` or `split/NAME`; the others are parameters. Raises InputError
    where there is no metric, or a value is no number.
    """
    table = _read(path)
    written = path.stat().st_mtime
    step = _first(table.columns, _STEPS)
    if metrics and (unknown := [name for name in metrics if name not in table.columns]):
        raise InputError(
            "There is no such column", seen=unknown[0], do=nearest(unknown[0], table.columns)
        )
    if step is None:
        found = list(_rows(table, metrics, path.name, written))
    else:
        found = list(_curves(table, step, metrics, path.stem, written))
    return take_in(found, kind="csv", source=str(path), workspace=workspace, notes=[])


@dataclass(frozen=True)
class _Table:
    columns: list[str]
    rows: list[dict[str, str]]


def _read(path: Path) -> _Table:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            file.seek(0)
            delimiter = max(",;\t", key=head.count)
            lines = list(csv.reader(file, delimiter=delimiter, strict=True))
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise InputError(
            "The CSV file cannot be read", seen=f"{path} ({error})", do="It has to be UTF-8."
        ) from None
    lines = [line for line in lines if any(cell.strip() for cell in line)]
    if len(lines) < 2:
        raise InputError("The CSV file holds no values", seen=path, do="It needs a line of names.")
    columns = [name.strip() for name in lines[0]]
    if len(set(columns)) < len(columns) and (twice := _twice(columns)):
        raise InputError("Two columns have one name", seen=twice, do="Rename one of them.")
    for number, line in enumerate(lines[1:], start=2):
        if len(line) > len(columns):
            raise InputError(
                f"Row {number} has more values than there are names",
                seen=path,
                do="Mend it, or quote what holds the separator.",
            )
    rows = [dict(zip(columns, map(str.strip, line), strict=False)) for line in lines[1:]]
    return _Table(columns, rows)


def _twice(columns: list[str]) -> str | None:
    return next((name for name in columns if name and columns.count(name) > 1), None)


def _first(columns: Sequence[str], wanted: Sequence[str]) -> str | None:
    lower = {name.lower(): name for name in reversed(columns)}
    return next((lower[name] for name in wanted if name in lower), None)


def _curves(
    table: _Table, step: str, metrics: Sequence[str], stem: str, written: float
) -> Iterator[Foreign]:
    """The runs of a file with a line for every step."""
    time, run = _first(table.columns, _TIMES), _first(table.columns, _NAMES)
    numbers = list(metrics) or _numeric(table, {step, time, run, *_STEPS})
    if not numbers:
        raise _no_metric("No column but the step holds numbers")
    curves: dict[str, dict[str, list[Point]]] = defaultdict(lambda: defaultdict(list))
    for count, row in enumerate(table.rows):
        at = as_step(_number(row.get(step, "")))
        when = _number(row.get(time, "")) if time else None
        points = curves[row.get(run, "") if run else ""]
        for name in numbers:
            value = _value(row.get(name, ""), name, count)
            if value is not None:
                points[name].append((count if at is None else at, when, value))
    for name, points in curves.items():
        times = [t for held in points.values() for _, t, _ in held if t is not None]
        yield Foreign(
            id=f"{stem}/{name}" if name else stem,
            name=name or stem,
            started=min(times, default=written),
            ended=max(times, default=None),
            status="done",
            params={},
            curves=dict(points),
        )


def _rows(table: _Table, metrics: Sequence[str], file: str, written: float) -> Iterator[Foreign]:
    """The runs of a file with a line for every run."""
    roles = {name: _role(name, metrics) for name in table.columns if name}
    if not any(role == "metrics" for role, _ in roles.values()):
        raise _no_metric("No column is known to be a metric")
    named = _first(table.columns, _NAMES)
    for count, row in enumerate(table.rows):
        params: dict[str, Any] = {}
        curves: dict[str, list[Point]] = {}
        for column, (role, name) in roles.items():
            text = row.get(column, "")
            if role == "metrics":
                if (value := _value(text, column, count)) is not None:
                    curves[name] = [(0, None, value)]
            elif role == "params" and text and column != named:
                params[name] = text if is_secret(name) else typed(text)
        status = row.get(_first(table.columns, ("status", "state")) or "", "")
        times = [_moment(row.get(_first(table.columns, names) or "", "")) for names in _WHEN]
        yield Foreign(
            id=row.get(named or "", "") or f"{file}:{count + 2}",
            name=row.get(named or "", "") or None,
            started=times[0] or written,
            ended=times[1],
            status=_STATUS.get(status.lower(), "done"),
            params=params,
            curves=curves,
        )


_WHEN = (("start_time", "started", "created"), ("end_time", "ended"))
_NOT_PARAMS = {"status", "state", *(name for names in _WHEN for name in names)}


def _role(column: str, metrics: Sequence[str]) -> tuple[str, str]:
    """What a column of a table of runs holds, and its name without the prefix that says so."""
    found = _PREFIX.fullmatch(column)
    prefix, name = (found[1], found[2]) if found else ("", column)
    if column in metrics or prefix in ("metrics", "summary") or ("/" in name and not prefix):
        return "metrics", name
    if prefix == "tags" or column.lower() in _NOT_PARAMS:
        return "none", name
    return "params", name


def _numeric(table: _Table, ignored: set[str | None]) -> list[str]:
    """Columns in which every value is a number, and some are."""
    found = []
    for name in table.columns:
        values = [row[name] for row in table.rows if row.get(name)]
        known = name and name not in ignored and name.lower() not in ignored
        if known and values and all(_number(value) is not None for value in values):
            found.append(name)
    return found


def _value(text: str, column: str, row: int) -> float | None:
    if not text:
        return None
    value = _number(text)
    if value is None:
        raise InputError(
            f"Row {row + 2} has no number under {column!r}",
            seen=f"{text:.60}",
            do="Nothing was imported. Mend the file, or say which columns are metrics: --metric.",
        )
    return value


def _number(text: str) -> float | None:
    if text.lower() in _NON_FINITE:
        return _NON_FINITE[text.lower()]
    try:
        return float(text) if "_" not in text else None
    except ValueError:
        return None


def _moment(text: str) -> float | None:
    """A point in time: ISO 8601, or seconds or milliseconds since the epoch."""
    number = _number(text)
    if number is not None and math.isfinite(number):
        return number / 1000 if number > 1e11 else number
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _no_metric(what: str) -> InputError:
    return InputError(
        what,
        do="Say which columns are metrics: --metric NAME, once for each. Nothing was imported.",
    )
