"""Summaries: last and best by goal, from the metrics and kept with the notes."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.errors import InputError
from lab.record.live import LiveRun, start
from lab.record.metrics import goal_of
from lab.record.run import Run
from lab.workspace import Workspace


@pytest.fixture
def live(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveRun]:
    monkeypatch.setenv("LAB_WORKSPACE", str(workspace.root))
    run = start({"seed": 3})
    yield run
    run.finish()


@pytest.mark.parametrize(
    ("name", "goal"),
    [
        ("train/loss", "min"),
        ("val/mse", "min"),
        ("test/rmse", "min"),
        ("test/mae", "min"),
        ("val/error_rate", "min"),
        ("val/perplexity", "min"),
        ("val/Loss", "min"),
        ("val/accuracy", "max"),
        ("loss_head/accuracy", "max"),
        ("speed/samples", "max"),
    ],
)
def test_goals_by_name(name: str, goal: str) -> None:
    assert goal_of(name) == goal


def log(run: LiveRun, name: str, *values: float) -> None:
    for step, value in enumerate(values, 1):
        run.log({name: value}, step=step)


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("val/loss", (3.0, 1.0, 2.0), {"last": 2.0, "best": 1.0, "best_step": 2, "goal": "min"}),
        ("val/f1", (0.1, 0.9, 0.9), {"last": 0.9, "best": 0.9, "best_step": 2, "goal": "max"}),
        ("val/f1", (0.5, math.nan), {"last": "NaN", "best": 0.5, "best_step": 1, "goal": "max"}),
        ("val/f1", (math.nan,), {"last": "NaN", "best": "NaN", "best_step": None, "goal": "max"}),
        (
            "val/loss",
            (math.inf, 4.0),
            {"last": 4.0, "best": 4.0, "best_step": 2, "goal": "min"},
        ),
        (
            "val/loss",
            (math.inf,),
            {"last": "Infinity", "best": "Infinity", "best_step": 1, "goal": "min"},
        ),
    ],
)
def test_last_and_best(
    live: LiveRun, name: str, values: tuple[float, ...], expected: dict[str, object]
) -> None:
    log(live, name, *values)
    live.finish()
    stored = json.loads((live.path / "summary.json").read_text(), parse_constant=pytest.fail)
    assert stored == {name: expected, "notes": {}}


def test_a_goal_that_is_said(live: LiveRun) -> None:
    log(live, "val/x", 3.0, 1.0, 2.0)
    assert Run.read(live.path).best("val/x") == 3.0
    live.goal("val/x", "min")
    assert Run.read(live.path).metrics["val/x"] == {
        "last": 2.0, "best": 1.0, "best_step": 2, "goal": "min",
    }  # fmt: skip
    with pytest.raises(InputError, match=r"goal.*'lower'"):
        live.goal("val/x", "lower")


def test_a_running_run_is_up_to_date(live: LiveRun) -> None:
    live.summary["note"] = "early"
    log(live, "val/x", 1.0)
    run = Run.read(live.path)
    assert (run.status, run.best("val/x"), run.notes) == ("running", 1.0, {"note": "early"})


def test_numbers_read_back_as_floats(live: LiveRun) -> None:
    log(live, "val/x", math.inf, math.nan)
    live.finish()
    run = Run.read(live.path)
    assert run.best("val/x") == math.inf
    assert math.isnan(run.last("val/x") or 0.0)
    assert next(iter(run.history()))["val/x"] == math.inf


def test_a_damaged_summary_is_computed_again(live: LiveRun) -> None:
    log(live, "val/x", 0.5)
    live.finish()
    for content in ("{torn", "[]", ""):
        (live.path / "summary.json").write_text(content)
        assert Run.read(live.path).best("val/x") == 0.5
    (live.path / "summary.json").unlink()
    assert Run.read(live.path).best("val/x") == 0.5


def test_notes_are_a_mapping(live: LiveRun, tmp_path: Path) -> None:
    live.summary["a"] = 1
    live.summary.update(b=[1, 2], c={"path": tmp_path})
    del live.summary["a"]
    assert dict(live.summary) == {"b": [1, 2], "c": {"path": str(tmp_path)}}
    with pytest.raises(KeyError):
        del live.summary["a"]
    live.finish()
    assert Run.read(live.path).notes == {"b": [1, 2], "c": {"path": str(tmp_path)}}


def test_rows_of_strangers_break_nothing(make_run: Callable[..., Run]) -> None:
    run = make_run()
    rows = [
        '{"step": 1, "val/x": null, "val/y": [1]}',
        '{"step": "b", "val/x": 1}',
        '{"step": 2, "val/x": 2}',
    ]
    run.path.metrics.write_text("".join(f"{row}\n" for row in rows))
    os.utime(run.path.metrics)
    assert Run.read(run.path).metrics.keys() == {"val/x"}
    with pytest.warns(UserWarning, match="1 torn line"):
        assert [row["step"] for row in run.history()] == [1, 2]
