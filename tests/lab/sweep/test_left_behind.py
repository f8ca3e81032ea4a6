"""A sweep whose process dies while a cluster carries on: its runs are found, none made twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sweep_notebook import write_space, write_tiny
from waiting import until

from lab.executors.submission import read_tasks
from lab.record.run import Run
from lab.sweep import Study, read_study
from lab.sweep.runner import Outcome, run_sweep
from lab.workspace import Workspace

TEXT = """\
study_name: left
notebook: notebooks/tiny.ipynb
objective: val/accuracy
n_trials: 2
confirm: {top: 1, seeds: 1, final_seeds: 1}
sampler: {name: random, seed: 2}
slurm: {cpus: 1, time: 10m}
fixed: {steps: 3}
param_ranges:
  x: {type: float, low: 0.0, high: 1.0}
"""
# It goes on from its second step when the file is there.
BODY = """\
import time
from pathlib import Path
import lab

run = lab.start()
for step in range(steps):
    while step and not Path("go").exists():
        time.sleep(0.05)
    value = 1 - (x - 0.3) ** 2 + 0.01 * step + 0.001 * seed
    run.log({"val/accuracy": value}, step=step)
    if run.report(value, step=step):
        break
"""


def begun(
    workspace: Workspace, on: str, far_enough: Callable[[], object], text: str = TEXT
) -> Study:
    """The study of a sweep that was killed when it was far enough, its first run still waiting."""
    write_tiny(workspace.root, BODY.replace('"go"', repr(str(gate(workspace)))))
    file = write_space(workspace.root, text)
    command = [sys.executable, "-m", "lab.cli", "sweep", "run", str(file), "--on", on]
    process = subprocess.Popen(command, cwd=workspace.root, stdout=subprocess.DEVNULL)
    try:
        until(far_enough)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    for file in answers(workspace):
        file.unlink()  # as the run does that has waited for a minute
    (trial,) = read_study("left", workspace).trials
    assert trial.state == "running"
    return read_study("left", workspace)


def gate(workspace: Workspace) -> Path:
    return workspace.root / "go"


def answers(workspace: Workspace) -> list[Path]:
    return list(workspace.runs.glob("*/answer.json"))


def first_step(workspace: Workspace) -> bool:
    """Whether the sweep has answered the first report of the first run."""
    return any(json.loads(file.read_bytes())["step"] == 0 for file in answers(workspace))


def resumed(workspace: Workspace, on: str) -> Outcome:
    """What going on comes to; the run goes on, too, once its reports are answered again."""

    def open_gate() -> None:
        until(lambda: answers(workspace))
        gate(workspace).touch()

    opener = threading.Thread(target=open_gate)
    opener.start()
    try:
        return run_sweep(workspace.root / "tiny.yaml", on=on, workspace=workspace)
    finally:
        opener.join()


def check(outcome: Outcome, workspace: Workspace) -> list[Run]:
    """The runs: one for each trial and one that confirms the best, and no other."""
    trials = outcome.study.trials
    assert [trial.state for trial in trials] == ["complete", "complete"]
    assert outcome.recovered == 1
    for trial in trials:
        assert trial.value == pytest.approx(1 - (trial.params["x"] - 0.3) ** 2 + 0.02)
    assert outcome.confirmation is not None
    ids = [run for trial in trials for run in trial.run_ids]
    ids += outcome.confirmation.winner.run_ids
    runs = [Run.read(workspace.runs / run_id) for run_id in ids]
    assert {file.parent.name for file in workspace.runs.glob("*/run.json")} == set(ids)
    assert [run.status for run in runs] == ["done"] * 3
    return runs


@pytest.mark.xdist_group("dask")
def test_a_run_that_dask_carries_on_with_is_waited_for(
    workspace: Workspace, dask_address: str
) -> None:
    on = f"dask:{dask_address}"
    before = begun(workspace, on, lambda: first_step(workspace))
    outcome = resumed(workspace, on)
    runs = check(outcome, workspace)
    assert [runs[0].id] == list(before.trials[0].run_ids)
    assert outcome.study.trials[0].steps.keys() == {0, 1, 2}  # as reported to both, in turn
    assert not answers(workspace)


@pytest.mark.xdist_group("dask")
def test_a_run_that_ended_with_nobody_waiting_gives_its_result(
    workspace: Workspace, dask_address: str
) -> None:
    on = f"dask:{dask_address}"
    before = begun(workspace, on, lambda: first_step(workspace))
    run = before.trials[0].run_ids[0]
    gate(workspace).touch()
    until(lambda: Run.read(workspace.runs / run).status == "done")
    outcome = run_sweep(workspace.root / "tiny.yaml", on=on, workspace=workspace)
    assert outcome.study.trials[0].run_ids == (run,)
    assert outcome.study.trials[0].steps.keys() == {0}
    assert [trial.state for trial in outcome.study.trials] == ["complete", "complete"]
    assert len(list(workspace.runs.glob("*/run.json"))) == 3


@pytest.mark.xdist_group("slurm")
@pytest.mark.usefixtures("slurm")
def test_a_job_in_slurms_queue_is_not_submitted_again(workspace: Workspace) -> None:
    text = TEXT.replace("n_trials: 2", "n_trials: 1").replace(
        "confirm: {top: 1", "confirm: {top: 0"
    )
    before = begun(workspace, "slurm", lambda: read_tasks(workspace), text)
    outcome = resumed(workspace, "slurm")
    (trial,) = outcome.study.trials
    assert (trial.number, trial.state) == (before.trials[0].number, "complete")
    assert (outcome.ran, outcome.recovered) == (0, 1)
    (task,) = read_tasks(workspace)
    (run,) = (Run.read(workspace.runs / run_id) for run_id in trial.run_ids)
    assert run.record["slurm"]["job"] == task.job_id
    assert trial.value == pytest.approx(1 - (trial.params["x"] - 0.3) ** 2 + 0.02)
