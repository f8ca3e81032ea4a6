"""The value that stands for a run: chosen on validation, read off test where there is one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from helpers import write_run

from lab.comparison import compare
from lab.comparison.measure import measured, picked
from lab.record.run import Run

VAL = [0.50, 0.60, 0.55]  # best at step 2
TEST = [0.52, 0.57, 0.61]  # best, and last, at step 3


def run_of(tmp_path: Path, curves: dict[str, Any], **record: Any) -> Run:
    return Run.read(write_run(tmp_path, "20260120_100000", curves=curves, **record))


@pytest.mark.parametrize(
    ("curves", "metric", "value", "step", "pick"),
    [
        ({"val/accuracy": VAL}, "val/accuracy", 0.60, 2, "best"),
        ({"val/mse": [0.5, 0.3, 0.4]}, "val/mse", 0.3, 2, "best"),
        # Tested every epoch: the epoch is validation's choice, never test's.
        ({"val/accuracy": VAL, "test/accuracy": TEST}, "test/accuracy", 0.57, 2, "chosen"),
        ({"val/mse": [3, 1, 2], "test/mse": [0.9, 0.8, 0.7]}, "test/mse", 0.8, 2, "chosen"),
        # Tested once, with the weights of the best epoch.
        ({"val/accuracy": VAL, "test/accuracy": {2: 0.58}}, "test/accuracy", 0.58, 2, "chosen"),
        # As good an epoch on validation, which another rule preferred.
        (
            {"val/accuracy": [0.6, 0.6, 0.5], "test/accuracy": {2: 0.58}},
            "test/accuracy", 0.58, 2, "chosen",
        ),
        # Tested once, at the end, whatever validated best.
        ({"val/accuracy": VAL, "test/accuracy": {3: 0.61}}, "test/accuracy", 0.61, None, "last"),
        # Tested now and then: the best of the epochs that were tested.
        (
            {"val/accuracy": [0.5, 0.9, 0.7, 0.6], "test/accuracy": {1: 0.51, 3: 0.66, 4: 0.7}},
            "test/accuracy", 0.66, 3, "chosen",
        ),
        # No such metric on validation: its loss chooses.
        (
            {"val/loss": [1.0, 0.4, 0.9], "test/accuracy": TEST}, "test/accuracy", 0.57, 2,
            "chosen",
        ),
        ({"train/accuracy": VAL, "test/accuracy": TEST}, "test/accuracy", 0.61, None, "last"),
        # An epoch that validated as NaN is never chosen.
        (
            {"val/accuracy": [0.5, math.nan, 0.4], "test/accuracy": [0.4, 0.9, 0.6]},
            "test/accuracy", 0.4, 1, "chosen",
        ),
    ],
)  # fmt: skip
def test_which_value_stands_for_a_run(
    tmp_path: Path, curves: dict[str, Any], metric: str, value: float, step: int, pick: str
) -> None:
    found = picked(run_of(tmp_path, curves), metric)
    assert found is not None
    assert (found.value, found.step, found.pick) == (value, step, pick)


def test_a_goal_that_was_declared_says_which_validation_is_best(tmp_path: Path) -> None:
    curves = {"val/score": [0.9, 0.1, 0.5], "test/score": [0.8, 0.2, 0.6]}
    folder = write_run(tmp_path, "20260120_100000", curves=curves, goals={"val/score": "min"})
    (folder / "summary.json").unlink()
    assert measured(Run.read(folder), "test/score") == 0.2


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_chosen_test_value_that_is_not_finite_is_none(tmp_path: Path, bad: float) -> None:
    run = run_of(tmp_path, {"val/accuracy": VAL, "test/accuracy": [0.5, bad, 0.6]})
    assert measured(run, "test/accuracy") is None
    assert measured(run, "test/nothing") is None


def test_runs_of_a_row_that_could_not_choose_are_named(tmp_path: Path) -> None:
    for i, arm in enumerate(("a", "b")):
        curves = {"test/accuracy": TEST} | ({"val/accuracy": VAL} if arm == "a" else {})
        write_run(tmp_path, f"20260120_10000{i}", params={"arm_": arm}, curves=curves)
    runs = [Run.read(folder) for folder in sorted(tmp_path.iterdir())]
    found = compare(runs, by="arm_", metric="test/accuracy")
    assert [arm.mean for arm in found.rows[0].arms] == [0.57, 0.61]
    assert found.rows[0].pick == "mixed"
    assert "best on validation, else its final value" in found.to_markdown()
    assert found.notes == (
        "The last test/accuracy counts in one run, which did not validate it (`20260120_100001`).",
    )
