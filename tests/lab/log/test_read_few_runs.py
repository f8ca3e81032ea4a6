"""An entry about a few runs of a large folder reads those, and says what all of them would say."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from helpers import seeded_runs

import lab.log
from lab.errors import QueryError
from lab.log.selection import found_by
from lab.record.catalogue import find_runs
from lab.record.lazy import Shelf
from lab.workspace import Workspace

LONG_AGO = 1_700_000_000
ARMS = {"mean": (0.40, 0.41, 0.42), "attention": (0.52, 0.53, 0.54)}
ENTRIES: dict[str, tuple[str, dict[str, Any]]] = {
    "research": ("research", {"runs": "suite.name == night_3", "by": "pooling"}),
    "suite": ("suite", {"suite": "night_3"}),
    "experiment": ("experiment", {"run": "20260120_102300"}),
}


def nights(workspace: Workspace, count: int) -> None:
    """Suites of six runs, each on data of its own, written long ago and known to the index."""
    for number in range(count):
        for at, (arm, values) in enumerate(ARMS.items()):
            seeded_runs(
                workspace.runs, "pooling", {arm: values}, start=6 * number + 3 * at,
                params={"dataset": f"data_{number}"}, data=[{"name": f"data_{number}"}],
                suite={"name": f"night_{number}", "arm": arm, "index": at},
            )  # fmt: skip
    for path in workspace.runs.rglob("*.json*"):
        when = LONG_AGO + (path.name == "summary.json")
        os.utime(path, (when, when))
    find_runs(workspace)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the runs that are opened from now on."""
    seen: list[str] = []
    real = Shelf._open
    monkeypatch.setattr(Shelf, "_open", lambda self, i: seen.append(i) or real(self, i))
    return seen


@pytest.mark.parametrize("name", ENTRIES)
def test_the_runs_that_are_read_do_not_grow_with_the_folder(
    workspace: Workspace, opened: list[str], name: str
) -> None:
    kind, options = ENTRIES[name]
    nights(workspace, 12)
    for number in (1, 2, 4):  # earlier entries are about other runs
        lab.log.new(
            "research", f"Night {number}", runs=f"suite.name == night_{number}", by="pooling",
            workspace=workspace,
        )  # fmt: skip
    opened.clear()
    lab.log.new(kind, workspace=workspace, **options)
    own = {f"20260120_10{minute:02d}00" for minute in range(18, 24)}
    assert {*opened} <= own
    assert len(opened) == len({*opened})


def test_an_index_that_is_gone_changes_no_entry(workspace: Workspace) -> None:
    nights(workspace, 6)
    options: dict[str, Any] = {"date": "2026-01-20", "dry_run": True, "workspace": workspace}
    texts = []
    for _ in range(2):
        made = (lab.log.new(kind, **asked, **options) for kind, asked in ENTRIES.values())
        texts.append([entry.text for entry in made])
        for path in workspace.runs.glob(".index*"):
            path.unlink()
        from lab.record import index

        index._OPEN.clear()
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    "where",
    [
        "suite.name == night_3",
        "suite.name == night_3 and pooling == mean",
        "suite.name == night_3 and suite.arm == mean and seed > 0",
        "suite.name == nobody",
        "suite.name == night_1 or suite.name == night_2",
        "suite.name == night_3 and pooIing == mean",
        "suite.name == nobody and pooIing == mean",
        "suite.index == 1",
        "suite.name == 5",
        "not suite.name == night_3",
        "params.pooling == mean",
    ],
)
def test_a_query_finds_what_reading_every_run_finds(workspace: Workspace, where: str) -> None:
    nights(workspace, 5)

    def found(by: Any) -> list[str] | str:
        try:
            return [run.id for run in by()]
        except QueryError as error:
            return str(error)

    asked = found(lambda: found_by(where, workspace))
    assert asked == found(lambda: find_runs(workspace, where=where))


def test_a_run_that_was_moved_into_a_suite_by_hand_is_seen(workspace: Workspace) -> None:
    nights(workspace, 5)
    record = Path(workspace.runs, "20260120_100000", "run.json")
    record.write_text(record.read_text().replace("night_0", "night_3"))
    found = found_by("suite.name == night_3", workspace)
    assert "20260120_100000" in [run.id for run in found]
