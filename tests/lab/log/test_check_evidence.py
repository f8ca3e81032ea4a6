"""Generated numbers are checked against runs/, rewritten on demand, and prose is never touched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from scenarios import overfitting_run, pooling_night

import lab.log
from lab.log.book import Book
from lab.log.evidence import blocks_of, wrapped
from lab.workspace import Workspace


@pytest.fixture
def log(workspace: Workspace) -> Path:
    """A log with a comparison and an experiment, and words of the researcher around them."""
    lab.log.new(
        "research", runs=pooling_night(workspace.runs), by="pooling", rows="dataset",
        finding="In my own words.", date="2026-01-20", workspace=workspace,
    )  # fmt: skip
    overfitting_run(workspace.runs)
    lab.log.new("experiment", run="20251203_101500", date="2026-01-20", workspace=workspace)
    return workspace.research_log


def change_run(workspace: Workspace, run_id: str, metric: str, value: float) -> None:
    path = workspace.runs / run_id / "summary.json"
    summary = json.loads(path.read_text())
    summary[metric] |= {"best": value, "last": value}
    path.write_text(json.dumps(summary))


def test_what_was_just_written_holds(workspace: Workspace, log: Path) -> None:
    assert lab.log.check(workspace=workspace) == []
    assert lab.log.refresh(workspace=workspace) == []
    blocks = [
        block for book in (log, workspace.experiment_log) for block in blocks_of(Book.read(book))
    ]
    assert [block.spec and block.spec["kind"] for block in blocks] == [
        "comparison",
        "impact",
        "experiment",
    ]


def test_a_run_that_changed_is_found(workspace: Workspace, log: Path) -> None:
    change_run(workspace, "20260119_230202", "val/accuracy", 0.582)
    drifts = lab.log.check(workspace=workspace)
    lines = log.read_text().split("\n")
    assert {drift.file for drift in drifts} == {"docs/research_log.md"}
    for drift in drifts:
        assert lines[drift.line - 1] == drift.printed
    table = next(drift for drift in drifts if drift.printed.startswith("| cifar10"))
    assert "**48.0% ± 0.2** | +1.6 points" in table.printed
    assert "**53.0% ± 7.3** | +6.6 points" in table.recomputed
    assert any("better than `mean` on average" in drift.printed for drift in drifts)
    assert f"docs/research_log.md:{table.line}" in str(table)


def test_a_number_edited_by_hand_is_found(workspace: Workspace, log: Path) -> None:
    text = log.read_text().replace("+1.6 points |", "+2.6 points |")
    log.write_text(text)
    (drift,) = lab.log.check(workspace=workspace)
    assert "+2.6 points" in drift.printed
    assert "+1.6 points" in drift.recomputed
    assert drift.as_dict().keys() == {"file", "line", "printed", "recomputed", "missing"}


def test_a_line_removed_or_added_is_found(workspace: Workspace, log: Path) -> None:
    lines = log.read_text().split("\n")
    row = next(i for i, line in enumerate(lines) if line.startswith("| etth1"))
    log.write_text("\n".join(lines[:row] + lines[row + 1 :]))
    (missing,) = lab.log.check(workspace=workspace)
    assert (missing.printed, missing.recomputed) == ("", lines[row])
    log.write_text("\n".join([*lines[:row], "| mnist | 1 | 2 | 3 | 4 |", *lines[row:]]))
    (extra,) = lab.log.check(workspace=workspace)
    assert (extra.printed, extra.recomputed) == ("| mnist | 1 | 2 | 3 | 4 |", "")
    assert extra.line == row + 1


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_refresh_rewrites_the_blocks_only(workspace: Workspace, log: Path, newline: str) -> None:
    edited = log.read_text().replace("In my own words.", "In my own words, 99.9% sure. ")
    edited = edited.replace("- [ ] Run", "- [x] Run") + "\nA last word  "
    log.write_bytes(edited.replace("\n", newline).encode())
    before = log.read_bytes().split(newline.encode())
    change_run(workspace, "20260119_230202", "val/accuracy", 0.582)
    drifted = {drift.line for drift in lab.log.check(workspace=workspace)}
    places = lab.log.refresh(workspace=workspace)
    assert len(places) == 1
    assert lab.log.check(workspace=workspace) == []
    after = log.read_bytes().split(newline.encode())
    changed = {i + 1 for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b}
    assert changed == drifted
    assert b"53.0%" in log.read_bytes()


def test_runs_that_are_gone_are_named_and_their_block_kept(workspace: Workspace, log: Path) -> None:
    shutil.rmtree(workspace.runs / "20260119_230202")
    drifts = lab.log.check(workspace=workspace)
    assert len(drifts) == 2
    assert all("20260119_230202" in drift.recomputed for drift in drifts)
    before = log.read_bytes()
    assert lab.log.refresh(workspace=workspace) == []
    assert log.read_bytes() == before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"kind": "comparison"', '"kind": "comparision"', "Unknown kind of block: comparision"),
        ('"by": "pooling"', '"bye": "pooling"', "incomplete: 'by'"),
        ('{"block"', "{block", "cannot be read"),
        ("<!-- /lab:evidence -->", "", "not closed"),
    ],
)
def test_evidence_that_was_broken_by_hand(
    workspace: Workspace, log: Path, old: str, new: str, message: str
) -> None:
    log.write_text(log.read_text().replace(old, new, 1))
    assert any(message in drift.recomputed for drift in lab.log.check(workspace=workspace))
    before = log.read_bytes()
    lab.log.refresh(workspace=workspace)
    assert log.read_bytes() == before


def test_examples_in_code_fences_are_no_blocks(workspace: Workspace) -> None:
    text = wrapped({"kind": "nothing"}, "text")
    workspace.research_log.write_text(f"## One\n\n```\n{text}\n```\n")
    assert lab.log.check(workspace=workspace) == []


def test_evidence_cannot_end_its_comment() -> None:
    text = wrapped({"kind": "suite", "suite": "a --> b -- c"}, "text")
    first = text.split("\n", 1)[0]
    assert first.count("-->") == 1
    assert first.removesuffix(" -->").count("--") == 1
    book = Book.parse(Path("x.md"), text.encode())
    (block,) = blocks_of(book)
    assert block.spec is not None
    assert block.spec["suite"] == "a --> b -- c"


def test_no_viewer_shows_the_evidence(workspace: Workspace, log: Path) -> None:
    from markdown_it import MarkdownIt

    html = MarkdownIt("commonmark").enable("table").render(log.read_text())
    shown = html.replace("<!--", "\0<!--").split("\0")
    visible = "".join(part.split("-->", 1)[-1] for part in shown)
    assert "evidence" not in visible
    assert "<table>" in visible
    assert "<strong>48.0% ± 0.2</strong>" in visible
