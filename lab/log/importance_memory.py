"""What importances a study has, kept beside the runs: most of the time of a sweep's entry.

A cache, `runs/.index-importances`: deleted, damaged or not to be written, forests are grown anew.
An importance is found by all that it is computed from: the configurations and parameters, to the
last digit, the code that computes with them, and the versions of the libraries.
"""

from __future__ import annotations

import contextlib
import hashlib
import zlib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

import orjson
from pydantic import TypeAdapter, ValidationError

from lab.record.files import write_atomic
from lab.sweep import association, configuration, forest, importance, space
from lab.sweep.configuration import Configuration, Factor
from lab.sweep.importance import Importances, importances

NAME = ".index-importances"
_MOST = 64  # studies, in all their states
_LIBRARIES = ("numpy", "optuna", "scikit-learn", "scipy")
# The code that makes configurations and parameters of trials does not count: they tell what it did.
_COMPUTING = (association, configuration, forest, importance, space)
_FORM = TypeAdapter(dict[str, Importances])


def remembered(runs: Path, rows: Sequence[Configuration], factors: Sequence[Factor]) -> Importances:
    """What `importances` gives, from the memory where it is there."""
    key = key_of(repr((tuple(rows), tuple(factors))))
    found = recalled(runs, key)
    if found is None:
        found = importances(rows, factors)
        remember(runs, key, found)
    return found


def key_of(inputs: str) -> str:
    """What the importances that are computed from this are kept under."""
    return hashlib.sha256(f"{made_by(sources())}\n{inputs}".encode()).hexdigest()


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


def sources() -> tuple[Path, ...]:
    """The files whose code computes importances."""
    return tuple(Path(str(module.__file__)) for module in _COMPUTING)


@cache
def made_by(files: tuple[Path, ...]) -> str:
    """The code in these files, and the libraries it stands on."""
    digest = hashlib.sha256("".join(f"{n} {version(n)}\n" for n in _LIBRARIES).encode())
    for path in files:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
