"""The compact letter display: small cases by hand, and what it means for any pattern."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.stats.letters import letters


@pytest.mark.parametrize(
    ("apart", "shown"),
    [
        ([], {"x": "a", "y": "a", "z": "a"}),
        ([("x", "z")], {"x": "a", "y": "ab", "z": "b"}),
        ([("x", "y"), ("x", "z")], {"x": "a", "y": "b", "z": "b"}),
        ([("x", "y"), ("y", "z"), ("x", "z")], {"x": "a", "y": "b", "z": "c"}),
        # The outer ones level, the middle apart from both: no order of means explains it.
        ([("x", "y"), ("y", "z")], {"x": "a", "y": "b", "z": "a"}),
    ],
)
def test_three_arms(apart: list[tuple[str, str]], shown: dict[str, str]) -> None:
    assert letters(["x", "y", "z"], apart) == shown


@settings(max_examples=150)
@given(st.integers(1, 7), st.data())
def test_two_share_a_letter_exactly_if_they_are_not_apart(n: int, data: st.DataObject) -> None:
    names = [f"arm{i}" for i in range(n)]
    pairs = list(combinations(names, 2))
    apart = data.draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    shown = letters(names, apart)
    assert _means(shown, apart)
    assert all(shown.values())
    assert "a" in shown[names[0]]


def _means(shown: dict[str, str], apart: list[tuple[str, str]]) -> bool:
    return all(
        bool(set(shown[a]) & set(shown[b])) == ((a, b) not in apart)
        for a, b in combinations(shown, 2)
    )
