"""`lab stop`: one run ends as Ctrl-C would end it, everything else goes on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from helpers import write_run
from waiting import PATIENCE, until

import lab as library
from lab.errors import WorkFailed
from lab.record.catalogue import find_runs
from lab.record.run import Run
from lab.workspace import Workspace

Lab = Callable[..., Any]

SUITE = """
name: two
workers: 1
defaults: {notebook: notebooks/toy.ipynb}
runs:
  - {arm: long, params: {pause: 600.0}}
  - {arm: short, params: {pause: 0.0}}
"""
SWALLOWS = """
import time

try:
    time.sleep(pause)
except KeyboardInterrupt:
    print("wound up")
"""
SCRIPT = """
import signal, sys, time
import lab

run = lab.start()
if sys.argv[1] == "deaf":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
run.log({"train/loss": 1.0}, step=1)
time.sleep(600)
"""


def logging(workspace: Workspace) -> list[Run]:
    """Running runs that have logged something."""
    found = find_runs(workspace) if workspace.runs.is_dir() else []
    return [run for run in found if run.status == "running" and run.path.metrics.is_file()]


def test_one_run_of_a_suite_is_stopped_and_the_suite_goes_on(
    lab: Lab, workspace: Workspace, toy: Path
) -> None:
    document = nbformat.read(toy, 4)
    document.cells[0].source += "pause: float = 0.0  # seconds\n"
    document.cells += [nbformat.v4.new_code_cell(source) for source in (SWALLOWS, "pause / 0")]
    nbformat.write(document, toy)
    (workspace.root / "two.yaml").write_text(SUITE.replace("0.0", "0.5"), encoding="utf-8")
    suite = subprocess.Popen(
        [sys.executable, "-m", "lab.cli", "suite", "run", "two.yaml"],
        cwd=workspace.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        run = until(lambda: logging(workspace))[0]
        time.sleep(0.5)  # into the cell that swallows the interrupt
        said = lab("stop", run.id)
        assert (said.code, said.err) == (0, "")
        assert said.out.startswith(f"stopped (interrupted)  {run.id}  after ")
        assert suite.wait(PATIENCE) == 1
    finally:
        suite.kill()
        suite.wait()
    ended = {run.arm: (run.status, run.reason) for run in find_runs(workspace)}
    # The last cell would have raised: it did where nobody stopped the run.
    assert ended == {"long": ("stopped", "interrupted"), "short": ("failed", "exception")}
    assert not (run.path.root / "stop").exists()


@pytest.fixture
def script(
    workspace: Workspace, tmp_path: Path
) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(kind: str) -> subprocess.Popen[str]:
        file = tmp_path / "train.py"
        file.write_text(SCRIPT, encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, str(file), kind],
            cwd=workspace.root, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize(("kind", "code"), [("plain", None), ("deaf", -signal.SIGKILL)])
def test_a_script_is_stopped(
    workspace: Workspace,
    script: Callable[[str], subprocess.Popen[str]],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    code: int | None,
) -> None:
    monkeypatch.setattr("lab.record.stop._LAST", 0.5)
    monkeypatch.setattr("lab.record.stop._YOUNG", 0.0)
    process = script(kind)
    run = until(lambda: logging(workspace))[0]
    ended = library.stop(run.id, workspace=workspace, grace=0.5 if kind == "deaf" else PATIENCE)
    assert (ended.status, ended.reason) == ("stopped", "interrupted")
    assert process.wait(PATIENCE) is not None
    assert code is None or process.returncode == code
    assert Run.read(run.path).status == "stopped"


def test_a_notebook_open_in_jupyter_is_interrupted_and_stays(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_client.manager import KernelManager

    monkeypatch.setattr("lab.record.stop._YOUNG", 0.0)
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(workspace.root))
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=PATIENCE)
        source = 'import lab, time\nrun = lab.start()\nrun.log({"train/loss": 1.0}, step=1)'
        client.execute_interactive(source, timeout=PATIENCE, output_hook=lambda _: None)
        run = logging(workspace)[0]
        with pytest.raises(WorkFailed, match=r"goes on.*did not take the interrupt.*run.finish"):
            library.stop(run.id, workspace=workspace, grace=0.5)  # no cell runs
        assert Run.read(run.path).status == "running"
        asleep = workspace.root / "asleep"
        client.execute(f"open({str(asleep)!r}, 'w').close(); time.sleep(600)")
        until(asleep.exists)
        ended = library.stop(run.id, workspace=workspace, grace=PATIENCE)
        assert (ended.status, ended.reason) == ("stopped", "interrupted")
        assert manager.is_alive()
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"status": "done"}, "Only a running run can be stopped: 20260120_100000 is done."),
        ({"status": "running"}, "The run is on another host: elsewhere. Run `lab stop 2026"),
        ({"status": "running", "slurm_job_id": "71"}, "elsewhere. Say `scancel 71`."),
    ],
    ids=["done", "elsewhere", "Slurm"],
)
def test_what_cannot_be_stopped_is_told(
    lab: Lab, workspace: Workspace, record: dict[str, Any], words: str
) -> None:
    folder = write_run(workspace.runs, "20260120_100000", **record)
    before = json.loads((folder / "run.json").read_text())
    said = lab("stop", "20260120")
    assert said.code == 2
    assert words in said.err
    assert json.loads((folder / "run.json").read_text()) == before
    assert not (folder / "stop").exists()
