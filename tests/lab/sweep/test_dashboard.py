"""A study as optuna-dashboard shows it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from sweep_notebook import SPACE, write_space, write_tiny

from lab.sweep.runner import run_sweep
from lab.workspace import Workspace


def get(address: str) -> dict[str, Any]:
    for _ in range(1200):
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except urllib.error.URLError:
            time.sleep(0.1)
    raise AssertionError("the dashboard did not start")


def test_the_dashboard_opens_the_journal_of_a_study(workspace: Workspace) -> None:
    write_tiny(workspace.root)
    text = SPACE.replace("n_trials: 6", "n_trials: 2").replace("steps: 2", "steps: 1")
    study = run_sweep(write_space(workspace.root, text), workspace=workspace).study
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    journal = workspace.runs / "studies" / "tiny" / "journal.log"
    dashboard = Path(sys.executable).with_name("optuna-dashboard")
    server = subprocess.Popen(
        [dashboard, journal, "--host", "127.0.0.1", "--port", port],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        (shown,) = get(f"http://127.0.0.1:{port}/api/studies")["study_summaries"]
        assert shown["study_name"] == "tiny"
        trials = get(f"http://127.0.0.1:{port}/api/studies/{shown['study_id']}")["trials"]
    finally:
        server.terminate()
        server.wait()
    assert [trial["state"] for trial in trials] == ["Complete", "Complete"]
    assert [trial["values"] for trial in trials] == [[t.value] for t in study.trials]
