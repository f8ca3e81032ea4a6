"""Simulated results: intervals cover what they say, and no difference is found where none is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from lab.comparison import pairs
from lab.comparison.values import Arm, Row
from lab.comparison.verdict import verdict_of
from lab.stats.intervals import mean_of, paired_difference, t_interval, welch_difference

Draws = NDArray[np.float64]

SIZES = [pytest.param(400, 0.03, id="quick"), pytest.param(20_000, 0.007, id="long",
         marks=pytest.mark.slow)]  # fmt: skip


def arm(name: str, values: Draws, top: float) -> Arm:
    listed = tuple(map(float, values))
    n, mean = len(listed), mean_of(listed)
    ids = tuple(f"{name}{i}" for i in range(n))
    return Arm(
        name, n, mean, None, min(listed), max(listed), None, None, listed, tuple(range(n)), ids, (),
        best=mean == top,
    )  # fmt: skip


def row(draws: Draws, baseline: str | None = None) -> Row:
    """A row of these arms (arms x seeds), tested as `compare` tests them."""
    top = max(mean_of(list(map(float, values))) for values in draws)
    arms = tuple(arm("abcdef"[i], values, top) for i, values in enumerate(draws))
    made = pairs.tested(arms, baseline, None)
    return Row(
        None, "val/accuracy", "max", "best", arms, baseline or "a", made, baseline is not None
    )


def share(hits: list[bool]) -> float:
    return float(np.mean(hits))


@pytest.mark.parametrize(("repeats", "slack"), SIZES)
@pytest.mark.parametrize("n", [3, 5, 10])
def test_the_interval_of_a_mean_covers_it(n: int, repeats: int, slack: float) -> None:
    draws = np.random.default_rng(n).normal(0.7, 0.02, (repeats, n))
    found = [t_interval(list(d)) or (1.0, 0.0) for d in draws]
    assert share([low <= 0.7 <= high for low, high in found]) == pytest.approx(0.95, abs=slack)


@pytest.mark.parametrize(("repeats", "slack"), SIZES)
@pytest.mark.parametrize("n", [3, 5, 10])
def test_of_skewed_values_it_covers_nearly_as_often(n: int, repeats: int, slack: float) -> None:
    draws = np.random.default_rng(n).gamma(4.0, 1.0, (repeats, n))
    found = [t_interval(list(d)) or (1.0, 0.0) for d in draws]
    assert share([low <= 4.0 <= high for low, high in found]) > 0.93 - slack


@pytest.mark.parametrize(("repeats", "slack"), SIZES)
@pytest.mark.parametrize("n", [3, 5, 10])
def test_the_interval_of_a_paired_difference_covers_it(n: int, repeats: int, slack: float) -> None:
    random = np.random.default_rng(n)
    seeds = random.normal(0, 0.05, (repeats, n))  # what both arms share
    a, b = (seeds + random.normal(mean, 0.01, (repeats, n)) for mean in (0.72, 0.70))
    found = [paired_difference(list(x), list(y)) for x, y in zip(a, b, strict=True)]
    hits = [d.low <= 0.02 <= d.high for d in found]  # type: ignore[operator]
    assert share(hits) == pytest.approx(0.95, abs=slack)


@pytest.mark.parametrize(("repeats", "slack"), SIZES)
@pytest.mark.parametrize(("n", "m"), [(3, 3), (5, 5), (10, 10), (3, 10)])
def test_the_interval_of_two_spreads_covers_the_difference(
    n: int, m: int, repeats: int, slack: float
) -> None:
    random = np.random.default_rng(10 * n + m)
    a = random.normal(0.72, 0.01, (repeats, n))
    b = random.normal(0.70, 0.03, (repeats, m))
    found = [welch_difference(list(x), list(y)) for x, y in zip(a, b, strict=True)]
    hits = [d.low <= 0.02 <= d.high for d in found]  # type: ignore[operator]
    assert 0.94 - slack < share(hits) < 0.98 + slack  # Welch is a little careful with few values


@pytest.mark.parametrize(("repeats", "slack"), SIZES)
@pytest.mark.parametrize("baseline", [None, "a"])
@pytest.mark.parametrize("arms", [2, 4])
@pytest.mark.parametrize("n", [5, 10])
def test_better_is_said_of_equals_one_time_in_twenty(
    n: int, arms: int, baseline: str | None, repeats: int, slack: float
) -> None:
    repeats = min(repeats, 5000)
    random = np.random.default_rng(n * arms)
    seeds = random.normal(0, 0.02, (repeats, 1, n))
    draws = 0.7 + seeds + random.normal(0, 0.01, (repeats, arms, n))
    rows = [row(d, baseline) for d in draws]
    any_clear = share([any(pair.difference.clear for pair in r.pairs) for r in rows])
    assert any_clear < 0.05 + 2 * slack
    if arms == 2:
        assert any_clear == pytest.approx(0.05, abs=2 * slack)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_with_few_seeds_better_is_never_said(n: int) -> None:
    from lab.comparison.rows import _with_deltas

    random = np.random.default_rng(n)
    for gap in (0.0, 0.01, 0.2):
        draws = random.normal([[0.7], [0.7 + gap]], 0.01, (2, n))
        verdict = verdict_of(_with_deltas(row(draws)))
        assert not verdict.settled
        assert "is better" not in verdict.text
        assert "significant" not in verdict.text
