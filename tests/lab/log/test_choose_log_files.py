"""Entries without a file given go where `[tool.lab] logs` would find them."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import seeded_runs, write_workspace

import lab.log
from lab.workspace import Workspace

UNDATED = "# How we label\n\n## First pass\n\n- [ ] agree on classes\n"


def custom(root: Path, logs: str) -> Workspace:
    write_workspace(root)
    (root / "pyproject.toml").write_text(f"[tool.lab]\nlogs = {logs}\n", "utf-8")
    return Workspace.load(root)


@pytest.mark.parametrize(
    ("logs", "research", "own"),
    [
        ('["docs/research_log.md", "write_ups/**/*.md"]', "docs/research_log.md", "write_ups/N.md"),
        ('["notes/*.md"]', "notes/research_log.md", "notes/N.md"),
        ('["LOG.md"]', "LOG.md", "LOG.md"),
        ('["LOG.md", "notes/*/log_*.md"]', "LOG.md", "LOG.md"),  # which folder nobody said
        ('["LOG.md", "notes/log_*.md"]', "LOG.md", "notes/log_N.md"),
    ],
)
def test_what_is_written_is_found_again(tmp_path: Path, logs: str, research: str, own: str) -> None:
    workspace = custom(tmp_path / "w", logs)
    seeded_runs(workspace.runs, "pooling", {"mean": [0.4, 0.5], "max": [0.5, 0.6]})
    (tmp_path / "How we label.md").write_text(UNDATED, "utf-8")
    given = {"workspace": workspace}
    by_hand = lab.log.new("research", "By hand", finding="It is so.", **given)
    campaign = lab.log.new("campaign", "Pooling", runs="seed < 9", by="pooling", **given)
    imported = lab.log.import_entries(tmp_path / "How we label.md", **given)
    assert workspace.relative(by_hand.file) == research
    assert workspace.relative(campaign.file) == own.replace("N", "pooling")
    assert imported.target == own.replace("N", "how_we_label")
    titles = {entry.title for entry in lab.log.entries(**given)}
    assert titles == {"By hand", "Pooling", "First pass"}
    assert lab.log.check(**given) == []
