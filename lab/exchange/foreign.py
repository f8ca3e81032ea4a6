"""A run of another tool, and the run folder that it becomes."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from lab.exchange.contents import is_run_id
from lab.exchange.names import metric_names
from lab.exchange.result import Imported
from lab.exchange.staging import Claim, Staging, claim_free
from lab.record.catalogue import ARCHIVE
from lab.record.creation import SCHEMA
from lab.record.files import encode, read_json, write_json
from lab.record.metrics import goal_of
from lab.record.outcome import STATUSES
from lab.record.paths import RunPaths
from lab.record.redact import Secrets, redact_params
from lab.record.run import format_time, seed_of
from lab.record.summary import write_summary
from lab.workspace import Workspace

Point = tuple[int, float | None, float]  # step, time (seconds since the epoch), value

_STEPS = 2**63
# Keys that a run of lab keeps when it comes back from another tool, where they are what they were.
KEPT: dict[str, type] = {
    "notebook": str,
    "reason": str,
    "suite": dict,
    "sweep": dict,
    "slurm_job_id": str,
    "host": str,
    "git": dict,
    "code": str,
    "notebook_sha256": str,
    "python": str,
    "device": str,
    "data": list,
    "headline": str,
    "error": dict,
    "goals": dict,
}


@dataclass(frozen=True)
class Foreign:
    """What another tool knows of a run.

    `id` is what the tool calls it; `curves` are the points of each metric under the tool's name
    for it, in the order logged; with `verbatim` these are names of lab's. Times are seconds since
    the epoch. `record` holds keys of run.json that are known. `fetch` copies the run's own files
    into the run folder and gives what to tell about it.
    """

    id: str
    name: str | None
    started: float | None
    ended: float | None
    status: str
    params: Mapping[str, Any]
    curves: Mapping[str, Sequence[Point]]
    tags: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    verbatim: bool = False
    fetch: Callable[[Path], Iterable[str]] = lambda folder: ()

    def sha256(self) -> str:
        """Of what was said of it, its files left aside: two equal ones are one run."""
        said = [self.id, self.name, self.started, self.ended, self.status, dict(self.params)]
        curves = {name: list(points) for name, points in self.curves.items()}
        known = [*said, curves, sorted(self.tags), dict(self.notes), dict(self.record)]
        options = orjson.OPT_SORT_KEYS
        return hashlib.sha256(orjson.dumps(encode(known), option=options, default=str)).hexdigest()


def take_in(
    found: Iterable[Foreign], *, kind: str, source: str, workspace: Workspace, notes: list[str]
) -> Imported:
    """Write each as a run of the workspace; those that are here already are passed over."""
    known = _imported(workspace)
    here: list[str] = []
    with Staging(workspace.runs) as staging:
        claims: list[tuple[Path, Claim]] = []
        for foreign in sorted(found, key=lambda run: (run.started or 0.0, run.id)):
            if (own := _own_id(foreign, workspace)) is not None:
                here.append(own)
                continue
            before = known.get((kind, foreign.id), {})
            if foreign.sha256() in before:
                here.append(before[foreign.sha256()])
                continue
            if before:
                notes.append(f"{foreign.id} came in before as {', '.join(before.values())}.")
            folder = staging.folder()
            notes += [f"{foreign.id}: {said}" for said in foreign.fetch(folder)]
            write_run(RunPaths(folder), foreign, {"from": kind, "source": source})
            claims.append((folder, partial(_claim, workspace, folder, foreign.started)))
        placed = staging.publish(claims)
    ids = tuple(folder.name for folder in placed)
    return Imported(kind, source, ids, tuple(here), notes=tuple(notes))


def _own_id(foreign: Foreign, workspace: Workspace) -> str | None:
    """The run of this workspace that was once exported and now comes back."""
    own = str(foreign.record.get("id", ""))
    places = (workspace.runs / own, workspace.runs / ARCHIVE / own)
    there = is_run_id(own) and any((place / "run.json").is_file() for place in places)
    return own if there else None


def write_run(paths: RunPaths, foreign: Foreign, origin: Mapping[str, str]) -> None:
    """The files of the run; its id has to be set once it is known."""
    names = (
        {name: name for name in foreign.curves}
        if foreign.verbatim
        else metric_names(foreign.curves)
    )
    secrets = Secrets.of(foreign.params)
    changed = {new: old for old, new in names.items() if new != old}
    imported: dict[str, Any] = {**origin, "id": foreign.id, "sha256": foreign.sha256()}
    imported |= {"names": changed} if changed else {}
    record = _record(foreign) | {"imported": imported}
    if len(names) == 1 and not record["headline"]:
        record["headline"] = next(iter(names.values()))
    if goals := _goals(names, record.get("goals", {})):
        record["goals"] = goals
    write_json(paths.params, redact_params(foreign.params))
    curves = {names[name]: points for name, points in foreign.curves.items()}
    began = foreign.started or 0.0
    lines = ({**row, "time": began} if row["time"] is None else row for row in rows_of(curves))
    paths.metrics.write_bytes(b"".join(map(_line, lines)))
    paths.heartbeat.touch()
    write_summary(paths, record, secrets.value(dict(foreign.notes)))
    write_json(paths.record, secrets.value(record))


def rows_of(curves: Mapping[str, Sequence[Point]]) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl: the points of one step share one, but for values logged twice."""
    rows: dict[tuple[int, int], dict[str, Any]] = {}
    for name, points in curves.items():
        again: dict[int, int] = {}
        for step, time, value in points:
            turn = again[step] = again.get(step, -1) + 1
            row = rows.setdefault((step, turn), {"step": step, "time": time})
            if time is not None and (row["time"] is None or time > row["time"]):
                row["time"] = time
            row[name] = value
    return _in_order(list(rows.values()))


