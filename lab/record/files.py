"""Files that are whole or not there: write beside, flush to disk, rename."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

# EFBIG is what a file-size limit says; to the person it is the same: no room for the file.
FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_JSON = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY


def write_atomic(path: Path, data: bytes) -> None:
    """Replace `path` by `data` so that a reader, or a crash, sees the old bytes or the new ones."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.chmod(path.stat().st_mode if path.exists() else 0o666 & ~_umask())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically; non-finite floats as the strings of `encode`."""
    write_atomic(path, orjson.dumps(encode(value), option=_JSON))


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


def _umask() -> int:
    # The process umask can only be read by setting it.
    mask = os.umask(0)
    os.umask(mask)
    return mask


class RecordWarning(UserWarning):
    """Something in a run folder could not be read and was left out; the rest is shown."""


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder` against other processes and threads.

    A lock file, because network file systems do not lock folders; where nothing can be locked,
    the work goes on without.
    """
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def rewrite_json(path: Path, value: Any) -> None:
    """`write_json`, which on a full disk falls back to the blocks the file already has."""
    try:
        write_json(path, value)
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
