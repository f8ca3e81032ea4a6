"""Intervals against scipy's own tests, and against printed tables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from lab.stats.intervals import paired_difference, t_interval, welch_difference

FLOATS = st.floats(-1e3, 1e3, allow_nan=False).map(lambda x: round(x, 6))
SAMPLES = st.lists(FLOATS, min_size=2, max_size=12).filter(lambda values: np.ptp(values) > 1e-3)


@settings(max_examples=60)
@given(SAMPLES, st.sampled_from([0.8, 0.95, 0.99]))
def test_t_interval_is_scipys(values: list[float], level: float) -> None:
    expected = stats.ttest_1samp(values, 0).confidence_interval(level)
    found = t_interval(values, level=level)
    assert found == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-9)


def test_t_interval_of_a_textbook_sample() -> None:
    # mean 3, sd sqrt(2.5), n 5, t(4, 0.975) = 2.776 from the printed table.
    low, high = t_interval([1, 2, 3, 4, 5]) or (0, 0)
    assert low == pytest.approx(3 - 2.776 * 2.5**0.5 / 5**0.5, abs=1e-3)
    assert high == pytest.approx(6 - low)


def test_one_value_has_no_interval() -> None:
    assert t_interval([0.5]) is None
    assert t_interval([]) is None


@settings(max_examples=60)
@given(SAMPLES, st.randoms())
def test_paired_difference_is_scipys(a: list[float], random: object) -> None:
    b = [x + random.uniform(-1, 1) for x in a]  # type: ignore[attr-defined]
    assume(np.ptp(np.subtract(a, b)) > 1e-6)
    expected = stats.ttest_rel(a, b).confidence_interval()
    found = paired_difference(a, b)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-7)
    assert found.p == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-6)
    assert found.paired
    assert found.n == len(a)


@settings(max_examples=60)
@given(SAMPLES, SAMPLES)
def test_welch_difference_is_scipys(a: list[float], b: list[float]) -> None:
    expected = stats.ttest_ind(a, b, equal_var=False).confidence_interval()
    found = welch_difference(a, b)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-7)
    assert found.mean == pytest.approx(np.mean(a) - np.mean(b), abs=1e-9)
    assert found.p == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue, rel=1e-6)
    back = welch_difference(b, a)
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))  # type: ignore[operator]
    assert (found.reversed().low, found.reversed().mean) == pytest.approx((back.low, back.mean))


@pytest.mark.parametrize("difference", [paired_difference, welch_difference])
def test_single_values_have_a_difference_without_an_interval(difference: object) -> None:
    found = difference([0.5], [0.3])  # type: ignore[operator]
    assert found.mean == pytest.approx(0.2)
    assert (found.low, found.high, found.sd if found.paired else None) == (None, None, None)
    assert not found.excludes_zero


@pytest.mark.parametrize(("shift", "p"), [(0.1, 0.0), (0.0, 1.0)])
def test_a_difference_that_is_the_same_with_every_seed_is_exact(shift: float, p: float) -> None:
    base = [0.1, 0.7, 0.3]
    found = paired_difference([x + shift for x in base], base)
    assert (found.sd, found.p) == (0.0, p)
    assert found.low == found.high == pytest.approx(shift)


def test_rounding_is_no_difference() -> None:
    a, b = [0.1 + 0.2, 0.5], [0.3, 0.5]
    assert a != b
    assert (paired_difference(a, b).mean, paired_difference(a, b).p) == (0.0, 1.0)
    assert welch_difference([a[0]] * 3, [b[0]] * 3).p == 1.0


def test_clear_is_what_holds_after_holm() -> None:
    found = paired_difference([1.0, 1.1, 1.2], [0.0, 0.2, 0.1])
    assert found.excludes_zero
    assert not found.clear  # nobody has said yet what was tested with it
    assert replace(found, adjusted=0.05).clear
    assert not replace(found, adjusted=0.051).clear


def test_welch_without_spread_is_exact() -> None:
    found = welch_difference([2.0, 2.0], [1.0, 1.0])
    assert (found.low, found.high) == (1.0, 1.0)
    assert found.excludes_zero


@pytest.mark.parametrize(
    ("shift", "excludes"), [(0.0, False), (0.05, False), (1.0, True), (-1.0, True)]
)
def test_excludes_zero(shift: float, excludes: bool) -> None:
    base = [0.1, 0.4, 0.2, 0.5, 0.3]
    other = [0.2, 0.3, 0.3, 0.4, 0.3]
    assert paired_difference([x + shift for x in other], base).excludes_zero is excludes


def test_the_interval_covers_what_it_promises() -> None:
    random = np.random.default_rng(0)
    samples = random.normal(0.7, 0.02, (600, 3))
    inside = [low <= 0.7 <= high for low, high in (t_interval(list(s)) or (1, 0) for s in samples)]
    assert 0.93 < np.mean(inside) < 0.97
