"""Entries from runs, whole, against golden files that a person has read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scenarios import night_with_failures, overfitting_run, pooling_night

import lab.log
from lab.record.run import Run
from lab.workspace import Workspace

GOLDEN = Path(__file__).parents[2] / "golden" / "entries"
DATE = "2026-01-20"

CASES: dict[str, tuple[Callable[..., list[Run]], str, dict[str, Any]]] = {
    "research_rows": (pooling_night, "research", {"by": "pooling", "rows": "dataset"}),
    "research_five_seeds": (
        lambda runs: pooling_night(runs, seeds=5)[:10],
        "research",
        {"by": "pooling", "metric": "val/accuracy"},
    ),
    "research_one_seed": (
        lambda runs: pooling_night(runs, seeds=1)[:2],
        "research",
        {"by": "pooling", "title": "Is attention pooling worth it?", "status": "Open",
         "category": "Ablation", "finding": "Attention looked promising by eye.",
         "impact": "- Read the literature first", "actions": ["Ask a colleague"],
         "related": ["ARCHITECTURE.md", "a talk of last week"]},
    ),
    "experiment": (overfitting_run, "experiment", {"run": "20251203_101500"}),
    "experiment_without_baseline": (overfitting_run, "experiment", {"run": "20251201_090000"}),
    "suite": (pooling_night, "suite", {"suite": "pilot", "by": "pooling"}),
    "suite_with_failures": (night_with_failures, "suite", {"suite": "overnight", "by": "arm"}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_entry_is_the_one_that_was_read(workspace: Workspace, name: str) -> None:
    build, kind, options = CASES[name]
    runs = build(workspace.runs)
    if kind == "research":
        options = options | {"runs": runs}
    entry = lab.log.new(kind, date=DATE, workspace=workspace, **options)
    assert entry.text == (GOLDEN / f"{name}.md").read_text(encoding="utf-8")
    assert entry.line is not None
    log = entry.file.read_text(encoding="utf-8")
    assert log.endswith(entry.text)
    assert log.split("\n")[entry.line - 1] == f"## {DATE} {entry.title}"
    assert lab.log.check(workspace=workspace) == []
    listed = lab.log.entries(workspace=workspace)
    assert [(e.title, e.date) for e in listed] == [(entry.title, DATE)]
    assert len(listed[0].actions) == entry.text.count("- [ ]") > 0


@pytest.mark.parametrize("name", CASES)
def test_a_dry_run_writes_nothing(workspace: Workspace, name: str) -> None:
    build, kind, options = CASES[name]
    runs = build(workspace.runs)
    if kind == "research":
        options = options | {"runs": runs}
    entry = lab.log.new(kind, date=DATE, workspace=workspace, dry_run=True, **options)
    assert entry.line is None
    assert entry.text == (GOLDEN / f"{name}.md").read_text(encoding="utf-8")
    assert list((workspace.root / "docs").iterdir()) == []
