"""Pruning where the cells run in this very process, and on what the space names."""

from __future__ import annotations

import pytest
from sweep_notebook import write_space, write_tiny

from lab.record import pruning
from lab.record.run import Run
from lab.sweep.runner import run_sweep
from lab.workspace import Workspace

TEXT = """\
study_name: cut
notebook: notebooks/tiny.ipynb
objective: val/loss
direction: minimize
n_trials: 3
confirm: none
sampler: {name: random, seed: 2}
fixed: {steps: 30}
pruner: {name: median, n_startup_trials: 1}
param_ranges:
  x: {type: float, low: 0.0, high: 1.0}
"""
# It reports an accuracy, which is better when higher; the space minimises the loss.
BODY = """\
import lab

run = lab.start()
for step in range(steps):
    loss = (x - 0.3) ** 2 - 0.001 * step
    run.log({"val/loss": loss}, step=step)
    if run.report(1 - loss, step=step):
        break
"""


def test_inline_runs_are_pruned_on_the_objective_of_the_space(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiny(workspace.root, BODY)
    monkeypatch.setattr(pruning, "PATIENCE", 5.0)  # then an unanswered report would not prune
    trials = run_sweep(
        write_space(workspace.root, TEXT), on="inline", workspace=workspace
    ).study.trials
    # The second begins above the only one before it, and the third below.
    assert trials[1].steps[0] > trials[0].steps[0] > trials[2].steps[0]
    assert [trial.state for trial in trials] == ["complete", "pruned", "complete"]
    cut = Run.read(workspace.runs / trials[1].run_ids[0])
    assert cut.status == "pruned"
    assert len(cut.history("val/loss")) < 30
