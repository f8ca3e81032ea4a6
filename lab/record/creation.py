"""How a run begins: a folder nobody else has, and what the run is made with."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.errors import InputError
from lab.record import capture, fingerprint, liveness
from lab.record.files import write_json
from lab.record.machine import machine
from lab.record.paths import RunPaths, claim_folder
from lab.record.redact import Secrets, redact_params
from lab.record.run import format_time, seed_of
from lab.workspace import Workspace

SCHEMA = 1


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
    state = capture.git_state(workspace.root, workspace.runs)
    record = _first_record(workspace, now, state, notebook, params) | {
        "name": name,
        "tags": list(dict.fromkeys(tags)),
        "suite": None if suite is None else dict(suite),
        "sweep": None if sweep is None else dict(sweep),
        "timeout": timeout,
    }
    patch = capture.diff_patch(workspace.root, state, workspace.runs)
    packages = capture.packages_text(workspace.runs if workspace.runs.is_dir() else None)
    paths = claim_folder(workspace.runs, now=now, slurm_job_id=record["slurm_job_id"])
    try:
        write_json(paths.params, redact_params(params))
        paths.packages.parent.mkdir()
        paths.packages.write_text(packages, encoding="utf-8")
        if patch:
            paths.diff.write_bytes(Secrets.of(params).bytes(patch))
        paths.heartbeat.touch()
        # The record comes last: a folder that has one has everything.
        write_json(paths.record, record | {"id": paths.id})
    except BaseException as error:
        shutil.rmtree(paths.root, ignore_errors=True)  # it holds nothing of worth yet
        if not isinstance(error, OSError):
            raise
        raise InputError(
            "The run folder cannot be written",
            seen=f"{paths.root} ({error.strerror})",
            do="Free some space, or point LAB_RUNS at another folder.",
        ) from None
    return paths


def _first_record(
    workspace: Workspace,
    now: datetime,
    state: capture.GitState,
    notebook: Path | str | None,
    params: Mapping[str, Any],
) -> dict[str, Any]:
    """run.json at the start of a run, every key in its place."""
    source = None if notebook is None else (workspace.root / notebook).resolve()
    readable = source is not None and source.is_file()
    return {
        "schema": SCHEMA,
        "id": "",
        "name": None,
        "notebook": None if source is None else workspace.relative(source),
        "tags": [],
        "status": "running",
        "reason": None,
        "started": format_time(now),
        "ended": None,
        "seconds": None,
        "suite": None,
        "sweep": None,
        **liveness.identity(),
        "slurm_job_id": os.environ.get("SLURM_JOB_ID"),
        "git": state.as_dict(),
        "code": fingerprint.code_sha256(workspace),
        "notebook_sha256": fingerprint.notebook_sha256(source) if source and readable else None,
        "python": platform.python_version(),
        "machine": machine(),
        "device": None,
        "seed": seed_of(params),
        "data": [],
        "headline": None,
        "error": None,
    }
