"""Importances are kept, found again to the last digit, and never a reason to fail."""

from __future__ import annotations

import ast
import math
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sweep_helpers import drawn

from lab.log import importance_memory as memory
from lab.sweep import Parameter, Space, Study
from lab.sweep.configuration import Configuration, Factor, configurations
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


def study() -> Study:
    """A few trials of one parameter."""
    space = Space("s", (Parameter("x", "float", 0.0, 1.0),))
    return drawn(space, 5, lambda params, _: params["x"])


def test_the_code_that_computes_importances_uses_none_that_is_left_out() -> None:
    # What makes configurations of trials, or spaces of files, shows in what is looked for.
    before = {"lab.stats.intervals", "lab.sweep.study", "lab.sweep.trial", "lab.sweep.space_file"}
    names = {f"lab.sweep.{file.stem}" for file in memory.sources()}
    assert "lab.sweep.importance" in names
    for file in memory.sources():
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                node.body = []
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lab"):
                modules = {f"{node.module}.{one.name}" for one in node.names}
                used = modules if node.module == "lab.sweep" else {str(node.module)}
                assert used <= names | before, f"{file.name}: {ast.unparse(node)}"


def test_a_change_in_that_code_or_in_a_number_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    def found(rows: Sequence[Configuration], _: Sequence[Factor]) -> Importances:
        asked.append(rows[0].score)
        return FOUND

    monkeypatch.setattr(memory, "importances", found)
    copies = tuple(Path(shutil.copy(file, tmp_path)) for file in memory.sources())
    monkeypatch.setattr(memory, "sources", lambda: copies)
    rows = configurations(study())
    for _ in range(2):
        assert memory.remembered(tmp_path, rows, ()) == FOUND
    assert len(asked) == 1
    one = replace(rows[0], score=math.nextafter(rows[0].score, 2.0))
    memory.remembered(tmp_path, (one, *rows[1:]), ())
    assert asked[1:] == [one.score]
    for number, file in enumerate(copies):
        file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        memory.made_by.cache_clear()  # as in a new process
        memory.remembered(tmp_path, rows, ())
        assert len(asked) == 3 + number
