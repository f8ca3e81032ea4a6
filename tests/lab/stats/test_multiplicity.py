"""Holm's adjustment against hand-worked values, its definition, and the error it promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.stats.multiplicity import holm

P_VALUES = st.lists(st.floats(0, 1), max_size=12)


@pytest.mark.parametrize(
    ("given_p", "adjusted"),
    [
        ([], []),
        ([0.03], [0.03]),
        # Worked by hand: sorted 0.005 x4, 0.01 x3, 0.03 x2, 0.04 x1, never falling.
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.5, 0.9], [1.0, 1.0]),
        ([0.02, 0.02, 0.02], [0.06, 0.06, 0.06]),
    ],
)
def test_worked_examples(given_p: list[float], adjusted: list[float]) -> None:
    assert holm(given_p) == pytest.approx(adjusted)


@settings(max_examples=100)
@given(P_VALUES)
def test_rejecting_by_it_is_the_step_down_rule(p_values: list[float]) -> None:
    rejected = set()
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[index] * (len(p_values) - rank) > 0.05:
            break
        rejected.add(index)
    assert {i for i, p in enumerate(holm(p_values)) if p <= 0.05} == rejected


@settings(max_examples=100)
@given(P_VALUES)
def test_it_lies_between_the_p_value_and_bonferroni(p_values: list[float]) -> None:
    for p, adjusted in zip(p_values, holm(p_values), strict=True):
        assert p <= adjusted <= min(1.0, len(p_values) * p) + 1e-12


def test_any_false_rejection_is_as_rare_as_promised() -> None:
    draws = np.random.default_rng(3).random((4000, 6))
    wrong = np.mean([min(holm(list(row))) <= 0.05 for row in draws])
    assert 0.035 < wrong < 0.06
