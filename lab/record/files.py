"""Files that are whole or not there: write beside, flush to disk, rename."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import orjson


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
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY
    write_atomic(path, orjson.dumps(encode(value), option=options))


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
