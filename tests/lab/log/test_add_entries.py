"""Where a new entry goes, and what stays as it was."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from lab.errors import LogError
from lab.log.book import Book
from lab.log.entry import entries_of
from lab.log.place import add_entry
from lab.workspace import Workspace

GOLDEN = Path(__file__).parents[2] / "golden" / "seeds"
ENTRY = "## {date} New\n\n**Status**: Open\n\n### Finding\nText.\n\n---\n"


def titles(workspace: Workspace) -> list[tuple[str | None, str]]:
    book = Book.read(workspace.research_log)
    return [(entry.date, entry.title) for entry in entries_of([book], workspace)]


def test_a_missing_file_is_made_with_a_title(workspace: Workspace) -> None:
    line = add_entry(workspace.research_log, ENTRY.format(date="2026-01-20"))
    text = workspace.research_log.read_text()
    assert text.startswith("# Research Log\n\n")
    assert text.split("\n")[line - 1] == "## 2026-01-20 New"
    assert text.count("---\n") == 2
    add_entry(workspace.research_log, ENTRY.format(date="2026-01-21"))
    assert workspace.research_log.read_text().startswith(text)
    assert workspace.research_log.read_text().count("---\n") == 3


def test_folders_are_made(workspace: Workspace) -> None:
    path = workspace.root / "docs" / "experiments" / "image_optimization_log.md"
    add_entry(path, ENTRY.format(date="2026-01-20"))
    assert path.read_text().startswith("# Image Optimization Log\n")


@pytest.mark.parametrize(
    "source", sorted(path for path in GOLDEN.rglob("*") if path.is_file()), ids=lambda p: p.name
)
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_appending_keeps_every_byte(
    workspace: Workspace, source: Path, newline: bytes, bom: bytes
) -> None:
    before = bom + source.read_bytes().replace(b"\n", newline)
    workspace.research_log.write_bytes(before)
    known = titles(workspace)
    line = add_entry(workspace.research_log, ENTRY.format(date="2026-11-21"))
    after = workspace.research_log.read_bytes()
    assert after.startswith(before)
    added = after[len(before) :]
    assert added.count(b"\n") == added.count(newline)
    assert titles(workspace) == [*known, ("2026-11-21", "New")]
    assert after.split(b"\n")[line - 1].rstrip() == b"## 2026-11-21 New"
    book = Book.read(workspace.research_log)
    assert max(n for n in book.rules if n < line - 1) == line - 3


@pytest.mark.parametrize(
    ("date", "position"),
    [("2026-01-19", 0), ("2026-01-20", 3), ("2026-01-21", 3), ("2026-01-22", 6)],
)
def test_an_older_entry_goes_to_its_place(workspace: Workspace, date: str, position: int) -> None:
    before = (GOLDEN / "research_log.md").read_bytes()
    workspace.research_log.write_bytes(before)
    known = titles(workspace)
    add_entry(workspace.research_log, ENTRY.format(date=date))
    assert titles(workspace) == [*known[:position], (date, "New"), *known[position:]]
    after = workspace.research_log.read_bytes()
    added = ENTRY.format(date=date).encode() + b"\n"
    if position < 6:
        assert after.replace(added, b"") == before


def test_entries_in_any_order_end_in_date_order(workspace: Workspace) -> None:
    days = ["2026-01-03", "2026-01-01", "2026-01-04", "2026-01-02"]
    for order in itertools.permutations(days):
        workspace.research_log.unlink(missing_ok=True)
        for day in order:
            add_entry(workspace.research_log, ENTRY.format(date=day))
        assert [date for date, _ in titles(workspace)] == sorted(days)
        assert workspace.research_log.read_text().count("\n\n---\n\n## ") == 4


@pytest.mark.parametrize("end", ["prose", "prose\n", "prose\n\n", "prose\n\n\n\n", "- [ ] item"])
def test_a_separator_never_underlines_prose(workspace: Workspace, end: str) -> None:
    workspace.research_log.write_text(f"# Log\n\n## 2026-01-01 Old\n\n{end}")
    add_entry(workspace.research_log, ENTRY.format(date="2026-01-02"))
    assert titles(workspace) == [("2026-01-01", "Old"), ("2026-01-02", "New")]
    book = Book.read(workspace.research_log)
    assert len(book.rules) == 2
    assert workspace.research_log.read_text().startswith(f"# Log\n\n## 2026-01-01 Old\n\n{end}")


def test_an_ending_of_another_kind_is_not_run_into(workspace: Workspace) -> None:
    before = b"# Log\n\n## 2026-01-01 Old\n\nJan 3rd, 2026 was a good day\r"
    workspace.research_log.write_bytes(before)
    add_entry(workspace.research_log, ENTRY.format(date="2026-01-02"))
    assert workspace.research_log.read_bytes().startswith(before)
    assert titles(workspace) == [("2026-01-01", "Old"), ("2026-01-02", "New")]


@pytest.mark.parametrize("tail", ["```python\ncode\n", "<!-- a comment\n"])
def test_an_open_fence_would_hide_the_entry(workspace: Workspace, tail: str) -> None:
    text = f"# Log\n\n## 2026-01-01 Old\n\n{tail}"
    workspace.research_log.write_text(text)
    with pytest.raises(LogError, match="not closed"):
        add_entry(workspace.research_log, ENTRY.format(date="2026-01-02"))
    assert workspace.research_log.read_text() == text


def test_a_log_that_is_not_utf8_keeps_its_bytes(workspace: Workspace) -> None:
    workspace.research_log.write_bytes(b"# Caf\xe9\n")
    add_entry(workspace.research_log, ENTRY.format(date="2026-01-02"))
    after = workspace.research_log.read_bytes()
    assert after == b"# Caf\xe9\n\n---\n\n" + ENTRY.format(date="2026-01-02").encode()
