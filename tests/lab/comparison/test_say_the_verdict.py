"""Sentences: told apart or not, what it would take, ties, baselines, equivalence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import seeded_runs, write_run
from scipy import stats

from lab.comparison import Comparison, compare, verdict_of
from lab.errors import InputError
from lab.log.findings import tell
from lab.log.report import _in_short
from lab.record.run import Run

MEAN = [0.468, 0.461, 0.472, 0.465, 0.470]
NOISE = [0.012, -0.006, 0.004]  # mean 1/3 point, standard deviation 0.9 points


def runs_in(folder: Path) -> list[Run]:
    return [Run.read(path) for path in sorted(folder.iterdir())]


def compared(tmp_path: Path, arms: dict[str, list[float]], **options: Any) -> Comparison:
    metric = options.pop("metric_name", "val/accuracy")
    runs = [Run.read(p) for p in seeded_runs(tmp_path, "pooling", arms, metric=metric)]
    return compare(runs, by="pooling", **options)


def said(found: Comparison) -> str:
    return verdict_of(found.rows[0]).text


def test_three_seeds_that_cannot_be_told_apart_say_what_it_would_take(tmp_path: Path) -> None:
    found = compared(tmp_path, {"a": MEAN[:3], "b": list(np.add(MEAN[:3], NOISE))})
    assert said(found) == (
        "`b` and `a` cannot be told apart with 3 seeds: 47.0% against 46.7%, a difference of "
        "0.3 points (95% interval -1.9 to 2.6 points, paired by seed); "
        "about 9 would be needed to see a difference of 1 point."
    )
    verdict = verdict_of(found.rows[0])
    assert verdict.short == "b and a cannot be told apart (3 seeds)"
    assert (verdict.tied, verdict.apart, verdict.settled) == (("b", "a"), False, False)
    # Two-sided paired t test at 5%: 9 pairs have a power of 80% and 8 have not.
    sd = np.std(NOISE, ddof=1)
    powers = [stats.nct.sf(stats.t.ppf(0.975, n - 1), n - 1, 0.01 / sd * n**0.5) for n in (8, 9)]
    assert powers[0] < 0.8 <= powers[1]


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0.05, "; these are about enough to see a difference of 5 points"),
        (0.025, "; about 4 would be needed to see a difference of 2.5 points"),
        (0.0005, "; more than 200 would be needed to see a difference of 0.05 points"),
    ],
)
def test_somebody_says_which_difference_is_worth_knowing(
    tmp_path: Path, size: float, words: str
) -> None:
    values = {"a": MEAN[:3], "b": list(np.add(MEAN[:3], NOISE))}
    assert words in said(compared(tmp_path, values, interesting=size))


def test_of_a_loss_two_percent_of_the_best_is_worth_knowing(tmp_path: Path) -> None:
    arms = {"a": [0.391, 0.382, 0.401], "b": [0.392, 0.391, 0.389]}
    found = compared(tmp_path, arms, metric_name="val/mse")
    assert found.rows[0].interesting == 0.008
    assert re.search(r"about \d+ would be needed to see a difference of 0\.008 MSE", said(found))


@pytest.mark.parametrize("size", [0.0, -1.0, float("nan")])
def test_a_difference_of_nothing_is_refused(tmp_path: Path, size: float) -> None:
    with pytest.raises(InputError, match="above 0"):
        compared(tmp_path, {"a": MEAN, "b": MEAN}, interesting=size)


def test_unpaired_seeds_needed_are_those_of_two_samples(tmp_path: Path) -> None:
    seeded_runs(tmp_path, "pooling", {"a": [0.46, 0.47, 0.48]})
    for seed, value in enumerate((0.465, 0.475, 0.485)):
        write_run(
            tmp_path,
            f"20260121_10000{seed}",
            params={"pooling": "b", "seed": 10 + seed},
            curves={"val/accuracy": [value]},
        )
    found = compare(runs_in(tmp_path), by="pooling", metric="val/accuracy")
    # G*Power: effect 1, two groups, 80% power at 5%: 17 each.
    assert "about 17 would be needed to see a difference of 1 point" in said(found)
    assert "paired" not in said(found)


def test_with_three_seeds_a_pair_may_stand_out_alone(tmp_path: Path) -> None:
    arms = {"a": [0.500, 0.503, 0.507], "b": [0.520, 0.524, 0.526], "c": [0.40, 0.52, 0.44]}
    found = compared(tmp_path, arms)
    assert "for this pair alone" not in said(found)  # clear even among three pairs
    arms = {"a": [0.500, 0.503, 0.507], "b": [0.510, 0.516, 0.514], "c": [0.40, 0.52, 0.44]}
    found = compared(tmp_path / "less", arms)
    assert "for this pair alone; not clear among the 3 pairs tested" in said(found)
    assert "is better" not in said(found)
    assert said(found).endswith("`c` cannot be told from `b`.")


def test_a_declared_baseline_is_what_the_arms_are_tested_against(tmp_path: Path) -> None:
    up = [v + d for v, d in zip(MEAN, (0.020, 0.022, 0.019, 0.021, 0.018), strict=True)]
    arms = {
        "mean": MEAN,
        "max": [v + d for v, d in zip(MEAN, (0.001, -0.002, 0.002, 0.0, -0.001), strict=True)],
        "attention": up,
        "sum": [v - 0.03 + d for v, d in zip(MEAN, (0.001, 0, 0.002, 0, 0.001), strict=True)],
        "lse": [v + 0.001 - d for v, d in zip(up, (0.003, 0, 0.002, 0, 0.001), strict=True)],
    }
    found = compared(tmp_path, arms, baseline="mean")
    row = found.rows[0]
    assert {(pair.a, pair.b) for pair in row.pairs} == {
        (arm, "mean") for arm in ("max", "attention", "sum", "lse")
    }
    verdict = verdict_of(row)
    assert (verdict.winner, verdict.runner_up, verdict.settled) == ("attention", "mean", True)
    assert "after Holm over 4 arms" in verdict.text
    assert "`lse` (by 2.0 points) is better than `mean` too." in verdict.text
    assert "`mean` is better than `sum` (by 2.9 points)." in verdict.text
    assert verdict.text.endswith("`max` cannot be told from `mean`.")
    assert not any(arm.letters for arm in row.arms)


def test_a_baseline_nothing_beats_is_told_against_the_next(tmp_path: Path) -> None:
    down = [v - d for v, d in zip(MEAN, (0.020, 0.022, 0.019, 0.021, 0.018), strict=True)]
    verdict = verdict_of(compared(tmp_path, {"b": down, "mean": MEAN}, baseline="mean").rows[0])
    assert verdict.text.startswith("`mean` is better than `b` by 2.0 points")


def test_letters_show_all_pairs_from_five_seeds_on(tmp_path: Path) -> None:
    arms = {
        "a": MEAN,
        "b": [v + d for v, d in zip(MEAN, (0.001, -0.002, 0.002, 0.0, -0.001), strict=True)],
        "c": [v + d for v, d in zip(MEAN, (0.020, 0.022, 0.019, 0.021, 0.018), strict=True)],
    }
    found = compared(tmp_path, arms)
    assert [arm.letters for arm in found.rows[0].arms] == ["b", "b", "a"]
    assert found.to_markdown().split("\n")[0].endswith("| Delta | To best | Group |")
    assert "arms that share a letter cannot be told apart" in found.to_markdown()
    fewer = compared(tmp_path / "4", {name: values[:4] for name, values in arms.items()})
    assert not any(arm.letters for arm in fewer.rows[0].arms)


def test_arms_within_a_declared_difference_are_told_as_equivalent(tmp_path: Path) -> None:
    arms = {
        "a": MEAN,
        "b": [v + d for v, d in zip(MEAN, (0.001, -0.002, 0.002, 0.001, -0.001), strict=True)],
    }
    verdict = verdict_of(compared(tmp_path, arms, interesting=0.01).rows[0])
    assert verdict.text.startswith(
        "`b` and `a` are within 1 point of each other with 5 seeds "
        "(two one-sided tests, p < 0.0001)"
    )
    assert verdict.short == "b and a within 1 point"
    # Nobody declared what is small, so nothing is called so.
    assert "cannot be told apart" in said(compared(tmp_path / "u", arms))


def test_the_same_value_with_every_seed_asks_whether_the_parameter_works(tmp_path: Path) -> None:
    runs = [Run.read(p) for p in seeded_runs(tmp_path, "pooling", {"a": MEAN[:3], "b": MEAN[:3]})]
    found = compare(runs, by="pooling")
    assert said(found) == (
        "`a` and `b` are level at 46.7% over 3 seeds, the same with every seed: "
        "no difference observed."
    )
    assert (
        "Check that `pooling` takes effect: `a` and `b` have the same value with every seed"
        in tell(found, runs).actions
    )


def test_of_a_tie_the_cheapest_is_recommended(tmp_path: Path) -> None:
    level = [v + d for v, d in zip(MEAN, (0.001, -0.002, 0.002, 0.0, -0.001), strict=True)]
    down = [v - d for v, d in zip(MEAN, (0.080, 0.082, 0.079, 0.081, 0.078), strict=True)]
    seeded_runs(tmp_path, "width", {64: level}, seconds=12.0)
    seeded_runs(tmp_path, "width", {256: MEAN}, start=5, seconds=60.0)
    seeded_runs(tmp_path, "width", {16: down}, start=10, seconds=2.0)
    runs = runs_in(tmp_path)
    impact = tell(compare(runs, by="width"), runs).impact
    assert impact[0] == (
        "These runs give no reason to prefer one of `64` and `256`; "
        "take `64`, the fastest (12s a run)."
    )


def test_markdown_says_what_the_terminal_says(tmp_path: Path) -> None:
    found = compared(tmp_path, {"a": MEAN, "b": [v + 0.02 for v in MEAN]})
    assert said(found) in found.to_markdown()
    assert said(found).replace("`", "") in found._repr_html_()


def test_a_difference_is_seen_in_the_values_that_are_told_with_it(tmp_path: Path) -> None:
    """Where a digit less would show two values as the same, or as much further apart."""
    close = {"a": [0.3681, 0.3683], "b": [0.3679, 0.3681]}
    found = compared(tmp_path / "mse", close, metric_name="test/mse")
    assert said(found) == (
        "`b` was 0.0002 MSE lower than `a` on average over 2 seeds (0.3680 MSE against 0.3682 MSE);"
        " their ranges, 0.3679 to 0.3681 MSE and 0.3681 to 0.3683 MSE, overlap."
    )
    assert _in_short(found.rows[0]) == (
        "b observed 0.0002 MSE lower than a (2 seeds): 0.3680 MSE against 0.3682 MSE"
    )
    close = {"a": [0.30294], "b": [0.30311]}
    assert said(compared(tmp_path / "accuracy", close)) == (
        "`b` was observed 0.02 points better than `a` with seed 0 (30.31% against 30.29%); "
        "one seed cannot tell a difference from chance."
    )
