"""Whether run folders are whole: JSON, summary against metrics, checkpoints, data hashes."""

from __future__ import annotations

import math
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.record.catalogue import find_folder
from lab.record.files import RecordWarning, read_json
from lab.record.fingerprint import data_cache, data_sha256
from lab.record.liveness import host_name
from lab.record.metrics import restore, summarize
from lab.record.outcome import STATUSES
from lab.record.paths import RunPaths
from lab.record.run import Run
from lab.workspace import Workspace

_RUN_ID = re.compile(r"\d{8}_\d{6}(-\d+)?(_j\w+)?")
# What reading a damaged archive raises, depending on where the damage is.
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError, EOFError)


@dataclass(frozen=True)
class Problem:
    """Something wrong with one file of a run."""

    id: str
    file: str
    text: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def check_runs(
    workspace: Workspace, run_ids: Sequence[str] | None = None
) -> tuple[int, list[Problem]]:
    """How many runs were looked at (default: all), and every problem found."""
    if run_ids:
        folders = [find_folder(workspace, run_id) for run_id in run_ids]
    else:
        folders = sorted(path for path in workspace.runs.glob("*/") if _looks_like_a_run(path))
    return len(folders), [problem for folder in folders for problem in _check(folder, workspace)]


def _looks_like_a_run(folder: Path) -> bool:
    return _RUN_ID.fullmatch(folder.name) is not None or (folder / "run.json").exists()


def _check(folder: Path, workspace: Workspace) -> Iterator[Problem]:
    paths = RunPaths(folder)
    try:
        run = Run.read(paths)
    except LabError as error:
        yield Problem(folder.name, error.what.partition(" ")[0], str(error))
        return
    for problem in (
        *_record(run),
        *_metrics(run),
        *_notebook(run),
        *_checkpoints(run),
        *_data(run, workspace),
    ):
        yield Problem(run.id, *problem)


Found = Iterator[tuple[str, str]]


def _record(run: Run) -> Found:
    if run.record.get("id") != run.path.id:
        yield "run.json", f"its id is {run.record.get('id')}, its folder {run.path.id}"
    if run.record.get("schema") != 1:
        yield "run.json", f"schema {run.record.get('schema')} is not known here"
    if run.status not in STATUSES:
        yield "run.json", f"there is no status {run.status}"


def _metrics(run: Run) -> Found:
    with warnings.catch_warnings(record=True) as torn:
        warnings.simplefilter("always", RecordWarning)
        found = summarize(run.path.metrics, run.record.get("goals") or {})
    for warning in torn:
        yield "metrics.jsonl", str(warning.message).rpartition(": ")[2]
    if run.status == "running":
        return
    try:
        stored = restore(read_json(run.path.summary))
    except FileNotFoundError:
        if run.reason != "disk_full":  # then there was no room for it, and readers compute it
            yield "summary.json", "the file is missing"
        return
    except (OSError, ValueError, AttributeError) as error:
        yield "summary.json", f"it cannot be read: {error}"
        return
    for name in sorted(found.keys() | (stored.keys() - {"notes"})):
        if not _same(found.get(name), stored.get(name)):
            yield (
                "summary.json",
                f"{name} is {stored.get(name)}, by metrics.jsonl {found.get(name)}",
            )


def _notebook(run: Run) -> Found:
    if not run.path.notebook.is_file():
        return
    try:
        document = read_json(run.path.notebook)
        whole = isinstance(document, dict) and isinstance(document.get("cells"), list)
    except ValueError:
        whole = False
    if not whole:
        yield "notebook.ipynb", "it is not a notebook any more"


def _checkpoints(run: Run) -> Found:
    # torch writes zip archives; every member carries a checksum, so no torch is needed to check.
    for path in sorted(run.path.checkpoints.glob("*.pt")):
        name = f"checkpoints/{path.name}"
        try:
            with zipfile.ZipFile(path) as archive:
                bad = archive.testzip()
        except _ZIP_ERRORS as error:
            yield name, f"it cannot be read: {error}"
        else:
            if bad is not None:
                yield name, f"its part {bad} is damaged"
    config = run.path.checkpoints / "config.json"
    if config.is_file():
        try:
            read_json(config)
        except (OSError, ValueError) as error:
            yield "checkpoints/config.json", f"it cannot be read: {error}"


def _data(run: Run, workspace: Workspace) -> Found:
    for source in run.record.get("data") or []:
        if not source.get("path"):
            continue
        path = workspace.root / source["path"]
        noted = source.get("content", source["sha256"])
        try:
            changed = data_sha256(path, cache=data_cache(workspace.runs)) != noted
        except FileNotFoundError:
            # A path outside the workspace is one of the machine that ran it.
            if run.record.get("host") == host_name() or path.is_relative_to(workspace.root):
                yield "run.json", f"data {source['name']}: {path} is not there any more"
        except OSError as error:
            yield "run.json", f"data {source['name']}: {path} cannot be read: {error.strerror}"
        else:
            if changed:
                yield "run.json", f"data {source['name']}: {path} has changed since"


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_same(first[k], second[k]) for k in first)
    if isinstance(first, float) and isinstance(second, float) and math.isnan(first):
        return math.isnan(second)
    return bool(first == second)
