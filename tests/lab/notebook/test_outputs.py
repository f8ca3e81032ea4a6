"""Printed text is kept as a terminal shows it, and never without bound."""

from __future__ import annotations

from typing import Any

import pytest

from lab.notebook import outputs
from lab.notebook.outputs import BoundedText, CellOutputs


def kept(*chunks: str, head: int = 100, tail: int = 100) -> str:
    text = BoundedText(head, tail)
    for chunk in chunks:
        text.append(chunk)
    return text.text


@pytest.mark.parametrize(
    ("chunks", "seen"),
    [
        (["a\n", "b"], "a\nb"),
        (["10%\r20%\r30%"], "30%"),
        (["10%\r", "20%\r", "30%\n", "done\n"], "30%\ndone\n"),
        (["10%\r"], "10%"),  # the cursor went back, nothing was written over yet
        (["\r10%", "\r20%"], "20%"),
        (["dos\r\n", "line\r\n"], "dos\nline\n"),
        (["dos\r", "\nline"], "dos\nline"),
        (["a\nb\rc\n"], "a\nc\n"),
    ],
)
def test_a_carriage_return_goes_back(chunks: list[str], seen: str) -> None:
    assert kept(*chunks) == seen


@pytest.mark.parametrize("size", [1, 7, 50, 1000])
def test_head_and_tail_stay_whatever_the_chunks(size: int) -> None:
    whole = "".join(f"{line:04d}\n" for line in range(1000))
    text = kept(*(whole[at : at + size] for at in range(0, len(whole), size)))
    head, _, tail = text.partition("\n[... ")
    assert whole.startswith(head)
    assert 90 <= len(head) <= 100
    assert tail.partition("...]\n")[2] in whole
    assert whole.endswith(tail.partition("...]\n")[2])
    assert 95 <= len(tail.partition("...]\n")[2]) <= 200
    left_out = int(tail.split()[0].replace(",", ""))
    assert len(head) + left_out + len(tail.partition("...]\n")[2]) == len(whole)


def test_a_line_without_end_is_bounded() -> None:
    assert len(kept(*["x" * 50] * 1000)) < 500


def test_short_text_is_whole() -> None:
    assert kept("a" * 99, "\n") == "a" * 99 + "\n"


def test_alternating_streams_are_joined_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "SEPARATE_STREAMS", 4)
    found: list[dict[str, Any]] = []
    cell = CellOutputs(found)
    for number in range(10):
        cell.stream("stdout", f"o{number} ")
        cell.stream("stderr", f"e{number} ")
    cell.render()
    assert len(found) == 4
    assert "".join(output["text"] for output in found if output["name"] == "stderr") == "".join(
        f"e{number} " for number in range(10)
    )


def test_too_many_displays_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "DISPLAYS", 2)
    found: list[dict[str, Any]] = []
    cell = CellOutputs(found)
    admitted = [cell.admits({"data": {"text/plain": "x"}}) for _ in range(5)]
    cell.render()
    cell.render()
    assert admitted == [True, True, False, False, False]
    assert [output["text"] for output in found] == ["[3 more outputs of this cell were left out]\n"]


def test_displays_that_are_too_large_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "DISPLAY_CHARACTERS", 10)
    cell = CellOutputs([])
    assert cell.admits({"data": {"image/png": "x" * 8}})
    assert not cell.admits({"data": {"image/png": "x" * 8}})
    assert cell.admits({"data": {"text/plain": "xx"}})
