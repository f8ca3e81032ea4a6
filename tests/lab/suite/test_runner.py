"""A plan is carried out whatever single runs do; here by an executor that runs no notebook."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from helpers import write_run

from lab.errors import InputError, LabError
from lab.notebook.job import Job
from lab.record.run import Run
from lab.suite import runner
from lab.suite.plan import PlannedRun
from lab.suite.runner import Outcome, run_suite_plan
from lab.workspace import Workspace


class Scripted:
    """Ends each job as told, by arm; notes how many were under way at once."""

    def __init__(self, workspace: Workspace, script: dict[str, list[str]]) -> None:
        self._workspace = workspace
        self._script = script
        self._count = 0
        self.busy = 0
        self.most = 0

    async def run(self, job: Job, *, on_start: Callable[[str], object] | None = None) -> Run:
        assert job.suite is not None
        status = self._script.get(job.suite["arm"], ["done"]).pop(0)
        if status == "refused":
            raise InputError("The notebook vanished")
        self._count += 1
        folder = write_run(
            self._workspace.runs,
            f"20260120_1000{self._count:02d}",
            status=status,
            suite=dict(job.suite),
        )
        if on_start is not None:
            on_start(folder.name)
        self.busy += 1
        self.most = max(self.most, self.busy)
        try:
            await asyncio.sleep(0.02)
        finally:
            self.busy -= 1
        return Run.read(folder)


class Told:
    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def started(self, item: PlannedRun, run_id: str) -> None:
        self.events.append(("started", item.arm))

    def ended(self, item: PlannedRun, run: Run, *, again: bool) -> None:
        self.events.append((f"{run.status}{' again' if again else ''}", item.arm))

    def refused(self, item: PlannedRun, error: LabError) -> None:
        self.events.append(("refused", item.arm))


def planned(*arms: str, satisfied: tuple[str, ...] = ()) -> list[PlannedRun]:
    return [
        PlannedRun(
            suite="night",
            arm=arm,
            index=index,
            matrix={},
            notebook=Path("toy.ipynb"),
            params={},
            tags=(),
            timeout=None,
            satisfied_by="20260119_080000" if arm in satisfied else None,
            why="",
        )
        for index, arm in enumerate(arms)
    ]


Carry = Callable[..., tuple[Outcome, Told, Scripted]]


@pytest.fixture
def carry(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Carry:
    def out(
        plan: list[PlannedRun], script: dict[str, list[str]] | None = None, **options: object
    ) -> tuple[Outcome, Told, Scripted]:
        executor = Scripted(workspace, script or {})
        monkeypatch.setattr(runner, "executor_by_name", lambda *a, **k: executor)
        told = Told()
        return run_suite_plan(plan, workspace, watcher=told, **options), told, executor  # type: ignore[arg-type]

    return out


def test_only_what_is_due_runs(carry: Carry) -> None:
    outcome, told, _ = carry(planned("a", "b", satisfied=("a",)))
    assert told.events == [("started", "b"), ("done", "b")]
    assert outcome.complete
    assert outcome.ids == ["20260119_080000", "20260120_100001"]


def test_a_failing_run_stops_no_other_and_is_not_tried_again(carry: Carry) -> None:
    outcome, told, _ = carry(planned("a", "b"), {"a": ["failed"]}, retries=2)
    assert told.events == [("started", "a"), ("failed", "a"), ("started", "b"), ("done", "b")]
    assert not outcome.complete
    assert [item.arm for item, _ in outcome.failures] == ["a"]


@pytest.mark.parametrize(
    ("ends", "retries", "last"),
    [
        (["crashed", "done"], 1, "done"),
        (["crashed", "crashed", "done"], 1, "crashed"),
        (["crashed", "failed"], 5, "failed"),
        (["crashed"], 0, "crashed"),
    ],
)
def test_a_crashed_run_is_tried_again(
    carry: Carry, ends: list[str], retries: int, last: str
) -> None:
    outcome, told, _ = carry(planned("a"), {"a": list(ends)}, retries=retries)
    assert outcome.runs[0].status == last
    assert [event for event, _ in told.events].count("started") == min(len(ends), retries + 1)


def test_a_refused_run_stops_no_other(carry: Carry) -> None:
    outcome, told, _ = carry(planned("a", "b"), {"a": ["refused"]})
    assert told.events == [("refused", "a"), ("started", "b"), ("done", "b")]
    assert not outcome.complete
    assert outcome.not_started == []


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_so_many_at_a_time(carry: Carry, workers: int) -> None:
    outcome, _, executor = carry(planned(*"abcdef"), workers=workers)
    assert executor.most == workers
    assert outcome.complete


def test_no_run_starts_after_until(carry: Carry) -> None:
    clock = iter([datetime(2026, 1, 20, 6, 59), datetime(2026, 1, 20, 7, 0)])
    outcome, told, _ = carry(
        planned("a", "b", "c"), until=datetime(2026, 1, 20, 7), now=lambda: next(clock)
    )
    assert told.events == [("started", "a"), ("done", "a")]
    assert [item.arm for item in outcome.not_started] == ["b", "c"]
    assert not outcome.complete
