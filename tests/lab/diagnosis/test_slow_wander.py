"""The error of a smoothed value under noise that hangs together over epochs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lab.diagnosis.course import wander_error


def autoregression(n: int, correlation: float, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    walk = [random.normal()]
    for step in random.normal(size=n - 1):
        walk.append(correlation * walk[-1] + math.sqrt(1 - correlation**2) * step)
    return np.array(walk)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8])
def test_against_the_theory_of_a_long_curve(correlation: float) -> None:
    """The variance of a mean of w values is about s^2 / w * (1 + r) / (1 - r)."""
    course = np.concatenate([np.linspace(3, 0, 400), np.linspace(0, 2, 1600)])
    values = course + 0.1 * autoregression(2000, correlation, 1)
    expected = 0.1 * math.sqrt((1 + correlation) / (1 - correlation) / 201)
    assert wander_error(list(values), 400, 201) == pytest.approx(expected, rel=0.2)


def test_the_course_is_that_of_least_squares() -> None:
    values = autoregression(40, 0.0, 2)
    best, t = 12, np.arange(40)
    before, after = np.clip(best - t, 0, None), np.clip(t - best, 0, None)
    columns = np.stack([np.ones(40), after, before, before**2, before**3], axis=1)
    left = values - columns @ np.linalg.lstsq(columns, values, rcond=None)[0]
    shared = left[1:] @ left[:-1] / (left @ left)
    held = max(shared + (2 + 4 * shared) / 40, 0)
    expected = math.sqrt(left @ left / 35 * min((1 + held) / (1 - held) / 9, 1))
    assert wander_error(list(values), best, 9) == pytest.approx(expected)


def test_it_is_never_above_that_of_one_value_nor_of_another_scale() -> None:
    values = autoregression(30, 0.9, 3)
    one, nine = (wander_error(list(values), 10, window) for window in (1, 9))
    assert nine <= one
    assert wander_error(list(1e300 * values), 10, 9) == pytest.approx(1e300 * nine)


@pytest.mark.parametrize("best", [0, 1, 2, 9, 19])
def test_a_curve_that_is_its_course_has_none(best: int) -> None:
    values = [abs(i - best) / 7 for i in range(20)]
    assert wander_error(values, best, 5) == pytest.approx(0, abs=1e-12)
    assert wander_error([2.0] * 20, best, 5) == pytest.approx(0, abs=1e-12)
    assert wander_error([0.0] * 20, best, 5) == 0
