"""Runs read as far as they are asked for say what runs read whole say."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from helpers import write_run

from lab.errors import LabError
from lab.record.catalogue import find_runs
from lab.record.lazy import Shelf, one_shelf, reading_once, shelf_of
from lab.record.where import parse_query
from lab.workspace import Workspace


@pytest.fixture
def runs(workspace: Workspace) -> Path:
    for seed in range(3):
        write_run(
            workspace.runs, f"20260120_10000{seed}", params={"seed": seed, "lr": 0.1},
            curves={"val/loss": [1.0, float("nan"), 0.5 + seed]},
            suite={"name": f"s{seed}", "arm": "a", "index": 0},
        )  # fmt: skip
    return workspace.runs


def test_they_say_the_same(workspace: Workspace, runs: Path) -> None:
    whole = sorted(find_runs(workspace), key=lambda run: run.id)
    lazy = list(Shelf(workspace).runs())
    for a, b in zip(whole, lazy, strict=True):
        assert (a.id, a.record, a.params, a.path, a.status) == (
            b.id, b.record, b.params, b.path, b.status,
        )  # fmt: skip
        assert repr(a.summary) == repr(b.summary)
        assert repr(a.history()) == repr(b.history())


def test_a_question_to_the_record_opens_nothing_else(workspace: Workspace, runs: Path) -> None:
    for name in ("params.json", "summary.json"):
        (runs / "20260120_100001" / name).unlink()
    query = parse_query("suite.name == s1")
    found = query.select(Shelf(workspace).runs())
    assert [run.id for run in found] == ["20260120_100001"]
    with pytest.raises(LabError):
        _ = found[0].params


def test_a_summary_older_than_its_metrics_is_computed_again(
    workspace: Workspace, runs: Path
) -> None:
    folder = runs / "20260120_100000"
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": 4, "time": 0.0, "val/loss": 0.125}) + "\n")
    os.utime(folder / "summary.json", (0, 0))
    run = Shelf(workspace).run(folder.name)
    assert run is not None
    assert run.best("val/loss") == 0.125


def test_what_is_damaged_gone_or_archived(workspace: Workspace, runs: Path) -> None:
    (runs / "20260120_100000" / "run.json").write_text("{")
    (runs / "archive").mkdir()
    (runs / "20260120_100001").rename(runs / "archive" / "20260120_100001")
    shelf = Shelf(workspace)
    assert [run.id for run in shelf.runs()] == ["20260120_100002"]
    assert shelf.run("20260120_100001") is not None
    assert shelf.run("20260120_10000") is None
    with pytest.raises(LabError):
        shelf.run("20260120_100000")


def test_one_shelf_is_shared_inside_and_no_longer(workspace: Workspace, runs: Path) -> None:
    with one_shelf(workspace) as shelf:
        assert shelf_of(workspace) is shelf
    assert shelf_of(workspace) is not shelf

    @reading_once
    def shelves(*, workspace: Workspace) -> bool:
        return shelf_of(workspace) is shelf_of(workspace)

    assert shelves(workspace=workspace)
