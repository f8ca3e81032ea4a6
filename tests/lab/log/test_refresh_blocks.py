"""Entries are records of their day: new runs are told, and taken in on request."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from helpers import seeded_runs
from typer.testing import CliRunner

import lab.log
from lab.cli import app
from lab.errors import LogError
from lab.log.book import Book
from lab.log.evidence.comment import blocks_of
from lab.log.evidence.snapshot import evidence_folder
from lab.workspace import Workspace

QUERY = "suite.name == night and width > 0"


@pytest.fixture
def log(workspace: Workspace) -> Path:
    night(workspace, {64: [0.50, 0.51, 0.52], 128: [0.60, 0.61, 0.62]}, start=0)
    lab.log.new("research", "Width", runs=QUERY, by="width", date="2026-01-20", workspace=workspace)
    lab.log.new("research", "Other", runs="width == 64", by="width", date="2026-01-21",
                workspace=workspace)  # fmt: skip
    return workspace.research_log


def night(workspace: Workspace, values: dict[int, list[float]], *, start: int) -> None:
    seeded_runs(
        workspace.runs,
        "width",
        values,
        start=start,
        suite={"name": "night", "arm": "a"},
    )


def later(workspace: Workspace) -> None:
    night(workspace, {64: [0.50], 256: [0.71, 0.72]}, start=30)


def test_new_runs_are_a_note_and_no_fault(workspace: Workspace, log: Path) -> None:
    assert lab.log.examine(workspace=workspace).notes == ()
    later(workspace)
    found = lab.log.examine(workspace=workspace)
    assert found.holds
    assert [note.line for note in found.notes] == [
        block.start for block in blocks_of(Book.read(log)) if block.spec["kind"] == "comparison"
    ]
    assert f'3 new runs match --runs "{QUERY}"' in found.notes[0].text
    assert "one new run matches" in found.notes[1].text


def test_a_failed_run_is_no_news_and_is_not_taken_in(workspace: Workspace, log: Path) -> None:
    failed = {"suite": {"name": "night", "arm": "a"}, "status": "failed"}
    seeded_runs(workspace.runs, "width", {256: [0.7]}, start=30, **failed)
    assert lab.log.examine(workspace=workspace).notes == ()
    seeded_runs(workspace.runs, "width", {256: [0.7]}, start=31, suite=failed["suite"])
    (note,) = lab.log.examine(workspace=workspace).notes
    assert note.text.startswith("one new run matches")
    made = lab.log.renew(entry="Width", extend=True, workspace=workspace)
    assert set(made.taken_in.values()) == {1}
    taken = next(blocks_of(Book.read(log))).spec["runs"]
    assert "20260120_103100" in taken
    assert "20260120_103000" not in taken


def test_blocks_that_stay_are_told_a_line_for_each_reason(
    workspace: Workspace, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_WORKSPACE", str(workspace.root))
    shutil.move(workspace.runs, workspace.root / "elsewhere")
    workspace.runs.mkdir()
    told = CliRunner().invoke(app, ["log", "refresh", "--extend"]).output.splitlines()
    places = [f"docs/research_log.md:{block.start}" for block in blocks_of(Book.read(log))]
    assert (
        told[0] == f"4 blocks left as written (runs not here): {', '.join(places[:3])} and 1 more"
    )
    assert len(told) == 2


def test_runs_that_do_not_match_are_no_news(workspace: Workspace, log: Path) -> None:
    seeded_runs(workspace.runs, "depth", {1: [0.1]}, start=30, suite={"name": "night", "arm": "b"})
    assert lab.log.examine(workspace=workspace).notes == ()


def test_extend_takes_them_in(workspace: Workspace, log: Path) -> None:
    later(workspace)
    before = log.read_text()
    assert lab.log.refresh(workspace=workspace) == []
    assert log.read_text() == before
    made = lab.log.renew(entry="Width", extend=True, workspace=workspace)
    assert len(made.rewritten) == 2
    assert set(made.taken_in.values()) == {3}
    text = log.read_text()
    assert "| **256** | 2 | **71.5% ± 0.7** |" in text
    after = lab.log.examine(workspace=workspace)
    assert after.holds
    assert len(after.notes) == 1  # of the other entry, which was not asked for
    names = {block.id for block in blocks_of(Book.read(log))}
    assert {path.stem for path in evidence_folder(workspace).glob("*.json")} == names


def test_extend_keeps_every_word_outside(workspace: Workspace, log: Path) -> None:
    log.write_text(log.read_text().replace("### Impact", "My own 61.0%.\n\n### Impact"))
    later(workspace)

    def prose(text: str) -> list[str]:
        book = Book.parse(Path("x.md"), text.encode())
        inside = {n for b in blocks_of(book) for n in range(b.start - 1, b.end + 1)}
        return [line for n, line in enumerate(book.lines) if n not in inside]

    before = prose(log.read_text())
    lab.log.renew(extend=True, workspace=workspace)
    assert prose(log.read_text()) == before


def test_one_entry_is_refreshed_alone(workspace: Workspace, log: Path) -> None:
    text = log.read_text()
    log.write_text(text.replace("51.0%", "52.0%"))
    assert len(lab.log.check(workspace=workspace)) > 1
    lab.log.renew(entry="2026-01-21", workspace=workspace)
    left = lab.log.check(workspace=workspace)
    assert left
    other = next(e for e in lab.log.entries(workspace=workspace) if e.title == "Other")
    assert all(drift.line < other.line for drift in left)
    lab.log.renew(entry="Width", workspace=workspace)
    assert log.read_text() == text


def test_the_commands(workspace: Workspace, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_WORKSPACE", str(workspace.root))
    lab_command = CliRunner()
    holds = lab_command.invoke(app, ["log", "check"])
    assert holds.exit_code == 0
    assert "4 blocks checked: 4 against the runs. Everything holds." in holds.stdout
    snapshot = lab_command.invoke(app, ["log", "check", "--snapshot"])
    assert snapshot.exit_code == 0
    assert "4 against the snapshots in docs/evidence" in snapshot.stdout
    later(workspace)
    new = lab_command.invoke(app, ["log", "check"])
    assert new.exit_code == 0
    for number in (1, 2):
        assert f"lab log refresh --entry {number} --extend" in new.stdout
    log.write_text(log.read_text().replace("**61.0%", "**61.9%"))
    off = lab_command.invoke(app, ["log", "check"])
    assert off.exit_code == 1
    assert "61.9%  ->  61.0%" in off.stdout
    document = lab_command.invoke(app, ["log", "check", "--json"])
    assert document.exit_code == 1
    (drift,) = json.loads(document.stdout)
    assert (drift["printed"], drift["recomputed"], drift["reason"], drift["field"]) == (
        "61.9%", "61.0%", "value changed", "val/accuracy.best",
    )  # fmt: skip
    assert drift["file"] == "docs/research_log.md"
    assert len(drift["runs"]) == 3
    extended = lab_command.invoke(app, ["log", "refresh", "--extend"])
    assert extended.exit_code == 0
    assert "took in 3 runs" in extended.stdout
    refused = lab_command.invoke(app, ["log", "refresh", "--entry", "no such"]).exception
    assert isinstance(refused, LogError)
    assert "No entry has this title" in str(refused)
