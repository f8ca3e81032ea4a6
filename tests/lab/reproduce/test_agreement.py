"""The judgement of a rerun's numbers, against scipy and by cases."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from helpers import write_run
from scipy import stats

from lab.record.catalogue import find_run
from lab.reproduce.agreement import Agreement, agreement, is_timing
from lab.workspace import Workspace

BEFORE, NOW = "20260120_100000", "20260121_100000"


def judged(
    workspace: Workspace,
    before: dict[str, Sequence[float]],
    now: dict[str, Sequence[float]],
    peers: Sequence[dict[str, Sequence[float]]] = (),
    **record: Any,
) -> Agreement:
    write_run(workspace.runs, BEFORE, params={"seed": 0}, curves=before, **record)
    write_run(workspace.runs, NOW, params={"seed": 0}, curves=now)
    for seed, curves in enumerate(peers, start=1):
        run_id = f"20260120_10{seed:02d}00"
        write_run(workspace.runs, run_id, params={"seed": seed}, curves=curves)
    return agreement(find_run(workspace, NOW), find_run(workspace, BEFORE), workspace)


def test_p_is_that_of_a_t_test_of_one_value_against_the_spread_of_seeds(
    workspace: Workspace,
) -> None:
    values = [0.50, 0.54, 0.47, 0.52]
    peers = [{"val/accuracy": [v]} for v in values[1:]]
    found = judged(workspace, {"val/accuracy": [values[0]]}, {"val/accuracy": [0.60]}, peers)
    (metric,) = found.metrics
    sd = stats.tstd(values)
    assert metric.sd == pytest.approx(sd)
    assert metric.seeds == 4
    assert metric.p == pytest.approx(2 * stats.t.sf(0.10 / (sd * math.sqrt(2)), df=3))
    assert found.verdict == "seed_noise"
    assert found.text == (
        f"The numbers differ from those of {BEFORE}, but no more than seeds do: val/accuracy "
        "60.0%, was 50.0% (sd 3.0 over 4 seeds)."
    )


def test_far_beyond_seeds(workspace: Workspace) -> None:
    peers = [{"val/accuracy": [0.5 + 0.001 * n], "val/loss": [1.0 + 0.1 * n]} for n in (1, 2, 3)]
    found = judged(
        workspace,
        {"val/accuracy": [0.5], "val/loss": [1.0]},
        {"val/accuracy": [0.7], "val/loss": [1.05]},
        peers,
    )
    assert found.verdict == "different"
    assert [metric.name for metric in found.metrics if metric.beyond] == ["val/accuracy"]
    assert "val/loss" not in found.text


def test_only_runs_that_are_alike_are_its_seeds(workspace: Workspace) -> None:
    for number, other in enumerate(
        ({"code": "x" * 64}, {"status": "failed"}, {"notebook": "notebooks/b.ipynb"})
    ):
        write_run(
            workspace.runs, f"20260119_10000{number}", params={"seed": 9}, curves={"val/x": [9.0]},
            **other,
        )  # fmt: skip
    write_run(workspace.runs, "20260119_110000", params={"seed": 9, "lr": 1}, curves={"val/x": [9]})
    write_run(workspace.runs, "20260119_120000", params={"seed": 0}, curves={"val/x": [9.0]})
    found = judged(workspace, {"val/x": [1.0]}, {"val/x": [2.0]})
    assert (found.verdict, found.metrics[0].seeds, found.metrics[0].p) == ("unknown", 1, None)


def test_exact_means_every_value_at_every_step(workspace: Workspace) -> None:
    curves = {"val/x": [0.1, math.nan, math.inf], "time/epoch_seconds": [1.0]}
    now = curves | {"time/epoch_seconds": [2.0]}
    found = judged(workspace, curves, now)
    assert found.verdict == "exact"
    assert "3 values of one metric (time/epoch_seconds left aside)" in found.text


def test_a_metric_that_one_run_has_alone(workspace: Workspace) -> None:
    found = judged(workspace, {"val/x": [1.0]}, {"val/x": [1.0], "val/new": [2.0]})
    assert (found.verdict, "(val/new in one of them only)" in found.text) == ("exact", True)


def test_the_last_bit_counts(workspace: Workspace) -> None:
    found = judged(workspace, {"val/x": [0.3]}, {"val/x": [0.1 + 0.2]})
    assert found.verdict == "unknown"


def test_values_are_told_in_digits_that_differ(workspace: Workspace) -> None:
    found = judged(workspace, {"test/loss": [0.049361]}, {"test/loss": [0.049362]})
    assert "test/loss 0.049362, was 0.049361." in found.text


def test_values_on_the_way(workspace: Workspace) -> None:
    found = judged(workspace, {"val/accuracy": [0.1, 0.9]}, {"val/accuracy": [0.2, 0.9]})
    assert (found.verdict, found.metrics) == ("unknown", ())
    assert "some values on the way differ" in found.text


def test_seeds_that_all_give_one_value(workspace: Workspace) -> None:
    peers = [{"val/x": [1.0]}, {"val/x": [1.0]}]
    assert judged(workspace, {"val/x": [1.0]}, {"val/x": [1.1]}, peers).verdict == "different"


def test_a_value_that_is_no_number(workspace: Workspace) -> None:
    peers = [{"val/x": [1.1]}, {"val/x": [1.2]}]
    found = judged(workspace, {"val/x": [1.0]}, {"val/x": [math.nan]}, peers)
    assert found.verdict == "different"
    assert "val/x NaN, was 1.00" in found.text


def test_a_run_that_crashed_is_compared_up_to_there(workspace: Workspace) -> None:
    found = judged(workspace, {"val/x": [1.0, 2.0]}, {"val/x": [1.0, 2.0, 3.0]}, status="crashed")
    assert found.verdict == "exact"
    assert (
        found.text == f"The 2 values that {BEFORE} logged before it ended (crashed) are the same."
    )


def test_nothing_to_compare(workspace: Workspace) -> None:
    assert judged(workspace, {"val/y": [1.0]}, {"val/x": [1.0]}).verdict == "not_compared"


@pytest.mark.parametrize(
    ("name", "timing"),
    [
        ("time/epoch_seconds", True), ("system/gpu", True), ("train/images_per_second", True),
        ("val/loss", False), ("val/seconds_ahead", True), ("timeline/x", False),
    ],
)  # fmt: skip
def test_times_and_speeds(name: str, timing: bool) -> None:
    assert is_timing(name) is timing
