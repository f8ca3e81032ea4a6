"""Submissions: what was handed to Slurm, so that other processes find it again.

`runs/slurm/STAMP/` holds one submission, which is one job or one job array: `submission.json`,
the marks of its nodes, and what submitit and the jobs write.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.executors.ledger import Attempt, Ledger
from lab.executors.slurm_queue import QueuedJob
from lab.notebook.job import Job
from lab.record.files import read_json, write_json
from lab.record.paths import claim_folder
from lab.record.redact import redact_params
from lab.record.run import format_time
from lab.workspace import Workspace

FOLDER = "slurm"  # in the runs folder
_SCHEMA = 1
_LOG_LINES = 5
OWED = "entry_is_owed"  # a file there while the suite has not written its log entry


@dataclass(frozen=True)
class Task:
    """One run to be: which job of Slurm it is, and where it leaves its marks."""

    folder: Path
    number: int
    job_id: str
    notebook: str
    params: Mapping[str, Any]  # redacted
    suite: Mapping[str, Any] | None
    sweep: Mapping[str, Any] | None = None

    @property
    def ledger(self) -> Ledger:
        return Ledger(marks_folder(self.folder))

    @property
    def log(self) -> Path:
        """What the job printed."""
        return self.folder / f"{self.job_id}_0_log.out"

    @property
    def last_words(self) -> str:
        """The end of what the job printed."""
        with contextlib.suppress(OSError):
            lines = self.log.read_text(errors="replace").strip().splitlines()
            return "\n".join(lines[-_LOG_LINES:])
        return ""

    @property
    def key(self) -> str:
        """Tells which run of a suite or sweep this is, as `key_of` does."""
        return _key(self.suite, self.sweep, self.notebook, self.params)


@dataclass(frozen=True)
class TaskState:
    """Where a task stands: what its nodes have marked, and how the scheduler sees its job.

    `job` is None where the scheduler does not know it; `asked` whether it answered at all.
    """

    task: Task
    attempts: tuple[Attempt, ...]
    job: QueuedJob | None
    asked: bool = True

    @property
    def last(self) -> Attempt | None:
        return self.attempts[-1] if self.attempts else None

    @property
    def over(self) -> bool:
        """Whether the last attempt has said that there will be no other."""
        return self.last is not None and self.last.ended and not self.last.again

    @property
    def gone(self) -> bool:
        """Whether no job will do anything about it any more, as far as the scheduler knows."""
        return self.asked and (self.job is None or not self.job.alive)

    @property
    def open(self) -> bool:
        return not (self.over or self.gone)


def key_of(job: Job, workspace: Workspace) -> str:
    """What a task that does what `job` asks for has as its `key`."""
    notebook = workspace.relative(job.notebook)
    return _key(job.suite, job.sweep, notebook, redact_params(job.params))


def _key(*parts: object) -> str:
    plain = [dict(part) if isinstance(part, Mapping) else part for part in parts]
    return json.dumps(plain, sort_keys=True, default=str)


def marks_folder(folder: Path) -> Path:
    return folder / "marks"


def new_folder(workspace: Workspace) -> Path:
    """A folder for one submission. Raises InputError where there can be none."""
    return claim_folder(workspace.runs / FOLDER, now=datetime.now(UTC)).root


def write_submission(
    folder: Path, jobs: Iterable[Job], ids: Iterable[str], workspace: Workspace
) -> list[Task]:
    """Note which job of Slurm is which task; what they are from then on."""
    tasks = [
        Task(
            folder=folder,
            number=number,
            job_id=job_id,
            notebook=workspace.relative(job.notebook),
            params=redact_params(job.params),
            suite=_plain(job.suite),
            sweep=_plain(job.sweep),
        )
        for number, (job, job_id) in enumerate(zip(jobs, ids, strict=True))
    ]
    if any(task.suite for task in tasks):
        (folder / OWED).touch()
    rows = [{key: value for key, value in vars(task).items() if key != "folder"} for task in tasks]
    stamp = format_time(datetime.fromtimestamp(time.time(), UTC))
    write_json(folder / "submission.json", {"schema": _SCHEMA, "submitted": stamp, "tasks": rows})
    return tasks


def read_tasks(workspace: Workspace, *, suite: str | None = None) -> list[Task]:
    """Every task ever submitted here, oldest first; those of one suite where it is named."""
    home = workspace.runs / FOLDER
    try:
        folders = sorted(entry for entry in home.iterdir() if entry.is_dir())
    except FileNotFoundError:
        return []
    found: list[Task] = []
    for folder in folders:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            rows = read_json(folder / "submission.json")["tasks"]
            found += [Task(folder=folder, **row) for row in rows]
    return [task for task in found if suite is None or (task.suite or {}).get("name") == suite]


def states(tasks: Iterable[Task], known: Mapping[str, QueuedJob] | None) -> list[TaskState]:
    """Where each task stands; `known` are the scheduler's jobs, None where it did not answer."""
    marks: dict[Path, dict[int, list[Attempt]]] = {}
    found = []
    for task in tasks:
        if task.folder not in marks:
            marks[task.folder] = task.ledger.attempts()
        attempts = tuple(marks[task.folder].get(task.number, ()))
        job = None if known is None else known.get(task.job_id)
        found.append(TaskState(task, attempts, job, asked=known is not None))
    return found


def _plain(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if value is None else dict(value)
