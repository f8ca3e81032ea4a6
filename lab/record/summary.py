"""summary.json: what the metrics of a run come to, and the notes beside them."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lab.record import metrics
from lab.record.files import RecordWarning, read_json, rewrite_json
from lab.record.paths import RunPaths


def write_summary(
    paths: RunPaths,
    record: Mapping[str, Any],
    notes: Mapping[str, Any] | None = None,
    *,
    remove: Iterable[str] = (),
) -> None:
    """Bring summary.json up to date, its notes changed; the caller holds the folder's lock."""
    kept = {**_notes(_stored(paths)), **(notes or {})}
    for name in remove:
        kept.pop(name, None)
    # Notes are nowhere else; the rest is computed again where a power cut took it.
    rewrite_json(
        paths.summary, _computed(paths, record) | {"notes": kept}, sync=bool(kept or remove)
    )


def read_summary(paths: RunPaths, record: Mapping[str, Any]) -> dict[str, Any]:
    """summary.json, computed again where it is missing, damaged or older than the metrics."""
    stored = _stored(paths)
    if stored is not None and _modified(paths.metrics) <= _modified(paths.summary):
        return metrics.restore(stored)
    return _computed(paths, record) | {"notes": _notes(stored)}


def read_notes(paths: RunPaths) -> dict[str, Any]:
    return _notes(_stored(paths))


def _computed(paths: RunPaths, record: Mapping[str, Any]) -> dict[str, Any]:
    with warnings.catch_warnings():
        # Who reads the metrics is told of a torn line; it must not get in the way of a run's end.
        warnings.simplefilter("ignore", RecordWarning)
        return metrics.summarize(paths.metrics, record.get("goals") or {})


def _stored(paths: RunPaths) -> dict[str, Any] | None:
    """What summary.json holds; None where it cannot be read, which costs no more than its notes."""
    with contextlib.suppress(OSError, ValueError):
        stored = read_json(paths.summary)
        if isinstance(stored, dict):
            return stored
    return None


def _notes(stored: Mapping[str, Any] | None) -> dict[str, Any]:
    notes = (stored or {}).get("notes")
    return notes if isinstance(notes, dict) else {}


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
