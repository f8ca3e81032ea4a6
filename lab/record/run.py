"""A run: read, changed and ended, always as whole files.

Whoever changes run.json holds the folder's lock, reads, merges and renames, so that a notebook, an
executor and a reader that finds the process gone never lose each other's keys.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.errors import InputError
from lab.record import broken_off, liveness, metrics, resources
from lab.record.files import FULL_ERRNOS, locked, read_json, rewrite_json
from lab.record.outcome import classify, supersedes
from lab.record.paths import RunPaths
from lab.record.redact import redact_params
from lab.record.summary import read_summary, write_summary


@dataclass(frozen=True)
class Run:
    """One run as its files tell it: `record` is run.json, `summary` is summary.json.

    In the summary, non-finite numbers are floats again.
    """

    path: RunPaths
    record: dict[str, Any]
    params: dict[str, Any]
    summary: dict[str, Any]

    @classmethod
    def read(cls, path: RunPaths | Path | str) -> Run:
        """The run in this folder; one whose process is gone is recorded as `crashed` first."""
        paths = path if isinstance(path, RunPaths) else RunPaths(Path(path))
        run = cls.read_if_there(paths)
        if run is None:
            raise _unreadable(paths.record, "the file is missing")
        return run

    @classmethod
    def read_if_there(cls, paths: RunPaths) -> Run | None:
        """`read`, but None for a folder without run.json, which holds no run (yet)."""
        record = _read_if_there(paths.record)
        if record is None:
            return None
        if record.get("status") == "running" and liveness.is_gone(record, paths):
            record = _record_crash(paths, record)
        return cls(paths, record, _read_object(paths.params), read_summary(paths, record))

    @property
    def id(self) -> str:
        return self.path.id

    @property
    def name(self) -> str | None:
        return self.record.get("name")

    @property
    def status(self) -> str:
        return str(self.record.get("status"))

    @property
    def reason(self) -> str | None:
        return self.record.get("reason")

    @property
    def started(self) -> datetime | None:
        return parse_time(self.record.get("started"))

    @property
    def seconds(self) -> float | None:
        """How long the run took; of a running one, how long it has been running."""
        seconds = self.record.get("seconds")
        if seconds is None and self.status == "running" and self.started:
            return (datetime.now(UTC) - self.started).total_seconds()
        return seconds

    @property
    def notebook(self) -> str | None:
        return self.record.get("notebook")

    @property
    def arm(self) -> str | None:
        suite = self.record.get("suite")
        return suite.get("arm") if isinstance(suite, dict) else None

    @property
    def trial(self) -> str | None:
        """The study and the number of the trial that it is, as "demo #10"."""
        sweep = self.record.get("sweep")
        return f"{sweep.get('study')} #{sweep.get('trial')}" if isinstance(sweep, dict) else None

    @property
    def part(self) -> str | None:
        """What tells it from the others of its suite or study: its arm, or its trial."""
        return self.arm or self.trial

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(self.record.get("tags") or ())

    @property
    def seed(self) -> int | None:
        return self.record.get("seed")

    @property
    def headline(self) -> str | None:
        return self.record.get("headline")

    @property
    def error(self) -> dict[str, Any] | None:
        return self.record.get("error")

    @property
    def metrics(self) -> dict[str, dict[str, Any]]:
        """The summary without its notes: per metric `last`, `best`, `best_step`, `goal`."""
        return {name: entry for name, entry in self.summary.items() if name != "notes"}

    @property
    def told_twice(self) -> frozenset[str]:
        """Metrics not worth showing: what a sweep asks for, outside of one another metric again."""
        found = self.metrics
        own = found.get(metrics.OBJECTIVE)
        if own is None or self.trial:
            return frozenset()
        ends = (own.get("best"), own.get("last"))
        others = (entry for name, entry in found.items() if name != metrics.OBJECTIVE)
        same = any((entry.get("best"), entry.get("last")) == ends for entry in others)
        return frozenset({metrics.OBJECTIVE} if same else ())

    @property
    def notes(self) -> dict[str, Any]:
        notes = self.summary.get("notes")
        return notes if isinstance(notes, dict) else {}

    def may_have(self, key: str) -> bool:
        """Whether run.json can have this key: always, where that is not known without reading."""
        return True

    def best(self, metric: str) -> float | None:
        entry = self.metrics.get(metric)
        return entry.get("best") if entry else None

    def last(self, metric: str) -> float | None:
        entry = self.metrics.get(metric)
        return entry.get("last") if entry else None

    def history(self, *names: str) -> list[dict[str, Any]]:
        """Every line of metrics.jsonl, in the order written; non-finite values are floats.

        With names of metrics only the lines that hold one of them, and of these no more than that.
        """
        return metrics.rows_of(metrics.read_metrics(self.path.metrics), names)

    def __repr__(self) -> str:
        reason = f" ({self.reason})" if self.reason else ""
        return f"<Run {self.id} {self.status}{reason}>"

    def _repr_html_(self) -> str:
        from lab.record.display import run_html

        return run_html(self)


def update_run(paths: RunPaths, **changes: Any) -> dict[str, Any]:
    """Merge `changes` into run.json; what it holds afterwards."""
    return change_run(paths, lambda record: record.update(changes))


def change_run(paths: RunPaths, change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Let `change` alter the content of run.json while nobody else can; what it holds then."""
    with locked(paths.root):
        record: dict[str, Any] = read_json(paths.record)
        change(record)
        rewrite_json(paths.record, record)
    return record


