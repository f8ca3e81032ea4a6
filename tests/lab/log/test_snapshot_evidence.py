"""What a block read is committed beside the log, and gives the block again without any run."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import seeded_runs, write_run
from scenarios import night_with_failures, overfitting_run

import lab.log
from lab import numbers
from lab.log.blocks import block_text
from lab.log.book import Book
from lab.log.evidence.comment import blocks_of
from lab.log.evidence.drift import Difference
from lab.log.evidence.snapshot import evidence_folder, read_snapshot
from lab.log.evidence.source import LiveRuns
from lab.record.lazy import Shelf
from lab.workspace import Workspace


@pytest.fixture
def log(workspace: Workspace) -> Path:
    """A log with every kind of block."""
    night_with_failures(workspace.runs)
    overfitting_run(workspace.runs)
    seeded_runs(
        workspace.runs, "width", {64: [0.5, float("nan"), 0.52], 128: [0.6, 0.61, 0.62]},
        start=100, params={"epochs": 1}, data=[{"name": "toy", "sha256": "a" * 64,
        "path": "/somewhere/private"}], host="secret-host",
    )  # fmt: skip
    write_run(workspace.runs, "20260121_000000", params={"width": 256, "seed": 0}, status="failed",
              error={"type": "ValueError", "message": "no", "cell": 2})  # fmt: skip
    new = {"date": "2026-01-20", "workspace": workspace}
    lab.log.new("research", runs="pooling != none", by="pooling", rows="dataset", **new)
    lab.log.new("research", runs="width > 0", by="width", **new)
    lab.log.new("experiment", run="20251203_101500", **new)
    lab.log.new("suite", suite="overnight", **new)
    lab.log.claim("wide is better", by="width", metric="val/accuracy", expect="128>64", **new)
    return workspace.research_log


def blocks(workspace: Workspace) -> list[tuple[dict[str, object], list[str]]]:
    found = []
    for path in workspace.log_files():
        book = Book.read(path)
        for block in blocks_of(book):
            assert block.spec is not None
            lines = [line.rstrip("\n") for line in book.lines[block.start : block.end]]
            found.append((block.spec, lines))
    return found


def test_every_block_is_given_again_to_the_letter_without_runs(
    workspace: Workspace, log: Path
) -> None:
    found = blocks(workspace)
    assert {str(spec["kind"]) for spec, _ in found} == {
        "comparison", "impact", "experiment", "suite", "claim",
    }  # fmt: skip
    shutil.rmtree(workspace.runs)
    for spec, printed in found:
        snapshot = read_snapshot(workspace, str(spec["block"]))
        assert snapshot is not None
        again = block_text(spec, workspace, snapshot.source(workspace))
        assert again.strip() == "\n".join(printed).strip()


def test_a_fresh_clone_is_checked_against_the_snapshots(workspace: Workspace, log: Path) -> None:
    whole = lab.log.examine(workspace=workspace)
    assert whole.holds
    assert set(whole.sources) == {"runs"}
    shutil.rmtree(workspace.runs)
    cloned = lab.log.examine(workspace=workspace)
    assert cloned.holds
    assert cloned.sources == {"snapshot": whole.blocks}
    text = log.read_text()
    assert "61.0%" in text
    log.write_text(text.replace("61.0%", "61.1%", 1))
    (drift,) = lab.log.examine(workspace=workspace).drifts
    assert (drift.printed, drift.recomputed) == ("61.1%", "61.0%")


def test_a_clone_with_runs_of_its_own_uses_both(workspace: Workspace, log: Path) -> None:
    shutil.rmtree(workspace.runs)
    overfitting_run(workspace.runs)
    found = lab.log.examine(workspace=workspace)
    assert found.holds
    assert found.sources["runs"] == 1
    assert found.sources["snapshot"] == found.blocks - 1


def test_a_run_deleted_where_it_was_is_missing_even_if_it_was_the_only_one(
    workspace: Workspace, log: Path
) -> None:
    for run in ("20251203_101500", "20251201_090000"):
        shutil.rmtree(workspace.runs / run)
    assert "run missing" in {d.reason for d in lab.log.check(workspace=workspace)}


def test_a_torn_list_of_seen_runs_stops_no_check(workspace: Workspace, log: Path) -> None:
    seen = workspace.runs / ".index-cited"
    seen.write_bytes(b"\xff\xfe" + seen.read_bytes()[:-5])
    assert lab.log.check(workspace=workspace) == []


def test_every_number_knows_its_runs_field_aggregation_and_rounding(
    workspace: Workspace, log: Path
) -> None:
    (spec,) = [s for s, _ in blocks(workspace) if s["kind"] == "comparison" and s["by"] == "width"]
    stored = json.loads((evidence_folder(workspace) / f"{spec['block']}.json").read_text())
    means = [n for n in stored["numbers"] if n["aggregation"] == "mean over 3 runs"]
    assert {n["text"] for n in means} == {"61.0%"}
    for number in means:
        assert number["field"] == "val/accuracy.best"
        assert number["rounding"] == "percent, 1 decimal"
        values = [
            json.loads((workspace.runs / run / "summary.json").read_text())["val/accuracy"]["best"]
            for run in number["runs"]
        ]
        assert number["value"] == pytest.approx(statistics.fmean(values), abs=1e-15)
    sds = [n for n in stored["numbers"] if n["aggregation"] == "standard deviation over 3 runs"]
    assert {n["text"] for n in sds} == {"1.0"}
    assert all(n["value"] == pytest.approx(0.01) for n in sds)


@pytest.mark.parametrize("kind", ["comparison", "impact", "experiment", "suite", "claim"])
def test_no_measured_number_is_without_a_source(workspace: Workspace, log: Path, kind: str) -> None:
    """Only counts, levels of tests, and names have none; a measured value is a decimal."""
    for spec, _ in blocks(workspace):
        if spec["kind"] != kind:
            continue
        stored = json.loads((evidence_folder(workspace) / f"{spec['block']}.json").read_text())
        bare = [n["text"] for n in stored["numbers"] if n["field"] is None]
        assert [text for text in bare if "." in text] == []


def test_only_what_was_read_is_kept(workspace: Workspace, log: Path) -> None:
    text = "".join(path.read_text() for path in evidence_folder(workspace).glob("*.json"))
    assert "somewhere" not in text
    assert "secret-host" not in text
    assert '"toy"' in text  # the name of the data is compared


def test_the_same_log_gives_the_same_bytes(workspace: Workspace, log: Path) -> None:
    folder = evidence_folder(workspace)
    before = {path.name: path.read_bytes() for path in folder.glob("*.json")}
    shutil.rmtree(folder)
    code = "import lab.log; lab.log.renew()"
    environment = os.environ | {"LAB_WORKSPACE": str(workspace.root), "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert {path.name: path.read_bytes() for path in folder.glob("*.json")} == before
    assert before


def test_a_snapshot_changed_by_hand_is_told(workspace: Workspace, log: Path) -> None:
    path = next(
        path for path in evidence_folder(workspace).glob("*.json") if "61.0%" in path.read_text()
    )
    path.write_text(path.read_text().replace("0.62", "0.63"))
    for runs in (True, False):
        if not runs:
            shutil.rmtree(workspace.runs)
        drifts = lab.log.check(workspace=workspace)
        assert drifts[0].file == f"docs/evidence/{path.name}"
        assert drifts[0].reason == "evidence changed"


def test_blocks_without_a_snapshot_are_told_and_mended(workspace: Workspace, log: Path) -> None:
    shutil.rmtree(evidence_folder(workspace))
    found = lab.log.examine(workspace=workspace)
    assert found.holds
    assert "without a snapshot" in found.notes[-1].text
    made = lab.log.renew(workspace=workspace)
    assert made.rewritten == []
    assert len(made.snapshots) == found.blocks
    assert lab.log.examine(workspace=workspace).notes == ()


def test_words_of_another_version_are_no_drift_but_numbers_are(
    workspace: Workspace, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    templates = workspace.templates
    templates.mkdir()
    own = templates / "experiment.md.j2"
    own.write_text("**Results** in other words: {{ experiment.took }}\n")
    found = lab.log.examine(workspace=workspace)
    assert found.holds
    assert any("worded otherwise" in note.text for note in found.notes)
    # With a run that changed, it is more than the words.
    path = workspace.runs / "20251203_101500" / "run.json"
    path.write_text(path.read_text().replace("7384.0", "7584.0"))
    assert not lab.log.examine(workspace=workspace).holds


def test_a_list_that_one_run_lacks_is_given_back_as_it_is(workspace: Workspace, log: Path) -> None:
    """Here the failed run has read no data."""
    spec, _ = blocks(workspace)[2]
    snapshot = read_snapshot(workspace, str(spec["block"]))
    assert snapshot is not None
    stored = snapshot.source(workspace)
    read = {"20260120_114000": [{"name": "toy", "sha256": "a" * 64}], "20260121_000000": []}
    assert {i: stored.run(i).record.get("data", []) for i in read} == read
    assert snapshot.still_said_by(LiveRuns(workspace, Shelf(workspace)))


def test_a_number_that_this_version_tells_in_other_digits_is_no_drift(
    workspace: Workspace, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbers, "digits_apart", lambda *_: 2)  # "50.000%" where it was "50.0%"
    found = lab.log.examine(workspace=workspace)
    assert found.holds
    assert any("worded otherwise" in note.text for note in found.notes)
    text = log.read_text()
    assert "61.0% ± 1.0" in text
    log.write_text(text.replace("61.0% ± 1.0", "61% ± 1.0"))  # by hand, and so not what was told
    assert not lab.log.examine(workspace=workspace).holds


@pytest.mark.parametrize(
    ("printed", "now", "same"),
    [
        ("99.3%", "99.27%", True),
        ("99.3%", "99.36%", False),
        ("99.27%", "99.3%", True),
        ("0.368", "0.36805", True),
        ("-0.4", "0.4", False),
        ("99.3%", "99.3", False),
        ("5", "5.2%", False),
        ("6m59s", "7", False),
        ("2.5e-07", "2.51e-07", True),
    ],
)
def test_one_number_in_more_or_fewer_digits(printed: str, now: str, same: bool) -> None:
    place = Difference(0, (0, 1), printed, now, None, is_number=True, reworded=False)
    assert place.in_other_digits is same
