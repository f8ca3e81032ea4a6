"""Student's t without scipy is scipy's, and exact where its formula is closed."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import nctdtr, stdtr, stdtrit

from lab.stats import student
from lab.stats.intervals import quantile, tail
from lab.stats.power import pairs_needed

freedoms = st.floats(1, 1000) | st.integers(1, 60).map(float)


@given(freedoms, st.floats(1e-3, 60))
def test_the_tail_is_that_of_scipy(freedom: float, t: float) -> None:
    expected = float(stdtr(freedom, -t))
    if expected > 1e-290:
        assert student.upper_tail(t, freedom) == pytest.approx(expected, rel=1e-10)


@given(freedoms, st.floats(0.01, 0.99999))
def test_the_quantile_is_that_of_scipy(freedom: float, level: float) -> None:
    expected = float(stdtrit(freedom, 0.5 + level / 2))
    assert student.quantile(level, freedom) == pytest.approx(expected, rel=1e-9)


@given(freedoms, st.floats(0, 8), st.floats(-5, 60))
def test_the_noncentral_t_is_that_of_scipy(freedom: float, shift: float, t: float) -> None:
    expected = float(nctdtr(freedom, shift, t))
    assume(not math.isnan(expected))  # scipy cannot do far below zero
    assume(t == 0 or abs(t) > 1e-6)  # which it takes for zero
    assert student.noncentral(t, freedom, shift) == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("t", [0.0, 1e-9, 0.5, 1.0, 7.0, 1e4, 1e200])
def test_one_degree_of_freedom_is_cauchy(t: float) -> None:
    expected = math.atan2(1.0, t) / math.pi
    assert student.upper_tail(t, 1.0) == pytest.approx(expected, rel=1e-13)


def test_two_degrees_of_freedom_have_a_closed_quantile() -> None:
    for level in (0.1, 0.5, 0.95, 0.999):
        expected = level * math.sqrt(2 / (1 - level**2))
        assert student.quantile(level, 2.0) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("freedom", [999.0, 1000.0, 1000.5, 1e6])
def test_where_scipy_takes_over_nothing_jumps(freedom: float) -> None:
    assert quantile(0.95, freedom) == pytest.approx(float(stdtrit(freedom, 0.975)), rel=1e-11)
    for distance in (-2.0, 0.0, 2.0):
        expected = float(stdtr(freedom, -distance))
        assert tail(distance, 1.0, freedom) == pytest.approx(expected, rel=1e-10)


def test_the_usual_sizes_load_no_scipy() -> None:
    source = (
        "import sys\n"
        "from lab.stats.intervals import paired_difference, welch_difference\n"
        "from lab.stats.power import pairs_needed\n"
        "paired_difference([1, 2, 3.5], [2, 2.5, 3]), welch_difference([1, 2, 4], [2, 5])\n"
        "pairs_needed(0.1, 0.2)\n"
        "assert not {'scipy', 'numpy'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", source], check=True)
    assert pairs_needed(0.5, 1.0) == 34  # G*Power: 34 pairs for an effect of 0.5
