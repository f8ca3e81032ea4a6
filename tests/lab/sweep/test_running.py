"""Sweeps with real Optuna and real notebooks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from sweep_notebook import SPACE, write_space, write_tiny

from lab.errors import SweepError
from lab.record.run import Run
from lab.sweep import read_study, runner
from lab.sweep.runner import run_sweep
from lab.workspace import Workspace


def test_every_trial_is_a_run_and_the_study_is_plain_optuna(workspace: Workspace) -> None:
    write_tiny(workspace.root)
    file = write_space(workspace.root, SPACE.replace("n_trials: 6", "n_trials: 2"))
    outcome = run_sweep(file, workspace=workspace)
    assert [t.state for t in outcome.study.trials] == ["complete"] * 2
    assert {t.phase for t in outcome.study.trials} == {"random"}
    for trial in outcome.study.trials:
        run = Run.read(workspace.runs / trial.run_ids[0])
        assert run.record["sweep"] == {"study": "tiny", "trial": trial.number}
        assert run.status == "done"
        assert {k: run.params[k] for k in trial.params} == trial.params
        assert ("depth" in trial.params) == (trial.params["kind"] == "a")
        penalty = 0.2 if trial.params["kind"] == "b" else 0
        assert trial.value == pytest.approx(1 - (trial.params["x"] - 0.3) ** 2 + 0.01 - penalty)
        assert trial.steps.keys() == {0, 1}
        assert not (run.path.root / "answer.json").exists()
    journal = str(workspace.runs / "studies" / "tiny" / "journal.log")
    plain = optuna.load_study(
        study_name="tiny", storage=JournalStorage(JournalFileBackend(journal))
    )
    assert plain.best_value == outcome.study.best.value  # type: ignore[union-attr]
    before = Path(journal).read_bytes()
    assert read_study("tiny", workspace).trials == outcome.study.trials
    assert Path(journal).read_bytes() == before  # reading writes nothing
    # Going on with a study that is whole runs nothing.
    again = run_sweep(file, workspace=workspace)
    assert again.ran == 0
    assert again.study.trials == outcome.study.trials


def test_duplicates_come_from_the_store_and_seeds_make_a_mean(workspace: Workspace) -> None:
    write_tiny(workspace.root)
    text = (
        "study_name: few\nnotebook: notebooks/tiny.ipynb\nobjective: val/accuracy\nn_trials: 5\n"
        "confirm: none\n"
        "seeds: [1, 3]\nfixed: {steps: 1}\nparam_ranges:\n  depth: {type: int, low: 1, high: 1}\n"
    )
    outcome = run_sweep(write_space(workspace.root, text), workspace=workspace)
    assert outcome.ran == 2  # one configuration, two seeds
    assert [t.seeds for t in outcome.study.trials] == [(1, 3)] * 5
    expected = 1 - 0.2**2 + 0.002
    assert all(t.value == pytest.approx(expected) for t in outcome.study.trials)
    assert len({t.run_ids for t in outcome.study.trials}) == 1


def test_the_pruner_stops_a_run_while_it_runs(workspace: Workspace) -> None:
    write_tiny(workspace.root)
    text = (
        "study_name: cut\nnotebook: notebooks/tiny.ipynb\nobjective: val/accuracy\nn_trials: 3\n"
        "confirm: none\n"
        "sampler: {name: random, seed: 2}\nfixed: {steps: 40}\n"
        "pruner: {name: median, n_startup_trials: 1}\n"
        "param_ranges:\n  x: {type: float, low: 0.0, high: 1.0}\n"
    )
    trials = run_sweep(write_space(workspace.root, text), workspace=workspace).study.trials
    pruned = [t for t in trials if t.state == "pruned"]
    # By this seed the second trial begins below the only one before it, and the third above it.
    assert trials[1].steps[0] < trials[0].steps[0] < trials[2].steps[0]
    assert [t.state for t in trials] == ["complete", "pruned", "complete"]
    for trial in pruned:
        run = Run.read(workspace.runs / trial.run_ids[0])
        assert run.status == "pruned"
        assert len(run.history()) < 80  # whole runs have 40 steps of two lines
        assert trial.value is None


def test_a_killed_sweep_goes_on_without_losing_or_repeating(workspace: Workspace) -> None:
    write_tiny(workspace.root)
    text = SPACE.replace("n_trials: 6", "n_trials: 2").replace("steps: 2", "steps: 2, pause: 0.4")
    file = write_space(workspace.root, text)
    command = [sys.executable, "-m", "lab.cli", "sweep", "run", str(file)]
    process = subprocess.Popen(command, cwd=workspace.root, stdout=subprocess.DEVNULL)
    wait_for(workspace, complete=1, running=1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = read_study("tiny", workspace)
    outcome = run_sweep(file, workspace=workspace)
    kept = [t for t in before.trials if t.state == "complete"]
    assert kept
    assert [t for t in outcome.study.trials if t.number in {k.number for k in kept}] == kept
    assert len(outcome.study.complete) == 2
    cut = [t for t in before.trials if t.state == "running"]
    configurations = [t.params for t in outcome.study.complete]
    for trial in cut:
        assert configurations.count(trial.params) == 1
    assert outcome.ran == 2 - len(kept)


def wait_for(workspace: Workspace, *, complete: int, running: int) -> None:
    for _ in range(300):
        if (workspace.runs / "studies" / "tiny" / "journal.log").exists():
            trials = read_study("tiny", workspace).trials
            states = [t.state for t in trials if t.run_ids]
            if states.count("complete") >= complete and states.count("running") >= running:
                return
        time.sleep(0.1)
    raise AssertionError("the sweep did not come so far")


def test_a_space_that_changed_is_another_study(workspace: Workspace) -> None:
    write_tiny(workspace.root)
    text = SPACE.replace("n_trials: 6", "n_trials: 1")
    run_sweep(write_space(workspace.root, text), workspace=workspace)
    wider = write_space(workspace.root, text.replace("high: 1.0", "high: 2.0"))
    with pytest.raises(SweepError, match="param_ranges changed"):
        run_sweep(wider, workspace=workspace)


def test_a_notebook_that_fails_is_told_and_stops_the_sweep(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_GIVE_UP", 2)
    write_tiny(workspace.root, "import lab\nlab.start()\nraise ValueError('no')\n")
    text = SPACE.replace("n_trials: 6", "n_trials: 5")
    study = run_sweep(write_space(workspace.root, text), workers=2, workspace=workspace).study
    assert {t.state for t in study.trials} == {"failed"}
    assert len(study.trials) in (2, 3)  # the other worker may have begun one more
    assert "ValueError: no" in study.trials[0].extra["problem"]


def test_files(tmp_path: Path) -> None:
    with pytest.raises(SweepError, match="no such study"):
        read_study("nothing", Workspace(tmp_path, tmp_path, (), ("a",), tmp_path))
