"""Where the runs and studies of a block are read: in runs/, in its snapshot, or in both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from lab.errors import RunNotFound, SweepError
from lab.log.evidence.pinned import pinned
from lab.log.evidence.reads import Reads
from lab.record.lazy import Shelf
from lab.record.run import Run
from lab.workspace import Workspace

if TYPE_CHECKING:
    from lab.sweep.study import Study

STUDIES = "studies/"  # before the name of a study, where runs are named by their ids


class RunSource(Protocol):
    """Gives runs by id, or raises RunNotFound; and the study of a block, or raises SweepError."""

    @property
    def workspace(self) -> Workspace: ...

    def run(self, run_id: str) -> Run: ...

    def study(self, spec: dict[str, Any]) -> Study: ...


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

    def study(self, spec: dict[str, Any]) -> Study:
        return pinned(self.whole_study(spec["study"]), spec)

    def whole_study(self, name: str) -> Study:
        """The study with all its trials; raises SweepError."""
        from lab.sweep.storage import read_study

        if (key := f"{STUDIES}{name}") not in self.made:
            self.made[key] = read_study(name, self.workspace)
        study: Study = self.made[key]
        return study


class StoredRuns:
    """Runs as a snapshot holds them."""

    def __init__(
        self, workspace: Workspace, runs: dict[str, Run], study: Mapping[str, Any] | None = None
    ) -> None:
        self.workspace = workspace
        self._runs = runs
        self._study = study  # as plain values

    def run(self, run_id: str) -> Run:
        if run_id not in self._runs:
            raise RunNotFound("The snapshot does not hold this run", seen=run_id)
        return self._runs[run_id]

    def study(self, spec: dict[str, Any]) -> Study:
        from lab.sweep.plain import study_of_plain

        if self._study is None or self._study["name"] != spec["study"]:
            raise SweepError("The snapshot does not hold this study", seen=spec["study"])
        return pinned(study_of_plain(self._study), spec)


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

    def study(self, spec: dict[str, Any]) -> Study:
        try:
            return self._both[0].study(spec)
        except SweepError:
            return self._both[1].study(spec)


class NotedRuns:
    """The runs of another source, noting what is read of them."""

    def __init__(self, source: RunSource) -> None:
        self.workspace = source.workspace
        self.reads: dict[str, Reads] = {}
        self.study_read: Study | None = None
        self._source = source
        self._runs: dict[str, Run] = {}

    def run(self, run_id: str) -> Run:
        if run_id not in self._runs:
            run = self._source.run(run_id)
            self.reads[run.id] = Reads(run.id)
            self._runs[run_id] = self.reads[run.id].of(run)
        return self._runs[run_id]

    def study(self, spec: dict[str, Any]) -> Study:
        self.study_read = self._source.study(spec)
        return self.study_read


def runs_of(spec: dict[str, Any]) -> list[str]:
    """The ids that a block's evidence pins."""
    named = [spec.get(key) or [] for key in ("runs", "last", "tries", "confirmed")]
    found = [one for ids in named if isinstance(ids, list) for one in ids if isinstance(one, str)]
    keys = ("run", "baseline") if spec.get("run") else ()
    return list(dict.fromkeys([*found, *(spec[key] for key in keys if spec.get(key))]))


def studies_of(spec: dict[str, Any]) -> list[str]:
    """The study that a block's evidence names, told from runs by what stands before it."""
    return [f"{STUDIES}{spec['study']}"] if isinstance(spec.get("study"), str) else []


def all_runs(source: RunSource, run_ids: Sequence[str]) -> list[Run]:
    return [source.run(run_id) for run_id in run_ids]
