"""What importances a study has, kept beside the runs: most of the time of a sweep's entry.

A cache, `runs/.index-importances`: deleted, damaged or not to be written, forests are grown anew.
An importance is found by all that it is computed from: the trials to the last digit, this package's
code and the versions of the libraries.
"""

from __future__ import annotations

import contextlib
import hashlib
import zlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import orjson
from pydantic import TypeAdapter, ValidationError

import lab.stats
import lab.sweep
from lab.record.files import write_atomic
from lab.sweep.importance import Importances

NAME = ".index-importances"
_MOST = 64  # studies, in all their states
_LIBRARIES = ("numpy", "optuna", "scikit-learn", "scipy")
_FORM = TypeAdapter(dict[str, Importances])


def key_of(study: str) -> str:
    """What the importances of this study, as text, are kept under."""
    return hashlib.sha256(f"{_made_by()}\n{study}".encode()).hexdigest()


def recalled(runs: Path, key: str) -> Importances | None:
    """What is kept under `key`, if anything is."""
    return _read(runs).get(key)


def remember(runs: Path, key: str, found: Importances) -> None:
    """Keep it, where that can be."""
    if not runs.is_dir():
        return
    known = _read(runs)
    content = _FORM.dump_json((known if len(known) < _MOST else {}) | {key: found})
    with contextlib.suppress(OSError):
        write_atomic(runs / NAME, b"%08x\n%s" % (zlib.crc32(content), content), sync=False)


def _read(runs: Path) -> dict[str, Importances]:
    with contextlib.suppress(OSError, ValueError, ValidationError):
        checksum, _, content = (runs / NAME).read_bytes().partition(b"\n")
        if int(checksum, 16) == zlib.crc32(content):
            return _FORM.validate_python(orjson.loads(content))
    return {}


@cache
def _made_by() -> str:
    """This package's code for sweeps and statistics, and the libraries it stands on."""
    digest = hashlib.sha256("".join(f"{n} {version(n)}\n" for n in _LIBRARIES).encode())
    for room in (lab.stats, lab.sweep):
        for path in sorted(Path(room.__path__[0]).rglob("*.py")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
