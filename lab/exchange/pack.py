"""Runs written into one zip file, with a checksum of every file."""

from __future__ import annotations

import hashlib
import os
import secrets
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, BinaryIO

from lab.errors import InputError
from lab.exchange import manifest
from lab.exchange.bomb import swells
from lab.exchange.contents import is_portable, run_files, strangers
from lab.exchange.manifest import Entry, Manifest
from lab.exchange.result import Exported
from lab.record.files import locked
from lab.record.run import Run

_PACKED = frozenset([".gz", ".jpeg", ".jpg", ".mp4", ".npz", ".png", ".pt", ".webp", ".xz", ".zip"])
_CHUNK = 1 << 20
# Always the same date: equal runs make equal zip files.
_DATE = (1980, 1, 1, 0, 0, 0)


def pack(runs: Sequence[Run], target: Path) -> Exported:
    """Write `runs` into the new zip file `target`, which appears when it is whole.

    Raises InputError where there is a file of that name already, or it cannot be written.
    """
    if target.exists():
        raise InputError(
            "There is a file of that name already", seen=target, do="Name another, or move it away."
        )
    beside = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        _write(runs, beside, zipfile.ZIP_DEFLATED)
        if swells(beside):
            # Nothing of ours may look like a zip bomb to who imports it.
            _write(runs, beside, zipfile.ZIP_STORED)
        _place(beside, target)
    except OSError as error:
        raise InputError(
            "The zip file cannot be written",
            seen=f"{target} ({error.strerror})",
            do="Free some space, or name a file elsewhere.",
        ) from None
    finally:
        beside.unlink(missing_ok=True)
    left = {run.id: strangers(run.path.root) for run in runs}
    notes = [f"{i}: left out {', '.join(names)}" for i, names in left.items() if names]
    return Exported("zip", str(target), tuple(run.id for run in runs), notes=tuple(notes))


def _place(beside: Path, target: Path) -> None:
    try:
        os.link(beside, target)  # unlike a rename, never onto a file that has appeared meanwhile
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        beside.rename(target)


def _write(runs: Sequence[Run], file: Path, compression: int) -> None:
    listed: dict[str, dict[str, Entry]] = {}
    with zipfile.ZipFile(file, "w") as archive:
        for run in runs:
            # Nobody adds a note or a tag while the files are read, so that they fit each other.
            with locked(run.path.root):
                listed[run.id] = {
                    name: _add(archive, manifest.member(run.id, name), path, compression)
                    for name, path in run_files(run.path.root)
                    if is_portable(name)
                }
        info = zipfile.ZipInfo(manifest.NAME, _DATE)
        info.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(info, Manifest(listed).encode())


def _add(archive: zipfile.ZipFile, name: str, path: Path, compression: int) -> Entry:
    info = zipfile.ZipInfo(name, _DATE)
    info.compress_type = zipfile.ZIP_STORED if path.suffix.lower() in _PACKED else compression
    info.external_attr = 0o644 << 16
    info.file_size = path.stat().st_size  # tells zipfile whether 64-bit sizes are needed
    with path.open("rb") as source, archive.open(info, "w") as packed:
        return _copy(source, packed)


def _copy(source: BinaryIO, target: IO[bytes]) -> Entry:
    digest = hashlib.sha256()
    size = 0
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
        target.write(chunk)
    return Entry(size, digest.hexdigest())
