"""Data sets, found through the entry-point group `lab.data`, so that lab imports no science."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from lab.errors import InputError, WorkFailed, nearest

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
        raise InputError(f"Data set {name} {why}", do=advice(item))
    return found


def fetched(name: str) -> Path:
    """Data set `name`, downloaded unless it is here; InputError where there is no download."""
    item = dataset(name)
    found: Path | None = item.find()
    if found is not None:
        return found
    if item.fetch_command is None:
        raise InputError(f"Data set {name} cannot be downloaded", do=advice(item))
    try:
        path: Path = item.fetch()
    except (OSError, RuntimeError) as error:
        raise WorkFailed(
            f"Data set {name} could not be downloaded",
            seen=error,
            do="Look at the network, or set CVKAN_DATA to a folder that has it.",
        ) from None
    return path


def precomputed(name: str, **options: int) -> list[Path]:
    """The folders that data set `name` precomputes for trainings; InputError where it has none."""
    item = dataset(name)
    if item.precompute is None:
        having = [other for other, known in datasets().items() if known.precompute]
        raise InputError(
            f"Data set {name} has nothing to precompute", do=f"Only {', '.join(having)} does."
        )
    located(name)
    try:
        folders: list[Path] = item.precompute(**options)
    except (OSError, RuntimeError, ValueError) as error:
        raise WorkFailed(
            f"Data set {name} could not be precomputed",
            seen=error,
            do="What was finished is kept: run it again.",
        ) from None
    return folders


def advice(item: Any) -> str:
    """How to get a data set that is not here."""
    if item.embedded:
        return "It is generated or comes with a library; notebooks use it as it is."
    if item.fetch_command:
        return f"Run `{item.fetch_command}`, or set CVKAN_DATA to a folder that has it."
    return f"Put {item.files[0]} ({item.origin}) into the folder that CVKAN_DATA names."
