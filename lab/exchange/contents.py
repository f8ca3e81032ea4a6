"""The files of a run folder that travel with it, and names that every machine can hold."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

_RUN_ID = re.compile(r"\d{8}_\d{6}(-\d+)?(_j\w+)?", re.ASCII)
_LONGEST = 255  # bytes of one name, the limit of common file systems


def is_run_id(text: str) -> bool:
    """Whether `text` names a run: its start in UTC, a number, a Slurm job."""
    return _RUN_ID.fullmatch(text) is not None and started_of(text) is not None


def started_of(run_id: str) -> datetime | None:
    """The second that the id of a run begins with; None where that is no time."""
    try:
        return datetime.strptime(run_id[:15], "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def run_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file that belongs to the run in `folder`: its name from there, and the file.

    Locks and unfinished writes, whose names begin with a dot, stay behind. A link counts as the
    file it leads to where that lies in the folder too.
    """
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name.startswith(".") or not path.is_file():
            continue
        if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            continue
        yield name, path


def strangers(folder: Path) -> list[str]:
    """Names in `folder` that do not travel: links that lead out of it, names others cannot hold."""
    known = {name for name, _ in run_files(folder) if is_portable(name)}
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not name.startswith(".") and name not in known and (path.is_symlink() or path.is_file()):
            found.append(ascii(name)[1:-1])
    return found


def is_portable(name: str) -> bool:
    """Whether `name` is a path inside a folder, and of a kind that every machine can hold."""
    parts = name.split("/")
    if PurePosixPath(name).is_absolute() or "\\" in name or not name.isprintable():
        return False
    try:
        fits = all(0 < len(part.encode()) <= _LONGEST for part in parts)
    except UnicodeEncodeError:
        return False
    return fits and not {".", ".."} & set(parts)


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
