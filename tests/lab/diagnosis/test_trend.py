"""The line through the end of a curve, against scipy; noise and sample counts of known size."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import linregress, t

from lab.diagnosis.curve import Curve, noise
from lab.diagnosis.samples import samples_of
from lab.diagnosis.trend import t_quantile, trend_of


@pytest.mark.parametrize("n", [3, 5, 8, 17, 60])
def test_the_trend_is_that_of_scipy(n: int) -> None:
    values = np.random.default_rng(n).normal(0.5, 0.1, n) + 0.01 * np.arange(n)
    expected = linregress(np.arange(n), values)
    found = trend_of(list(values))
    margin = t.ppf(0.975, n - 2) * expected.stderr * (n - 1)
    assert found.change == pytest.approx(expected.slope * (n - 1))
    assert found.margin == pytest.approx(margin, rel=2e-3)
    assert found.certain == (expected.pvalue < 0.05)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 10, 30, 300])
def test_quantiles_are_those_of_scipy(freedom: int) -> None:
    assert t_quantile(freedom) == pytest.approx(t.ppf(0.975, freedom), rel=2e-3)


def test_noise_is_told_apart_from_the_course() -> None:
    random = np.random.default_rng(0)
    found = [noise(list(np.linspace(2, 1, 400) + random.normal(0, 0.05, 400))) for _ in range(20)]
    assert np.mean(found) == pytest.approx(0.05, rel=0.05)
    assert noise(list(np.linspace(2, 1, 50))) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("n", [78, 500, 1000, 9973])
def test_samples_are_counted_from_exact_shares(n: int) -> None:
    random = np.random.default_rng(n)
    shares = [float(k) / n for k in random.integers(1, n, 20)]
    assert samples_of(curve(shares)) == n


def test_averages_over_batches_tell_no_count() -> None:
    random = np.random.default_rng(0)
    shares = [float(np.mean(random.binomial(32, 0.7, 7) / 32) * random.uniform(0.99, 1)) for _ in range(9)]  # fmt: skip # noqa: E501
    assert samples_of(curve(shares)) is None
    assert samples_of(curve([0.5, 0.5, 0.5])) is None


def curve(values: list[float]) -> Curve:
    points = tuple(enumerate(values, 1))
    return Curve("val/accuracy", "max", None, None, None, values[-1], None, points)
