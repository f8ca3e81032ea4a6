"""Files that are whole or not there: write beside, flush to disk, rename."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

# EFBIG is what a file-size limit says; to the person it is the same: no room for the file.
FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_JSON = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY


def write_atomic(path: Path, data: bytes, *, sync: bool = True) -> None:
    """Replace `path` by `data` so that a reader, or a crash, sees the old bytes or the new ones.

    Without `sync` the file may be lost with the machine's power: for what can be made again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            if (mode := _mode(path)) is not None:
                os.fchmod(handle, mode)
            file.write(data)
            file.flush()
            if sync:
                os.fsync(handle)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any, *, sync: bool = True) -> None:
    """Write `value` as indented JSON, atomically; non-finite floats as the strings of `encode`."""
    write_atomic(path, orjson.dumps(encode(value), option=_JSON), sync=sync)


def read_json(path: Path) -> Any:
    return orjson.loads(path.read_bytes())


def encode(value: Any) -> Any:
    """`value` with non-finite floats, at any depth, as "NaN", "Infinity" and "-Infinity"."""
    if isinstance(value, float):
        return value if _finite(value) else _NAMES.get(value, "NaN")
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    return value


_NAMES = {float("inf"): "Infinity", float("-inf"): "-Infinity"}


def _finite(value: float) -> bool:
    return value - value == 0.0


def _mode(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None


class RecordWarning(UserWarning):
    """Something in a run folder could not be read and was left out; the rest is shown."""


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder` against other processes and threads.

    A lock file, because network file systems do not lock folders; where there can be none (a full
    disk, a file system that cannot lock), the work goes on without.
    """
    descriptor: int | None = None
    with contextlib.suppress(OSError):
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if descriptor is not None:
            # Closing would not be enough: a child forked meanwhile has the same open file.
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


def rewrite_json(path: Path, value: Any, *, sync: bool = True) -> None:
    """`write_json`, which on a full disk falls back to the blocks the file already has."""
    try:
        write_json(path, value, sync=sync)
    except OSError as error:
        if error.errno not in FULL_ERRNOS or not _rewrite_in_place(path, value):
            raise


def _rewrite_in_place(path: Path, value: Any) -> bool:
    data = orjson.dumps(encode(value), option=_JSON)
    with contextlib.suppress(OSError), path.open("r+b") as file:
        if len(data) <= os.fstat(file.fileno()).st_blocks * 512:
            file.write(data)
            file.truncate()
            return True
    return False
