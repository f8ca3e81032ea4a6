"""Where the runs of a generated block are read: in runs/, in its snapshot, or in both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from lab.errors import RunNotFound
from lab.log.evidence.reads import Reads
from lab.record.lazy import Shelf
from lab.record.run import Run
from lab.workspace import Workspace


class RunSource(Protocol):
    """Gives runs by id; raises RunNotFound."""

    @property
    def workspace(self) -> Workspace: ...

    def run(self, run_id: str) -> Run: ...


class LiveRuns:
    """The runs in runs/, each read once."""

    def __init__(self, workspace: Workspace, shelf: Shelf | None = None) -> None:
        self.workspace = workspace
        self.made: dict[str, Any] = {}  # what blocks of the same evidence share
        self._shelf = shelf

    def run(self, run_id: str) -> Run:
        if self._shelf is None:
            from lab.record.catalogue import find_run

            return find_run(self.workspace, run_id)
        # Evidence names whole ids: the beginning of another one's is not this run.
        if (found := self._shelf.run(run_id)) is None:
            raise RunNotFound("There is no such run", seen=run_id, do="`lab runs` lists all.")
        return found


class StoredRuns:
    """Runs as a snapshot holds them."""

    def __init__(self, workspace: Workspace, runs: dict[str, Run]) -> None:
        self.workspace = workspace
        self._runs = runs

    def run(self, run_id: str) -> Run:
        if run_id not in self._runs:
            raise RunNotFound("The snapshot does not hold this run", seen=run_id)
        return self._runs[run_id]


class EitherRuns:
    """The runs of the first source that has them."""

    def __init__(self, first: RunSource, second: RunSource) -> None:
        self.workspace = first.workspace
        self._both = (first, second)

    def run(self, run_id: str) -> Run:
        try:
            return self._both[0].run(run_id)
        except RunNotFound:
            return self._both[1].run(run_id)


class NotedRuns:
    """The runs of another source, noting what is read of them."""

    def __init__(self, source: RunSource) -> None:
        self.workspace = source.workspace
        self.reads: dict[str, Reads] = {}
        self._source = source
        self._runs: dict[str, Run] = {}

    def run(self, run_id: str) -> Run:
        if run_id not in self._runs:
            run = self._source.run(run_id)
            self.reads[run.id] = Reads(run.id)
            self._runs[run_id] = self.reads[run.id].of(run)
        return self._runs[run_id]


def runs_of(spec: dict[str, Any]) -> list[str]:
    """The ids that a block's evidence pins."""
    named = [spec.get(key) or [] for key in ("runs", "last", "tries")]
    found = [one for ids in named if isinstance(ids, list) for one in ids if isinstance(one, str)]
    keys = ("run", "baseline") if spec.get("run") else ()
    return list(dict.fromkeys([*found, *(spec[key] for key in keys if spec.get(key))]))


def all_runs(source: RunSource, run_ids: Sequence[str]) -> list[Run]:
    return [source.run(run_id) for run_id in run_ids]
