"""Two one-sided tests against scipy's, their interval, and the error they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lab.stats.equivalence import equivalence_p
from lab.stats.intervals import paired_difference, welch_difference

FLOATS = st.floats(-10, 10).map(lambda x: round(x, 4))
SAMPLES = st.lists(FLOATS, min_size=3, max_size=9).filter(lambda v: np.ptp(v) > 0.1)


@settings(max_examples=60)
@given(SAMPLES, SAMPLES, st.sampled_from([0.5, 2.0, 8.0]))
def test_it_is_the_worse_of_two_one_sided_tests(
    a: list[float], b: list[float], margin: float
) -> None:
    lower = stats.ttest_ind(np.add(a, margin), b, equal_var=False, alternative="greater").pvalue
    upper = stats.ttest_ind(np.subtract(a, margin), b, equal_var=False, alternative="less").pvalue
    assert equivalence_p(welch_difference(a, b), margin) == pytest.approx(max(lower, upper))


@settings(max_examples=60)
@given(SAMPLES, st.randoms(), st.sampled_from([0.5, 2.0]))
def test_it_agrees_with_the_interval_of_90_percent(
    a: list[float], random: object, margin: float
) -> None:
    b = [x + random.uniform(-1, 1) for x in a]  # type: ignore[attr-defined]
    found = paired_difference(a, b, level=0.9)
    assert found.low is not None
    assert found.high is not None
    inside = -margin < found.low and found.high < margin
    assert (equivalence_p(found, margin) < 0.05) is inside  # type: ignore[operator]


def test_without_spread_the_difference_is_known() -> None:
    found = paired_difference([0.5, 0.6, 0.7], [0.49, 0.59, 0.69])
    assert equivalence_p(found, 0.02) == 0.0
    assert equivalence_p(found, 0.005) == 1.0


def test_one_value_each_shows_nothing() -> None:
    assert equivalence_p(paired_difference([0.5], [0.5]), 0.1) is None


def test_at_the_margin_it_is_wrong_one_time_in_twenty() -> None:
    draws = np.random.default_rng(5).normal(0.02, 0.01, (3000, 6))
    zero = [0.0] * 6
    wrong = [equivalence_p(paired_difference(list(d), zero), 0.02) for d in draws]
    assert 0.035 < np.mean([p <= 0.05 for p in wrong if p is not None]) < 0.065
