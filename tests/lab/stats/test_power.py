"""Seeds needed, against published sample sizes and a simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lab.stats.power import MOST, pairs_needed


@pytest.mark.parametrize(
    # Two-sided paired t test, alpha 0.05, power 0.8: the sizes that G*Power prints.
    ("effect", "pairs"),
    [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10), (1.5, 6), (2.0, 5)],
)
def test_published_sample_sizes(effect: float, pairs: int) -> None:
    assert pairs_needed(effect, 1.0) == pairs
    assert pairs_needed(-effect * 0.01, 0.01) == pairs


def test_the_size_found_has_the_power_in_a_simulation() -> None:
    pairs = pairs_needed(0.02, 0.016)
    assert pairs is not None
    draws = np.random.default_rng(1).normal(0.02, 0.016, (4000, pairs))
    found = (stats.ttest_1samp(draws, 0, axis=1).pvalue < 0.05).mean()
    assert 0.78 < found < 0.90


@pytest.mark.parametrize(
    # Two independent samples of equal spread, n per group: the sizes that G*Power prints.
    ("effect", "per_group"),
    [(0.5, 64), (0.8, 26), (1.0, 17), (1.5, 9)],
)
def test_published_sample_sizes_of_two_samples(effect: float, per_group: int) -> None:
    assert pairs_needed(effect, 2**0.5, freedom_per_pair=2) == per_group


@pytest.mark.parametrize("alpha", [0.05, 0.05 / 28])
@pytest.mark.parametrize("effect", [0.3, 0.7, 1.3, 2.5])
def test_it_is_the_smallest_size_with_that_power(effect: float, alpha: float) -> None:
    def power(n: int) -> float:
        edge, shift = stats.t.ppf(1 - alpha / 2, n - 1), effect * n**0.5
        return float(stats.nct.sf(edge, n - 1, shift))  # the other side adds under 1 in 1,000

    found = pairs_needed(effect, 1.0, alpha=alpha)
    assert found is not None
    assert power(found) >= 0.8
    assert found == 2 or power(found - 1) < 0.8


def test_what_seeds_cannot_show() -> None:
    assert pairs_needed(0.0, 0.01) is None
    assert pairs_needed(float("nan"), 0.01) is None
    assert pairs_needed(0.001, 0.1) is None
    assert MOST >= 199


def test_without_spread_two_are_enough() -> None:
    assert pairs_needed(0.1, 0.0) == 2
