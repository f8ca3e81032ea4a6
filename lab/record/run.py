"""A run: created, changed, ended and read, always as whole files.

Whoever changes run.json holds the folder's lock, reads, merges and renames, so that a notebook, an
executor and a reader that finds the process gone never lose each other's keys.
"""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.errors import InputError
from lab.record import capture, fingerprint, liveness, metrics
from lab.record.files import FULL_ERRNOS, locked, read_json, rewrite_json, write_json
from lab.record.outcome import classify, supersedes
from lab.record.paths import RunPaths, claim_folder
from lab.record.redact import Secrets, redact_params
from lab.workspace import Workspace

SCHEMA = 1


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
        record = _read_object(paths.record)
        if record.get("status") == "running" and liveness.is_gone(record, paths):
            record = _record_crash(paths, record)
        return cls(paths, record, _read_object(paths.params), _read_summary(paths, record))

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
    def notes(self) -> dict[str, Any]:
        return self.summary.get("notes") or {}

    def best(self, metric: str) -> float | None:
        entry = self.metrics.get(metric)
        return entry.get("best") if entry else None

    def last(self, metric: str) -> float | None:
        entry = self.metrics.get(metric)
        return entry.get("last") if entry else None

    def history(self) -> list[dict[str, Any]]:
        """Every line of metrics.jsonl, in the order written; non-finite values are floats."""
        return metrics.read_metrics(self.path.metrics)

    def __repr__(self) -> str:
        reason = f" ({self.reason})" if self.reason else ""
        return f"<Run {self.id} {self.status}{reason}>"

    def _repr_html_(self) -> str:
        from lab.record.display import run_html

        return run_html(self)


def create_run(
    workspace: Workspace,
    *,
    notebook: Path | str | None,
    params: Mapping[str, Any],
    name: str | None = None,
    tags: Iterable[str] = (),
    suite: Mapping[str, Any] | None = None,
    sweep: Mapping[str, Any] | None = None,
    timeout: float | None = None,
) -> RunPaths:
    """A new run folder, `running`, that belongs to this process until another pid is recorded.

    `timeout` is in seconds. Raises InputError when the runs folder cannot be written; nothing is
    left behind then.
    """
    now = datetime.now(UTC)
    slurm_job_id = os.environ.get("SLURM_JOB_ID")
    state = capture.git_state(workspace.root, workspace.runs)
    source = None if notebook is None else (workspace.root / notebook).resolve()
    record = {
        "schema": SCHEMA,
        "id": "",
        "name": name,
        "notebook": None if source is None else workspace.relative(source),
        "tags": list(dict.fromkeys(tags)),
        "status": "running",
        "reason": None,
        "started": format_time(now),
        "ended": None,
        "seconds": None,
        "suite": None if suite is None else dict(suite),
        "sweep": None if sweep is None else dict(sweep),
        **liveness.identity(),
        "slurm_job_id": slurm_job_id,
        "git": state.as_dict(),
        "code": fingerprint.code_sha256(workspace),
        "notebook_sha256": fingerprint.notebook_sha256(source)
        if source is not None and source.is_file()
        else None,
        "python": platform.python_version(),
        "device": None,
        "seed": seed_of(params),
        "data": [],
        "headline": None,
        "error": None,
        "timeout": timeout,
    }
    patch = capture.diff_patch(workspace.root, state, workspace.runs)
    if secrets := Secrets.of(params):
        text = patch.decode(errors="surrogateescape")
        patch = secrets.text(text).encode(errors="surrogateescape")
    packages = capture.packages_text(workspace.runs if workspace.runs.is_dir() else None)
    paths = claim_folder(workspace.runs, now=now, slurm_job_id=slurm_job_id)
    try:
        write_json(paths.params, redact_params(params))
        paths.packages.parent.mkdir()
        paths.packages.write_text(packages, encoding="utf-8")
        if patch:
            paths.diff.write_bytes(patch)
        paths.heartbeat.touch()
        # The record comes last: a folder that has one has everything.
        write_json(paths.record, record | {"id": paths.id})
    except OSError as error:
        _take_back(paths)
        raise InputError(
            "The run folder cannot be written",
            seen=f"{paths.root} ({error.strerror})",
            do="Free some space, or point LAB_RUNS at another folder.",
        ) from None
    return paths


