"""Runs that are read as far as they are asked for: among thousands, most give one file or none."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import orjson

from lab.errors import LabError
from lab.record.catalogue import ARCHIVE
from lab.record.index import open_index, read_object
from lab.record.indexed_run import RECORD
from lab.record.metrics import restore
from lab.record.paths import RunPaths
from lab.record.run import Run
from lab.record.summary import read_summary
from lab.workspace import Workspace


class LazyRun(Run):
    """A Run whose parameters and summary are read when they are first asked for."""

    def __init__(self, folder: str, record: dict[str, Any]) -> None:
        object.__setattr__(self, "_folder", folder)
        object.__setattr__(self, "record", record)

    def __getattr__(self, name: str) -> Any:
        # Only called for what is not set yet.
        if name not in ("path", "params", "summary"):
            raise AttributeError(name)
        value = getattr(self, f"_read_{name}")()
        object.__setattr__(self, name, value)
        return value

    @property
    def id(self) -> str:
        folder: str = self._folder
        return folder.rpartition("/")[2]

    def _read_path(self) -> RunPaths:
        return RunPaths(Path(self._folder))

    def _read_params(self) -> dict[str, Any]:
        found = read_object(f"{self._folder}/params.json")
        return Run.read(self.path).params if found is None else found

    def _read_summary(self) -> dict[str, Any]:
        stored = read_object(f"{self._folder}/summary.json")
        metrics = _modified(f"{self._folder}/metrics.jsonl")
        if stored is None or metrics > _modified(f"{self._folder}/summary.json"):
            return read_summary(self.path, self.record)
        return restore(stored)


class Shelf:
    """The run folders of a workspace, listed once; archived ones are found by id alone."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.ids = _names(workspace.runs)
        runs = str(workspace.runs)
        self._folders = {name: f"{runs}/{name}" for name in self.ids}
        for name in _names(workspace.runs / ARCHIVE):
            self._folders.setdefault(name, f"{runs}/{ARCHIVE}/{name}")
        self._read: dict[str, Run | None] = {}
        self._holding: dict[tuple[str, tuple[bytes, ...]], list[str]] = {}
        self._index = open_index(workspace.runs)
        # Where it cannot be kept, reading more than is asked for would be lost.
        self._keeps = os.access(workspace.runs, os.W_OK)

    def run(self, run_id: str) -> Run | None:
        """The run with exactly this id; None where there is none. Raises InputError."""
        if run_id not in self._read:
            self._read[run_id] = self._open(run_id)
        return self._read[run_id]

    def runs(self, ids: Sequence[str] | None = None) -> Iterator[Run]:
        """The runs of these ids, else every run that is not archived, by id.

        Folders that cannot be read are passed over.
        """
        for name in self.ids if ids is None else ids:
            try:
                run = self.run(name)
            except LabError:
                continue
            if run is not None:
                yield run
        self.keep()

    def may_hold(self, kind: str, values: Iterable[object]) -> list[str]:
        """Ids of the runs, not archived, whose `kind` may hold all of these values.

        The kind is "record" or "params". Only texts tell something: any other value can be written
        in several ways. What is not among them surely lacks one, and need not be read.
        """
        plain = {value for value in values if isinstance(value, str) and value.isprintable()}
        texts = tuple(orjson.dumps(value) for value in sorted(plain))
        if not texts:
            return self.ids
        if (kind, texts) not in self._holding:
            found = self._index.may_hold(self.ids, kind, texts) if self.ids else ()
            self._holding[kind, texts] = list(found)
        return self._holding[kind, texts]

    def keep(self) -> None:
        """Keep what was read in the index, so that the next one reads less."""
        self._index.save()

    def _open(self, run_id: str) -> Run | None:
        folder = self._folders.get(run_id)
        if folder is None:
            return None
        if folder == f"{self.workspace.runs}/{run_id}":
            known = self._index.known(run_id, RECORD)
            if known is not None:
                return known
            if self._keeps and (ended := self._index.ended(run_id)) is not None:
                return ended
        record = read_object(f"{folder}/run.json")
        # A run under way may be gone, and a damaged file wants its error: that is Run's business.
        if record is None or record.get("status") == "running":
            return Run.read_if_there(RunPaths(Path(folder)))
        return LazyRun(folder, record)


P = ParamSpec("P")
T = TypeVar("T")
_SHARED: ContextVar[Shelf | None] = ContextVar("shelf", default=None)


@contextlib.contextmanager
def one_shelf(workspace: Workspace) -> Iterator[Shelf]:
    """One Shelf for all that is done inside: each run is read once, as it is then."""
    shelf = Shelf(workspace)
    token = _SHARED.set(shelf)
    try:
        yield shelf
    finally:
        _SHARED.reset(token)
        shelf.keep()


def reading_once(function: Callable[P, T]) -> Callable[P, T]:
    """Give a function with a `workspace` keyword one shelf for all that it does."""

    @wraps(function)
    def sharing(*args: P.args, **kwargs: P.kwargs) -> T:
        workspace = kwargs.get("workspace")
        with one_shelf(workspace if isinstance(workspace, Workspace) else Workspace.find()):
            return function(*args, **kwargs)

    return sharing


def shelf_of(workspace: Workspace) -> Shelf:
    """The shelf shared here, else a new one."""
    shared = _SHARED.get()
    return shared if shared is not None and shared.workspace == workspace else Shelf(workspace)


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as found:
            return sorted(item.name for item in found if item.name[:1].isdigit())
    except OSError:
        return []


def _modified(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 - ten thousand times a check
    except OSError:
        return 0
