"""Data sets, found through the entry-point group `lab.data`, so that lab imports no science."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from lab.errors import InputError, nearest

GROUP = "lab.data"


def datasets() -> dict[str, Any]:
    """Every registered data set by name."""
    found: dict[str, Any] = {}
    for entry in entry_points(group=GROUP):
        found.update(entry.load())
    return found


def dataset(name: str) -> Any:
    """The data set `name`; an unknown name is an InputError that shows the nearest."""
    known = datasets()
    if name not in known:
        raise InputError("No such data set", seen=name, do=nearest(name, known))
    return known[name]


def located(name: str) -> Path:
    """Where the files of data set `name` are; InputError when there are none."""
    item = dataset(name)
    found: Path | None = item.find()
    if found is None:
        why = "is embedded and has no file" if item.embedded else "is not on this machine"
        raise InputError(f"Data set {name} {why}", do=item.how_to_get)
    return found
