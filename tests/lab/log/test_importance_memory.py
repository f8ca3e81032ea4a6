"""Importances are kept, found again to the last digit, and never a reason to fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.log import importance_memory as memory
from lab.sweep.importance import Importance, Importances, Pair, Ranking

FOUND = Importances(
    (
        Ranking(
            "model=a",
            40,
            0.1 + 0.2,
            (Importance("lr", 1 / 3, 1.7, 1, 2, 0.9), Importance("x", 0.0, 0.1)),
            pairs=(Pair(("lr", "x"), 0.25, 0.5),),
        ),
        Ranking("", 12, None, (), "too few"),
    ),
    Ranking("", 12, None, (), "too few"),
)


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    key = memory.key_of("a study")
    assert memory.recalled(tmp_path, key) is None
    memory.remember(tmp_path, key, FOUND)
    assert memory.recalled(tmp_path, key) == FOUND
    assert memory.recalled(tmp_path, memory.key_of("the same study, one digit changed")) is None


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"00000000\n{}"])
def test_a_damaged_memory_knows_nothing_and_is_written_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / memory.NAME).write_bytes(damage)
    assert memory.recalled(tmp_path, "k") is None
    memory.remember(tmp_path, "k", FOUND)
    assert memory.recalled(tmp_path, "k") == FOUND


def test_a_changed_digit_of_the_memory_makes_it_unread(tmp_path: Path) -> None:
    memory.remember(tmp_path, "k", FOUND)
    path = tmp_path / memory.NAME
    path.write_bytes(path.read_bytes().replace(b"1.7", b"1.8"))
    assert memory.recalled(tmp_path, "k") is None
