"""The main job through the command line, with real kernels: run, suite, compare, log."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.workspace import Workspace

Lab = Callable[..., Any]

SUITE = """
name: night
workers: 2
matrix: {seed: [0, 1]}
defaults: {notebook: notebooks/toy.ipynb}
runs:
  - {arm: long, params: {epochs: 3}}
  - {arm: short}
log: {kind: research, by: arm, title: "Do more epochs pay?", category: Training}
"""


@pytest.fixture
def night(workspace: Workspace, toy: Path) -> Path:
    path = workspace.root / "night.yaml"
    path.write_text(SUITE, encoding="utf-8")
    return path


def test_one_run(lab: Lab, workspace: Workspace, toy: Path) -> None:
    said = lab("run", "notebooks/toy.ipynb", "-p", "epochs=3", "--tag", "first", "--json")
    assert said.code == 0, said.err
    run = json.loads(said.out)
    assert (run["status"], run["seed"], run["tags"]) == ("done", 0, ["first"])
    assert run["params"] == {"epochs": 3, "seed": 0, "mode": "good"}
    assert run["metrics"]["train/loss"] == {
        "last": pytest.approx(1 / 3), "best": pytest.approx(1 / 3), "best_step": 3, "goal": "min",
    }  # fmt: skip
    assert json.loads(lab("runs", "--json").out) == [run]
    assert json.loads(lab("show", run["id"], "--json").out) == run
    page = lab("show", run["id"]).out
    assert "83.3%" in page
    assert "notebooks/toy.ipynb" in page

    again = lab("rerun", run["id"][:15], "--json")
    assert json.loads(again.out)["metrics"] == run["metrics"]
    assert len(json.loads(lab("runs", "--json").out)) == 2
    assert lab("check").code == 0


def test_help_lists_the_notebooks_own_parameters(lab: Lab, toy: Path) -> None:
    said = lab("run", "notebooks/toy.ipynb", "--help")
    assert said.code == 0
    for word in ("epochs", "int", "2", "passes", "mode", "'good'", "good or bad"):
        assert word in said.out


def test_a_failed_run_is_a_result(lab: Lab, toy: Path) -> None:
    said = lab("run", "notebooks/toy.ipynb", "-p", "mode=bad")
    assert said.code == 1
    assert "ValueError in cell 5: asked to be bad" in said.out
    (run,) = json.loads(lab("runs", "--where", "status == failed", "--json").out)
    assert run["error"]["cell"] == 5
    assert run["metrics"]["val/accuracy"]["last"] == 0.75


def test_a_suite_becomes_an_entry_and_resumes(lab: Lab, workspace: Workspace, night: Path) -> None:
    plan = json.loads(lab("suite", "run", "night.yaml", "--dry-run", "--json").out)
    assert [(item["arm"], item["matrix"], item["due"]) for item in plan] == [
        ("long", {"seed": 0}, True), ("long", {"seed": 1}, True),
        ("short", {"seed": 0}, True), ("short", {"seed": 1}, True),
    ]  # fmt: skip
    assert list(workspace.runs.glob("*/run.json")) == []

    said = lab("suite", "run", "night.yaml")
    assert said.code == 0, said
    log = workspace.root / "docs" / "research_log.md"
    entry = log.read_text(encoding="utf-8")
    assert re.search(r"^## \d{4}-\d\d-\d\d Do more epochs pay\?$", entry, re.MULTILINE)
    for line in ("**Category**: Training", "**Status**:", "### Finding", "### Impact"):
        assert line in entry
    assert "- [ ]" in entry.partition("### Action Items")[2]
    # 1 - 0.5/3 + (0 + 0.01)/2 and 1 - 0.5/2 + 0.005, by hand
    assert "**83.8% ± 0.7**" in entry
    assert "75.5%" in entry
    assert "docs/research_log.md" in said.out
    assert said.out.count("long observed") == 1  # told in the verdict, and not below the table
    assert "on average over 2 seeds" not in said.out
    assert lab("log", "check").code == 0

    again = lab("suite", "run", "night.yaml")
    assert again.code == 0
    assert "0 of 4 runs" in again.out
    assert log.read_text(encoding="utf-8") == entry
    status = json.loads(lab("suite", "status", "night.yaml", "--json").out)
    assert [item["due"] for item in status] == [False] * 4

    table = json.loads(lab("compare", "--by", "arm", "--json").out)
    arms = {arm["name"]: arm for row in table["rows"] for arm in row["arms"]}
    assert arms["long"]["mean"] == pytest.approx(1 - 0.5 / 3 + 0.005)
    assert arms["long"]["n"] == 2

    tampered = entry.replace("**83.8%", "**84.8%")
    log.write_text(tampered, encoding="utf-8")
    drift = lab("log", "check")
    assert drift.code == 1
    assert "84.8%" in drift.out
    lab("log", "refresh")
    assert log.read_text(encoding="utf-8") == entry

    (action, *_) = json.loads(lab("log", "actions", "--open", "--json").out)
    assert {"id", "text", "state", "file", "line", "entry", "date"} <= action.keys()
    assert lab("log", "done", action["id"]).code == 0
    before, after = entry.splitlines(), log.read_text(encoding="utf-8").splitlines()
    changed = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    assert [new for _, new in changed] == [changed[0][0].replace("[ ]", "[x]")]


def test_one_failing_run_stops_no_other(lab: Lab, workspace: Workspace, night: Path) -> None:
    text = SUITE.replace("  - {arm: short}", "  - {arm: broken, params: {mode: bad}}")
    night.write_text(text, encoding="utf-8")
    said = lab("suite", "run", "night.yaml")
    assert said.code == 1
    runs = json.loads(lab("runs", "--json").out)
    assert sorted((run["suite"]["arm"], run["status"]) for run in runs) == [
        ("broken", "failed"), ("broken", "failed"), ("long", "done"), ("long", "done"),
    ]  # fmt: skip
    assert said.out.count("ValueError in cell 5: asked to be bad") >= 2
    assert "lab suite run night.yaml" in said.out

    night.write_text(SUITE.replace("  - {arm: short}", "  - {arm: broken}"), encoding="utf-8")
    said = lab("suite", "run", "night.yaml")
    assert said.code == 0
    assert "2 of 4 runs" in said.out
