"""Index sets never overlap and keep the classes' shares."""

from __future__ import annotations

import numpy as np
import pytest

from cvkan.data.splits import balanced_first, evenly_spaced, stratified
from cvkan.errors import DataError

LABELS = np.repeat([0, 1, 2], [300, 150, 50])


def deal(seed: int = 0, sizes: tuple[int, ...] = (200, 100, 40)) -> list[np.ndarray]:
    return stratified(LABELS, sizes, np.random.default_rng(seed))


def test_sets_have_their_sizes_and_share_nothing() -> None:
    parts = deal()
    assert [len(part) for part in parts] == [200, 100, 40]
    assert len(np.unique(np.concatenate(parts))) == 340


def test_every_set_keeps_the_shares_of_the_classes() -> None:
    for part in deal():
        expected = len(part) * np.array([0.6, 0.3, 0.1])
        assert np.abs(np.bincount(LABELS[part]) - expected).max() <= 2


def test_the_seed_decides() -> None:
    assert all(np.array_equal(a, b) for a, b in zip(deal(1), deal(1), strict=True))
    assert not np.array_equal(deal(1)[0], deal(2)[0])


def test_more_than_there_is_is_an_error() -> None:
    with pytest.raises(DataError, match=r"more samples asked for than the 500 there are: 501"):
        deal(sizes=(400, 101))


def test_the_balanced_first_of_interleaved_classes_are_the_first() -> None:
    assert balanced_first(np.arange(100) % 10, 30).tolist() == list(range(30))


def test_the_balanced_first_of_sorted_classes_take_from_each() -> None:
    chosen = balanced_first(np.repeat([0, 1], 50), 10)
    assert chosen.tolist() == [0, 1, 2, 3, 4, 50, 51, 52, 53, 54]


def test_evenly_spaced_reaches_both_ends() -> None:
    assert evenly_spaced(9, 3).tolist() == [0, 4, 8]
    assert evenly_spaced(3, None).tolist() == [0, 1, 2]
