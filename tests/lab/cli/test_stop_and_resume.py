"""A suite in a process of its own that is interrupted or killed: nothing is lost, it resumes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from waiting import PATIENCE, until

from lab.workspace import Workspace

Lab = Callable[..., Any]

SUITE = """
name: long_night
workers: 2
defaults: {notebook: notebooks/toy.ipynb, params: {pause: 600.0}}
matrix: {seed: [0, 1, 2]}
runs: [{arm: a}]
"""


@pytest.fixture
def night(workspace: Workspace, toy: Path) -> Iterator[subprocess.Popen[str]]:
    """`lab suite run` under way: two of its three runs have logged, and wait."""
    document = nbformat.read(toy, 4)
    document.cells[0].source += "pause: float = 0.0  # seconds\n"
    document.cells.append(nbformat.v4.new_code_cell("import time\n\ntime.sleep(pause)"))
    nbformat.write(document, toy)
    (workspace.root / "night.yaml").write_text(SUITE, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "lab.cli", "suite", "run", "night.yaml"],
        cwd=workspace.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    until(lambda: len(logged(workspace)) == 2 or process.poll() is not None)
    assert process.poll() is None, process.communicate()[0]
    yield process
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def logged(workspace: Workspace) -> list[Path]:
    """Metrics files with both epochs in them."""
    files = workspace.runs.glob("*/metrics.jsonl")
    return [path for path in files if len(path.read_bytes().splitlines()) == 2]


def kernels(workspace: Workspace) -> list[psutil.Process]:
    """Processes that work for this workspace, known by their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            named = process.environ().get("LAB_WORKSPACE")
            ended = process.status() == psutil.STATUS_ZOMBIE
        except psutil.Error:
            continue
        if named == str(workspace.root) and not ended:
            found.append(process)
    return found


def test_ctrl_c_stops_the_runs_and_exits_1(
    lab: Lab, workspace: Workspace, night: subprocess.Popen[str]
) -> None:
    night.send_signal(signal.SIGINT)
    out, _ = night.communicate(timeout=PATIENCE)
    assert night.returncode == 1, out
    assert "lab suite run night.yaml" in out
    until(lambda: not kernels(workspace))
    runs = json.loads(lab("runs", "--json").out)
    assert [(run["status"], run["reason"]) for run in runs] == [("stopped", "interrupted")] * 2
    assert all(run["metrics"]["val/accuracy"]["last"] >= 0.75 for run in runs)
    assert lab("check").code == 0
    plan = json.loads(lab("suite", "status", "night.yaml", "--json").out)
    assert [item["due"] for item in plan] == [True] * 3
    assert "stopped (interrupted)" in plan[0]["why"]


def test_after_sigkill_the_next_reader_finds_the_runs_crashed(
    lab: Lab, workspace: Workspace, night: subprocess.Popen[str]
) -> None:
    os.killpg(night.pid, signal.SIGKILL)
    night.wait()
    until(lambda: not kernels(workspace))
    runs = json.loads(lab("runs", "--json").out)
    assert [(run["status"], run["reason"]) for run in runs] == [("crashed", "killed")] * 2
    assert all(run["metrics"]["train/loss"]["last"] == 0.5 for run in runs)
    assert lab("check").code == 0

    (workspace.root / "night.yaml").write_text(SUITE.replace("600.0", "0.0"), encoding="utf-8")
    assert lab("suite", "run", "night.yaml").code == 0
    runs = json.loads(lab("runs", "--json").out)
    assert sorted(run["status"] for run in runs) == ["crashed"] * 2 + ["done"] * 3
