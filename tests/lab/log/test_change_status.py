"""Changing the status of an entry changes that line only."""

from __future__ import annotations

from pathlib import Path

import pytest

import lab.log
from lab.errors import LogError
from lab.workspace import Workspace

GOLDEN = Path(__file__).parents[2] / "golden" / "seeds"


@pytest.fixture
def seeds(workspace: Workspace) -> Workspace:
    workspace.research_log.write_bytes((GOLDEN / "research_log.md").read_bytes())
    workspace.experiment_log.write_bytes((GOLDEN / "training_experiments_log.md").read_bytes())
    return workspace


@pytest.mark.parametrize(
    ("name", "line", "before", "after"),
    [
        ("amp breaks", 10, "**Status**: Workaround", "**Status**: Resolved"),
        ("2", 29, "**Status**: Resolved", "**Status**: Resolved"),
        ("Open Research Questions", 103, "**Status**: To Investigate", "**Status**: Resolved"),
        ("Run 1 - All", 85, "**Status**: ✅ Complete", "**Status**: Resolved"),
    ],
)
def test_one_line_changes(seeds: Workspace, name: str, line: int, before: str, after: str) -> None:
    file = seeds.experiment_log if "Run 1" in name else seeds.research_log
    old = file.read_bytes().split(b"\n")
    changed = lab.log.status(name, "Resolved", workspace=seeds)
    new = file.read_bytes().split(b"\n")
    assert old[line - 1].decode() == before
    assert new[line - 1].decode() == after
    assert old[: line - 1] + old[line:] == new[: line - 1] + new[line:]
    assert changed.status == "Resolved"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("2026-01-20", r"3 entries match: 2026-01-20\. Name one: 1 2026-01-20 AMP Breaks"),
        ("polarization", "2 entries match"),
        ("no such entry", "No entry has this title"),
        ("Notes", r"has no status: Notes \(docs/experiment_log\.md:201\)"),
    ],
)
def test_an_entry_that_cannot_be_changed(seeds: Workspace, name: str, message: str) -> None:
    before = seeds.research_log.read_bytes() + seeds.experiment_log.read_bytes()
    with pytest.raises(LogError, match=message):
        lab.log.status(name, "Resolved", workspace=seeds)
    assert seeds.research_log.read_bytes() + seeds.experiment_log.read_bytes() == before


@pytest.mark.parametrize("status", ["", "  ", "two\nlines"])
def test_a_status_is_one_line(seeds: Workspace, status: str) -> None:
    with pytest.raises(LogError, match="one line of text"):
        lab.log.status("amp", status, workspace=seeds)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"**Status**: Open  \r\n", b"**Status**: Done  \r\n"),
        (b"**Status:** Open\n", b"**Status:** Done\n"),
        (b"**Status**:\n", b"**Status**: Done\n"),
        (b"**status** : x", b"**status** : Done"),
    ],
)
def test_marks_spaces_and_ending_stay(workspace: Workspace, line: bytes, expected: bytes) -> None:
    workspace.research_log.write_bytes(b"## One\n\n```\n**Status**: code\n```\n" + line)
    lab.log.status("One", "Done", workspace=workspace)
    assert workspace.research_log.read_bytes().endswith(b"```\n" + expected)
    assert b"**Status**: code" in workspace.research_log.read_bytes()
