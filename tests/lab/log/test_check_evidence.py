"""Generated numbers are checked against runs/, rewritten on demand, and prose is never touched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from scenarios import overfitting_run, pooling_night

import lab.log
from lab.log.book import Book
from lab.log.evidence.comment import blocks_of, wrapped
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


def test_a_run_that_changed_is_found_number_by_number(workspace: Workspace, log: Path) -> None:
    change_run(workspace, "20260119_230202", "val/accuracy", 0.582)
    drifts = lab.log.check(workspace=workspace)
    lines = log.read_text().split("\n")
    assert {drift.file for drift in drifts} == {"docs/research_log.md"}
    for drift in drifts:
        assert drift.printed in lines[drift.line - 1]
    row = next(i for i, line in enumerate(lines, 1) if line.startswith("| cifar10"))
    found = {d.printed: d for d in drifts if d.line == row}
    assert {printed: drift.recomputed for printed, drift in found.items()} == {
        "48.0%": "53.0%",
        "0.2": "7.3",
        "+1.6": "+6.6",
    }
    mean = found["48.0%"]
    assert mean.reason == "value changed"
    assert mean.runs == ("20260119_230202", "20260119_230302")
    assert (mean.field, mean.aggregation) == ("val/accuracy.best", "mean over 2 runs")
    assert found["+1.6"].runs[:2] == ("20260119_230202", "20260119_230302")
    assert f"docs/research_log.md:{row}" in str(mean)


def test_every_digit_of_a_table_is_guarded(workspace: Workspace, log: Path) -> None:
    text = log.read_text()
    lines = text.split("\n")
    row = next(i for i, line in enumerate(lines) if line.startswith("| cifar10"))
    digits = [i for i, c in enumerate(lines[row]) if c.isdigit() and i > len("| cifar10")]
    assert len(digits) > 10
    for i in digits:
        other = str((int(lines[row][i]) + 1) % 10)
        tampered = lines[row][:i] + other + lines[row][i + 1 :]
        log.write_text("\n".join([*lines[:row], tampered, *lines[row + 1 :]]))
        drifts = lab.log.check(workspace=workspace)
        assert [drift.line for drift in drifts] == [row + 1]
        assert drifts[0].reason == "value changed"
        assert "Edited by hand" in drifts[0].detail
    assert "+1.6" in text


def test_a_number_edited_by_hand_is_found(workspace: Workspace, log: Path) -> None:
    text = log.read_text().replace("+1.6 points |", "+2.6 points |")
    log.write_text(text)
    (drift,) = lab.log.check(workspace=workspace)
    assert (drift.printed, drift.recomputed) == ("+2.6", "+1.6")
    assert {"file", "line", "printed", "recomputed", "reason", "runs", "field"} <= set(
        drift.as_dict()
    )


def test_words_changed_by_hand_are_found(workspace: Workspace, log: Path) -> None:
    text = log.read_text()
    assert "**cifar10**: `attention`" in text
    log.write_text(text.replace("**cifar10**: `attention`", "**cifar10**: `mean`"))
    (drift,) = lab.log.check(workspace=workspace)
    assert drift.reason == "text changed"
    assert "`mean`" in drift.printed
    assert "`attention`" in str(drift.recomputed)


def test_moving_copying_and_formatting_break_nothing(workspace: Workspace, log: Path) -> None:
    text = log.read_text()
    head, entry = text.split("## 2026-01-20", 1)
    padded = [
        line.replace(" | ", "   |  ").replace("---:", "--------:") if line[:1] == "|" else line
        for line in f"## 2026-01-20{entry}".split("\n")
    ]
    (workspace.root / "docs" / "experiments").mkdir()
    moved = workspace.root / "docs" / "experiments" / "campaign.md"
    moved.write_text("# Campaign\n\n" + "\n".join(padded) + f"\n## 2026-01-20{entry}")
    log.write_text(f"{head}Prose with 12.3% in it.\n")
    assert lab.log.check(workspace=workspace) == []
    before = moved.read_bytes()
    assert lab.log.refresh(workspace=workspace) == []
    assert moved.read_bytes() == before


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


def test_a_run_that_is_gone_is_named_with_the_numbers_it_leaves_open(
    workspace: Workspace, log: Path
) -> None:
    shutil.rmtree(workspace.runs / "20260119_230202")
    drifts = lab.log.check(workspace=workspace)
    assert {drift.reason for drift in drifts} == {"run missing"}
    assert {drift.runs for drift in drifts} == {("20260119_230202",)}
    row = next(i for i, x in enumerate(log.read_text().split("\n"), 1) if x.startswith("| cifar"))
    assert [d.printed for d in drifts if d.line == row] == ["48.0%", "0.2", "+1.6"]
    assert all(drift.recomputed is None for drift in drifts)
    before = log.read_bytes()
    assert lab.log.refresh(workspace=workspace) == []
    assert log.read_bytes() == before


def test_a_run_is_not_replaced_by_one_whose_name_begins_alike(
    workspace: Workspace, log: Path
) -> None:
    run = workspace.runs / "20260119_230202"
    run.rename(workspace.runs / "20260119_230202-2")
    assert {d.reason for d in lab.log.check(workspace=workspace)} == {"run missing"}


def test_a_run_that_is_no_longer_done_is_named(workspace: Workspace, log: Path) -> None:
    path = workspace.runs / "20260119_230202" / "run.json"
    path.write_text(path.read_text().replace('"status": "done"', '"status": "failed"'))
    drifts = lab.log.check(workspace=workspace)
    assert {drift.reason for drift in drifts} == {"run no longer done"}
    row = next(i for i, x in enumerate(log.read_text().split("\n"), 1) if x.startswith("| cifar"))
    found = {drift.printed: drift.recomputed for drift in drifts if drift.line == row}
    assert found["48.0%"] == "47.9%"
    assert {drift.runs for drift in drifts} == {("20260119_230202",)}


def test_an_archived_run_still_counts(workspace: Workspace, log: Path) -> None:
    (workspace.runs / "archive").mkdir()
    (workspace.runs / "20260119_230202").rename(workspace.runs / "archive" / "20260119_230202")
    assert lab.log.check(workspace=workspace) == []


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
    assert any(message in drift.detail for drift in lab.log.check(workspace=workspace))
    before = log.read_bytes()
    lab.log.refresh(workspace=workspace)
    assert log.read_bytes() == before


def test_a_block_without_its_evidence_is_told(workspace: Workspace, log: Path) -> None:
    lines = log.read_text().splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if line.startswith("<!-- lab:evidence"))
    log.write_text("".join([*lines[:at], *lines[at + 1 :]]))
    (drift,) = lab.log.check(workspace=workspace)
    assert drift.reason == "evidence changed"
    end = next(i for i, line in enumerate(lines) if line.startswith("<!-- /lab:evidence"))
    assert str(drift).startswith(
        f"docs/research_log.md:{end}  A generated block ends here, and the comment that opened it"
    )
    assert "->" not in str(drift)


def test_a_block_without_any_line_is_told(workspace: Workspace, log: Path) -> None:
    lines = log.read_text().splitlines(keepends=True)
    start, end = (
        next(i for i, line in enumerate(lines) if line.startswith(f"<!-- {mark}lab:evidence"))
        for mark in ("", "/")
    )
    log.write_text("".join([*lines[: start + 1], *lines[end:]]))
    drifts = lab.log.check(workspace=workspace)
    assert {(drift.line, drift.printed) for drift in drifts} == {(start + 2, "")}
    lab.log.refresh(workspace=workspace)
    assert log.read_text() == "".join(lines)


def test_evidence_edited_by_hand_is_told(workspace: Workspace, log: Path) -> None:
    log.write_text(log.read_text().replace('"20260119_230202", ', "", 1))
    drifts = lab.log.check(workspace=workspace)
    (edited,) = [drift for drift in drifts if drift.reason == "evidence changed"]
    assert "edited by hand" in edited.detail
    assert len(drifts) > 1  # what the remaining runs give is no longer what is printed
    lab.log.refresh(workspace=workspace)
    assert lab.log.check(workspace=workspace) == []


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
