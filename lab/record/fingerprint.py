"""Fingerprints: sha256 over the workspace's source, a notebook's cells, a data file or folder."""

from __future__ import annotations

import contextlib
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from lab.record.files import read_json, write_json
from lab.workspace import Workspace


def code_sha256(workspace: Workspace) -> str:
    """sha256 over the names and contents of the files that `[tool.lab] code` names."""
    files = {path for pattern in workspace.code for path in workspace.root.glob(pattern)}
    total = hashlib.sha256()
    for path in sorted(files):
        if path.is_file():
            status = path.stat()
            content = _content_sha256(path, status.st_size, status.st_mtime_ns)
            total.update(f"{path.relative_to(workspace.root).as_posix()}\0{content}\n".encode())
    return total.hexdigest()


@lru_cache(maxsize=4096)
def _content_sha256(path: Path, size: int, modified: int) -> str:
    # Size and time are not read: they make the cache forget when the file has changed.
    return hashlib.sha256(path.read_bytes()).hexdigest()


def notebook_sha256(path: Path) -> str:
    """sha256 over the kinds and sources of the cells; outputs, metadata and counts do not enter."""
    document = orjson.loads(path.read_bytes())
    cells = [[cell.get("cell_type"), _joined(cell.get("source", ""))] for cell in document["cells"]]
    return hashlib.sha256(orjson.dumps(cells)).hexdigest()


def data_sha256(path: Path, *, cache: Path | None = None) -> str:
    """sha256 of a file, or of the names and contents of all files of a folder.

    `cache` is the index file in which the hash of a file is kept by its size and modification
    time, so that a data set is read once and not at every run. Raises FileNotFoundError.
    """
    known = _Known(cache)
    if path.is_file():
        found = known.file(path)
    elif not path.exists():
        raise FileNotFoundError(path)
    else:
        total = hashlib.sha256()
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            total.update(f"{file.relative_to(path).as_posix()}\0{known.file(file)}\n".encode())
        found = total.hexdigest()
    known.save()
    return found


def data_cache(runs: Path) -> Path:
    """The index file of data hashes, in the runs folder; it may be deleted at any time."""
    return runs / ".index-data.json"


class _Known:
    """Hashes of files by path, size and modification time."""

    def __init__(self, cache: Path | None) -> None:
        self._cache = cache
        self._new: dict[str, list[Any]] = {}
        self._old = self._load()

    def _load(self) -> dict[str, Any]:
        if self._cache is not None:
            with contextlib.suppress(OSError, ValueError):
                stored = read_json(self._cache)
                if isinstance(stored, dict):
                    return stored
        return {}

    def file(self, path: Path) -> str:
        status = path.stat()
        name, state = str(path.resolve()), [status.st_size, status.st_mtime_ns]
        entry = self._old.get(name)
        if isinstance(entry, list) and entry[:2] == state and len(entry) == 3:
            return str(entry[2])
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self._new[name] = [*state, digest]
        return digest

    def save(self) -> None:
        if self._cache is None or not self._new:
            return
        # Read again: another process may have added its own since. The last writer may still
        # lose an entry, which then is computed again.
        with contextlib.suppress(OSError):
            write_json(self._cache, self._load() | self._new)


def _joined(source: Any) -> str:
    return "".join(source) if isinstance(source, list) else str(source)
