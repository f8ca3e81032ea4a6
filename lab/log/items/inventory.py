"""All runs and suites of a workspace, looked up as the open items ask for them."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.errors import LabError
from lab.record.run import Run
from lab.workspace import Workspace

if TYPE_CHECKING:
    from lab.suite.plan import PlannedRun
    from lab.suite.schema import Suite

SUITES = Path("experiments") / "suites"


@dataclass(frozen=True)
class Slot:
    """One run that a suite's file asks for, which recorded runs may have filled."""

    suite: str
    arm: str
    matrix: dict[str, Any]
    notebook: str
    params: dict[str, Any]
    label: str
    due: bool

    def is_of(self, run: Run) -> bool:
        """Whether `run` was made for it, whatever changed in the file since."""
        suite = run.record.get("suite") or {}
        return (
            suite.get("name") == self.suite
            and suite.get("arm") == self.arm
            and (suite.get("matrix") or {}) == self.matrix
            and run.notebook == self.notebook
        )


class Inventory:
    """What was run and what can be run, each read once and only when it is asked for."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._slots: dict[str, list[Slot] | None] = {}

    @cached_property
    def runs(self) -> dict[str, Run]:
        """Every run that was read, by its id."""
        return {run.id: run for run in self._listed}

    @cached_property
    def _listed(self) -> list[Run]:
        from lab.record.catalogue import find_runs

        return find_runs(self._workspace)

    def run(self, run_id: str) -> Run | None:
        """The run of this id, archived or not."""
        if run_id not in self.runs and (run := known_run(self._workspace, run_id)):
            self.runs[run_id] = run
        return self.runs.get(run_id)

    def done_since(self, day: str | None, notebooks: Iterable[str]) -> list[Run]:
        """Done runs, newest first, that started on `day` or later; of any notebook if none given.

        A day ends late: a run counts if it is so in UTC or on the clock of this machine.
        """
        names = set(notebooks)
        pool = [run for name in names for run in self._done[name]] if names else self._all_done
        return [run for run in pool if day is None or _day(run) >= day]

    @cached_property
    def _all_done(self) -> list[Run]:
        return [run for run in self._listed if run.status == "done"]

    @cached_property
    def _done(self) -> dict[str, list[Run]]:
        found: dict[str, list[Run]] = defaultdict(list)
        for run in self._all_done:
            found[run.notebook or ""].append(run)
        return found

    def of_suite(self, name: str) -> list[Run]:
        """The recorded runs of a suite."""
        return [r for r in self._all_done if (r.record.get("suite") or {}).get("name") == name]

    @cached_property
    def suites(self) -> dict[str, tuple[Path, Suite]]:
        """The suites of experiments/suites by name; files that are none are left out."""
        from lab.suite import read_suite

        folder = self._workspace.root / SUITES
        found: dict[str, tuple[Path, Suite]] = {}
        for path in sorted([*folder.rglob("*.yaml"), *folder.rglob("*.yml")]):
            try:
                suite = read_suite(path)
            except LabError:
                continue
            found.setdefault(suite.name, (path, suite))
        return found

    def slots(self, name: str) -> list[Slot] | None:
        """What the file of suite `name` asks for; None where there is none, or it is wrong."""
        if name not in self._slots:
            suite = self.suites.get(name)
            self._slots[name] = self.slots_of(suite[1]) if suite else None
        return self._slots[name]

    def slots_of(self, suite: Suite) -> list[Slot] | None:
        """What a suite asks for, each run told whether it is due."""
        from lab.suite import plan_suite

        try:
            found = plan_suite(suite, self._workspace, runs=self._listed)
            return [self._as_slot(item) for item in found]
        except LabError:
            return None

    def _as_slot(self, item: PlannedRun) -> Slot:
        from lab.record.redact import redact_params

        return Slot(
            suite=item.suite,
            arm=item.arm,
            matrix=item.matrix,
            notebook=self._workspace.relative(item.notebook),
            params=dict(redact_params(item.params)),
            label=item.label,
            due=item.due,
        )

    def suites_with(self, notebook: str) -> list[str]:
        """The suites whose files name this notebook."""
        return [name for name, (_, suite) in self.suites.items() if notebook in _named(suite)]

    def notebooks(self, names: Sequence[str]) -> list[str]:
        """The notebooks of the workspace among these names, as `studies/long_run` or its path."""
        found = []
        for name in names:
            path = f"notebooks/{name.removeprefix('notebooks/').removesuffix('.ipynb')}.ipynb"
            if (self._workspace.root / path).is_file():
                found.append(path)
        return list(dict.fromkeys(found))

    def seconds(
        self,
        notebooks: Iterable[str],
        params: Mapping[str, Any],
        suite: str | None = None,
        arm: str | None = None,
    ) -> float | None:
        """How long such a run takes by what is recorded; None where nothing like it was run.

        The median of the done runs with the same parameters but for the seed; else of the same arm
        of the suite; else of the same notebook. The last two are scaled by the epochs.
        """
        pool = [run for name in notebooks for run in self._done.get(name, ()) if run.seconds]
        wanted = {n: v for n, v in params.items() if n != "seed"}
        alike = [r for r in pool if wanted and all(r.params.get(n) == v for n, v in wanted.items())]
        armed = [r for r in pool if arm is not None and r.arm == arm and _suite(r) == suite]
        for found, scaled in ((alike, False), (armed, True), (pool, True)):
            if found:
                return statistics.median(
                    (run.seconds or 0.0) * (_epochs(params, run) if scaled else 1.0)
                    for run in found
                )
        return None


def known_run(workspace: Workspace, run_id: str) -> Run | None:
    """The run with exactly this id, archived or not, without looking at any other."""
    from lab.record.catalogue import ARCHIVE

    for folder in (workspace.runs, workspace.runs / ARCHIVE):
        if (folder / run_id / "run.json").is_file():
            try:
                return Run.read(folder / run_id)
            except LabError:
                return None
    return None


def _named(suite: Suite) -> set[str | None]:
    return {suite.defaults.notebook, *(item.notebook for item in suite.runs)}


def _epochs(params: Mapping[str, Any], run: Run) -> float:
    wanted, had = params.get("epochs"), run.params.get("epochs")
    both = isinstance(wanted, int | float) and isinstance(had, int | float) and had > 0
    return float(wanted) / float(had) if both and wanted is not None and had is not None else 1.0


def _suite(run: Run) -> str | None:
    return (run.record.get("suite") or {}).get("name")


def _day(run: Run) -> str:
    if run.started is None:
        return ""
    local, universal = run.started.astimezone(), run.started.astimezone(UTC)
    return max(local.date(), universal.date()).isoformat()