def _in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By time where all have one, else by step: the last line holds the last value."""
    timed = all(row["time"] is not None for row in rows)
    key = (lambda row: (row["time"], row["step"])) if timed else (lambda row: row["step"])
    return sorted(rows, key=key)


def _line(row: Mapping[str, Any]) -> bytes:
    return orjson.dumps(encode(dict(row)), option=orjson.OPT_APPEND_NEWLINE)


def as_step(value: Any) -> int | None:
    """A step as a whole number that a line can hold; None where it is none."""
    try:
        step = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return step if -_STEPS <= step < _STEPS else None


def _record(foreign: Foreign) -> dict[str, Any]:
    started, ended = _time(foreign.started), _time(foreign.ended)
    both = foreign.started is not None and foreign.ended is not None
    seconds = round((foreign.ended or 0.0) - (foreign.started or 0.0), 3) if both else None
    assert foreign.status in STATUSES
    return {
        "schema": SCHEMA,
        "id": "",
        "name": foreign.name,
        "notebook": None,
        "tags": list(foreign.tags),
        "status": foreign.status,
        "reason": None,
        "started": started,
        "ended": ended or started,
        "seconds": None if seconds is None else max(seconds, 0.0),
        "suite": None,
        "sweep": None,
        "host": None,
        "pid": None,
        "slurm_job_id": None,
        "git": {"sha": None, "branch": None, "dirty": None},
        "code": None,
        "notebook_sha256": None,
        "python": None,
        "device": None,
        "seed": seed_of(foreign.params),
        "data": [],
        "headline": None,
        "error": None,
        **{k: foreign.record[k] for k, t in KEPT.items() if isinstance(foreign.record.get(k), t)},
    }


def _time(seconds: float | None) -> str | None:
    if seconds is None or not math.isfinite(seconds):
        return None
    try:
        return format_time(datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, ValueError, OSError):
        return None


def _goals(names: Mapping[str, str], said: Mapping[str, str]) -> dict[str, str]:
    """Goals beside those that names imply: all of Loss/a and Loss/b are losses."""
    lower = {new for old, new in names.items() if goal_of(old.partition("/")[0]) == "min"}
    return {name: "min" for name in sorted(lower) if goal_of(name) == "max"} | dict(said)


def _claim(workspace: Workspace, staged: Path, started: float | None) -> Path:
    moment = None if _time(started) is None else datetime.fromtimestamp(started or 0.0, UTC)
    folder = claim_free(workspace.runs, moment)
    record = read_json(staged / "run.json")
    write_json(staged / "run.json", record | {"id": folder.name})
    return folder


def _imported(workspace: Workspace) -> dict[tuple[str, str], dict[str, str]]:
    """Runs that were imported: by tool and its id, the content they had and their id here."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for file in sorted(workspace.runs.glob("*/run.json")):
        try:
            # Most runs were never imported; looking for the word is far cheaper than parsing.
            content = file.read_bytes()
            origin = orjson.loads(content).get("imported") if b'"imported"' in content else None
        except (OSError, ValueError, AttributeError):
            continue
        if isinstance(origin, dict):
            key = str(origin.get("from")), str(origin.get("id"))
            found.setdefault(key, {})[str(origin.get("sha256"))] = file.parent.name
    return found
