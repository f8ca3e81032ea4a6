"""Outlines that are remembered are those that parsing gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.log import outline as outline_module
from lab.log.entry import actions_of, entries_of, read_books
from lab.log.outline import Outline, outline_of
from lab.log.outline_memory import remembering
from lab.workspace import Workspace

PARTS = [
    "## 2026-01-20 Title {n}\n", "# Day\n", "text of {n}\n", "- [ ] item {n}\n", "- [x] done\n",
    "```\n", "## in code or not\n", "<!-- comment\n", "-->\n", "---\n", "\n", "> - [ ] quoted\n",
    "    code\n", "Title\n---\n", "caf\udce9 {n}\n", "<div>\n", "</div>\n\n",
]  # fmt: skip


def fresh(text: str) -> Outline:
    outline_module._parsed.cache_clear()
    return outline_of(text.splitlines(keepends=True))


@given(st.lists(st.sampled_from(PARTS), max_size=60))
def test_remembered_outlines_are_the_same(tmp_path_factory: pytest.TempPathFactory, parts) -> None:
    runs = tmp_path_factory.mktemp("runs")
    text = "".join(part.format(n=number) for number, part in enumerate(parts))
    expected = fresh(text)
    for _ in range(2):
        with remembering(runs):
            assert fresh(text) == expected


def log_of(entries: int) -> str:
    return "# Log\n\n" + "".join(
        f"## 2026-01-{number % 28 + 1:02d} Entry {number}\n\n**Status**: Open\n\n"
        f"### Action Items\n- [ ] do {number}\n\n---\n\n"
        for number in range(entries)
    )


@pytest.fixture
def logged(workspace: Workspace) -> Workspace:
    workspace.research_log.write_text(log_of(20))
    outline_module._parsed.cache_clear()
    read_books(workspace)
    return workspace


def parsed(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The parts that a new process parses."""
    seen = []
    real = outline_module._parse
    monkeypatch.setattr(outline_module, "_parse", lambda text: seen.append(text) or real(text))
    outline_module._parsed.cache_clear()
    from lab.log import book

    book._parsed.cache_clear()
    entries_of(read_books(workspace), workspace)
    return seen


def test_only_what_is_new_is_parsed(logged: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with logged.research_log.open("a") as file:
        file.write("## 2026-02-01 Another\n\nSaid.\n")
    assert parsed(logged, monkeypatch) == ["## 2026-02-01 Another\n\nSaid.\n"]


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "text", "gone", "other code"])
def test_what_is_damaged_is_parsed(
    logged: Workspace, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    path: Path = logged.runs / ".index-outlines"
    content = path.read_bytes()
    if damage == "flip":
        place = content.index(b"do 7")
        path.write_bytes(content[:place] + b"no" + content[place + 2 :])
    elif damage == "cut":
        path.write_bytes(content[:-20])
    elif damage == "gone":
        path.unlink()
    elif damage == "other code":
        monkeypatch.setattr("lab.log.outline_memory._made_by", lambda: "another version")
    else:
        path.write_bytes(b"" if damage == "empty" else b"no index\n")
    assert len(parsed(logged, monkeypatch)) == 41
    assert [a.text for a in actions_of(read_books(logged), logged)][7] == "do 7"
    assert parsed(logged, monkeypatch) == []  # and remembered


def test_a_folder_that_cannot_be_written_does_not_matter(
    logged: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (logged.runs / ".index-outlines").unlink()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(30, "Read-only file system")

    monkeypatch.setattr("lab.log.outline_memory.write_atomic", refuse)
    assert len(parsed(logged, monkeypatch)) == 41