def update_run(paths: RunPaths, **changes: Any) -> dict[str, Any]:
    """Merge `changes` into run.json; what it holds afterwards."""
    with locked(paths.root):
        record: dict[str, Any] = read_json(paths.record)
        record.update(changes)
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
        _write_summary(paths, read_json(paths.record), notes, remove)


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
        if before[0] == "running" or (override and supersedes(before, (status, reason))):
            _end(paths, record, status, reason, error, time.time())
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


def _end(
    paths: RunPaths,
    record: dict[str, Any],
    status: str,
    reason: str | None,
    error: Mapping[str, Any] | None,
    when: float,
) -> None:
    """Write the end into `record` and the files; the caller holds the lock."""
    started = parse_time(record.get("started"))
    ended = datetime.fromtimestamp(when, UTC)
    if started is not None and ended < started:
        ended = started
    record.update(status=status, reason=reason, error=None if error is None else dict(error))
    record["ended"] = format_time(ended)
    record["seconds"] = round((ended - started).total_seconds(), 3) if started else None
    try:
        _write_summary(paths, record, {})
    except OSError as problem:
        # Without room for it, the summary is computed again by every reader.
        if problem.errno not in FULL_ERRNOS:
            raise
    rewrite_json(paths.record, record)


def _record_crash(paths: RunPaths, record: dict[str, Any]) -> dict[str, Any]:
    """The record of a run whose process is gone, written where the folder can be written."""
    with contextlib.suppress(OSError), locked(paths.root):
        record = _read_object(paths.record)
        # Its own end, or a new process that took it over, may have come first.
        if record.get("status") == "running" and liveness.is_gone(record, paths):
            _end(paths, record, *_gone(record), liveness.last_sign_of_life(paths))
        return record
    status, reason, error = _gone(record)
    return record | {"status": status, "reason": reason, "error": error}


def _gone(record: Mapping[str, Any]) -> tuple[str, str, Mapping[str, Any] | None]:
    # A cell that raised is on record already; what ended the process later is not the cause.
    error = record.get("error")
    if isinstance(error, dict):
        return *classify(str(error.get("type")), str(error.get("message"))), error
    return "crashed", "killed", None


def _write_summary(
    paths: RunPaths,
    record: Mapping[str, Any],
    notes: Mapping[str, Any],
    remove: Iterable[str] = (),
) -> None:
    kept = {**(_stored_summary(paths).get("notes") or {}), **notes}
    for name in remove:
        kept.pop(name, None)
    summary: dict[str, Any] = metrics.summarize(paths.metrics, record.get("goals") or {})
    rewrite_json(paths.summary, summary | {"notes": kept})


def _read_summary(paths: RunPaths, record: Mapping[str, Any]) -> dict[str, Any]:
    """summary.json, computed again from the metrics when it is missing or older than they are."""
    stored = _stored_summary(paths)
    if _modified(paths.metrics) <= _modified(paths.summary):
        return metrics.restore(stored)
    found: dict[str, Any] = metrics.summarize(paths.metrics, record.get("goals") or {})
    return found | {"notes": stored.get("notes") or {}}


def _stored_summary(paths: RunPaths) -> dict[str, Any]:
    # A summary that cannot be read is no loss, its metrics are computed from metrics.jsonl.
    with contextlib.suppress(OSError, ValueError):
        stored = read_json(paths.summary)
        if isinstance(stored, dict):
            return stored
    return {}


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _read_object(path: Path) -> dict[str, Any]:
    try:
        value = read_json(path)
    except FileNotFoundError:
        raise _unreadable(path, "the file is missing") from None
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


def _take_back(paths: RunPaths) -> None:
    """Remove a folder in which the run could not be created; it holds nothing yet."""
    import shutil

    shutil.rmtree(paths.root, ignore_errors=True)