def take_over(paths: RunPaths) -> None:
    """Record this process as the one that runs the cells."""
    update_run(paths, **liveness.identity())


def update_params(paths: RunPaths, params: Mapping[str, Any]) -> None:
    """Merge `params` into params.json, secrets redacted; `seed` becomes the run's seed."""
    with locked(paths.root):
        merged = _read_object(paths.params) | redact_params(params)
        rewrite_json(paths.params, merged)
    if (seed := seed_of(params)) is not None:
        update_run(paths, seed=seed)


def update_notes(paths: RunPaths, notes: Mapping[str, Any], *, remove: Iterable[str] = ()) -> None:
    """Merge `notes` into those of summary.json and bring its metrics up to date."""
    with locked(paths.root):
        write_summary(paths, read_json(paths.record), notes, remove=remove)


def end_run(
    paths: RunPaths,
    status: str,
    reason: str | None = None,
    error: Mapping[str, Any] | None = None,
    *,
    override: bool = False,
) -> Run:
    """Record how a run ended, and its summary.

    The first end stays, whoever comes later. An executor, which has seen the kernel itself,
    passes `override`; its word replaces an earlier end unless that says the same in more detail.
    """
    with locked(paths.root):
        record = read_json(paths.record)
        before = (str(record["status"]), record.get("reason"))
        # A reader can only presume that a process was killed; whoever ends the run knows better.
        open_ = before[0] == "running" or before == ("crashed", "killed")
        if open_ or (override and supersedes(before, (status, reason))):
            _end(paths, record, _End(status, reason, error, time.time()))
        elif override and error is not None and record.get("error") is None:
            record["error"] = dict(error)
            rewrite_json(paths.record, record)
    return Run.read(paths)


def fail_run(paths: RunPaths, type_name: str, message: str, cell: int | None, **how: bool) -> Run:
    """End a run by an exception, with the status and reason that its type means."""
    status, reason = classify(type_name, message)
    return end_run(
        paths, status, reason, {"type": type_name, "message": message, "cell": cell}, **how
    )


def seed_of(params: Mapping[str, Any]) -> int | None:
    seed = params.get("seed")
    return seed if isinstance(seed, int) and not isinstance(seed, bool) else None


def format_time(when: datetime) -> str:
    """`2026-01-20T23:15:02.123Z`: what run.json holds for times."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _end(paths: RunPaths, record: dict[str, Any], end: _End) -> dict[str, Any]:
    """Write the end into the files, the caller holds the lock; run.json as it is then."""
    used = resources.totals(paths, record)
    ended = broken_off.explained(end.of(record) | used, paths)
    try:
        write_summary(paths, ended)
    except OSError as problem:
        # Without room for it, the summary is computed again by every reader.
        if problem.errno not in FULL_ERRNOS:
            raise
    rewrite_json(paths.record, ended)
    broken_off.tell_in_notebook(ended, paths)
    return ended


@dataclass(frozen=True)
class _End:
    """How and when (seconds since the epoch) a run ended."""

    status: str
    reason: str | None
    error: Mapping[str, Any] | None
    when: float

    def of(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """`record` with this end."""
        started = parse_time(record.get("started"))
        ended = datetime.fromtimestamp(self.when, UTC)
        if started is not None and ended < started:
            ended = started
        return {
            **record,
            "status": self.status,
            "reason": self.reason,
            "ended": format_time(ended),
            "seconds": round((ended - started).total_seconds(), 3) if started else None,
            "error": None if self.error is None else dict(self.error),
        }


def _record_crash(paths: RunPaths, record: dict[str, Any]) -> dict[str, Any]:
    """The record of a run whose process is gone, written where the folder can be written."""
    with contextlib.suppress(OSError), locked(paths.root):
        record = _read_object(paths.record)
        # Its own end, or a new process that took it over, may have come first.
        if record.get("status") == "running" and liveness.is_gone(record, paths):
            return _end(paths, record, _gone(paths, record))
        return record
    return _gone(paths, record).of(record)


def _gone(paths: RunPaths, record: Mapping[str, Any]) -> _End:
    when = liveness.last_sign_of_life(paths)
    # A cell that raised is on record already; what ended the process later is not the cause.
    error = record.get("error")
    if isinstance(error, dict):
        return _End(*classify(str(error.get("type")), str(error.get("message"))), error, when)
    return _End("crashed", "killed", broken_off.killed(record), when)


def _read_object(path: Path) -> dict[str, Any]:
    found = _read_if_there(path)
    if found is None:
        raise _unreadable(path, "the file is missing")
    return found


def _read_if_there(path: Path) -> dict[str, Any] | None:
    try:
        value = read_json(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise _unreadable(path, str(error)) from None
    if not isinstance(value, dict):
        raise _unreadable(path, "it is not a JSON object")
    return value


def _unreadable(path: Path, why: str) -> InputError:
    return InputError(
        f"{path.name} of run {path.parent.name} cannot be read",
        seen=why,
        do=f"Mend {path}, or move the folder away.",
    )
