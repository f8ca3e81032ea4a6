"""A sweep on a real Dask scheduler and on a real Slurm, as suites run there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sweep_notebook import write_space, write_tiny

from lab.errors import SweepError
from lab.executors import dask
from lab.executors.submission import read_tasks
from lab.record.run import Run
from lab.sweep import Space, read_study
from lab.sweep.runner import run_sweep
from lab.workspace import Workspace

TEXT = """\
study_name: far
notebook: notebooks/tiny.ipynb
objective: val/accuracy
n_trials: 3
confirm: {top: 1, seeds: 1, final_seeds: 1}
slurm: {cpus: 2, time: 10m}
fixed: {steps: 2}
param_ranges:
  x: {type: float, low: 0.0, high: 1.0}
"""
PRUNING = """\
study_name: cut
notebook: notebooks/tiny.ipynb
objective: val/accuracy
n_trials: 2
confirm: none
sampler: {name: random, seed: 2}
pruner: {name: median, n_startup_trials: 1}
slurm: {cpus: 2, time: 10m}
fixed: {steps: 20}
param_ranges:
  x: {type: float, low: 0.0, high: 1.0}
"""


def value(x: float, seed: int = 0) -> float:
    """What the notebook makes of it at its last step."""
    return 1 - (x - 0.3) ** 2 + 0.01 + 0.001 * seed


def swept(workspace: Workspace, on: str) -> list[Run]:
    """The runs of a search on a cluster, trial by trial, and then those that confirm its best."""
    write_tiny(workspace.root)
    outcome = run_sweep(write_space(workspace.root, TEXT), on=on, workers=2, workspace=workspace)
    assert [trial.state for trial in outcome.study.trials] == ["complete"] * 3
    for trial in outcome.study.trials:
        assert trial.value == pytest.approx(value(trial.params["x"]))
    found = outcome.confirmation
    assert found is not None
    assert found.winner.values == pytest.approx([value(found.winner.params["x"], seed=1)])
    ids = [
        *(run for trial in outcome.study.trials for run in trial.run_ids),
        *found.rows[0].run_ids,
    ]
    return [Run.read(workspace.runs / run_id) for run_id in ids]


@pytest.mark.xdist_group("dask")
def test_a_sweep_runs_on_a_dask_scheduler(workspace: Workspace, dask_address: str) -> None:
    runs = swept(workspace, f"dask:{dask_address}")
    assert [run.status for run in runs] == ["done"] * 4
    assert {run.record["pid"] for run in runs}.isdisjoint({os.getpid()})
    assert [run.record["sweep"]["trial"] for run in runs[:3]] == [0, 1, 2]


@pytest.mark.xdist_group("slurm")
@pytest.mark.usefixtures("slurm")
def test_a_sweep_runs_on_slurm_with_what_its_file_asks_for(workspace: Workspace) -> None:
    runs = swept(workspace, "slurm")
    assert [run.status for run in runs] == ["done"] * 4
    assert all(run.record["slurm"]["node"].startswith("node") for run in runs)
    tasks = read_tasks(workspace)
    assert {task.job_id for task in tasks} == {run.record["slurm"]["job"] for run in runs}
    assert {run.params["seed"] for run in runs} == {0, 1}
    assert read_study("far", workspace).confirmed is not None


def pruned(workspace: Workspace, on: str) -> Run:
    """The run that the pruner stopped while it ran on a cluster: that of the second trial."""
    write_tiny(workspace.root)
    outcome = run_sweep(write_space(workspace.root, PRUNING), on=on, workspace=workspace)
    first, second = outcome.study.trials
    # By this seed the second begins below the first, which is all the pruner waits for.
    assert second.steps[0] < first.steps[0]
    assert [trial.state for trial in (first, second)] == ["complete", "pruned"]
    assert second.value is None
    (run_id,) = second.run_ids
    run = Run.read(workspace.runs / run_id)
    assert run.status == "pruned"
    assert [row["step"] for row in run.history("val/accuracy")] == [0]
    assert not (run.path.root / "answer.json").exists()
    return run


@pytest.mark.xdist_group("dask")
def test_a_trial_on_dask_is_pruned_while_it_runs(
    workspace: Workspace, dask_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask, "_LOOK", 3.0)  # the sweep hears of a run late, its first report waits
    assert pruned(workspace, f"dask:{dask_address}").record["pid"] != os.getpid()


@pytest.mark.slow
@pytest.mark.xdist_group("slurm")
@pytest.mark.usefixtures("slurm")
def test_a_trial_on_slurm_is_pruned_while_it_runs(workspace: Workspace) -> None:
    assert pruned(workspace, "slurm").record["slurm"]["node"].startswith("node")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("slurm: {cpu: 2}", r"tiny.yaml:6 slurm.cpu: slurm is asked for no such thing here"),
        ("slurm: {mem: lots}", r"tiny.yaml:6 slurm.mem: not a value for mem: lots"),
        ("slurm: 2", r"tiny.yaml:6 slurm cannot be used"),
    ],
)
def test_what_slurm_cannot_be_asked_for_is_told_with_its_line(
    tmp_path: Path, line: str, said: str
) -> None:
    file = write_space(tmp_path, TEXT.replace("slurm: {cpus: 2, time: 10m}", line))
    with pytest.raises(SweepError, match=said):
        Space.read(file)


def test_what_is_asked_of_slurm_is_written_as_it_was_read(tmp_path: Path) -> None:
    space = Space.read(write_space(tmp_path, TEXT))
    assert space.slurm == {"cpus": 2, "time": "10m"}
    assert Space.read(write_space(tmp_path, space.to_yaml(), "again.yaml")) == space
