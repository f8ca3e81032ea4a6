"""The best of a search on fresh seeds: who is run again, who wins, and what the search promised."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import pytest
from scipy.stats import sem
from scipy.stats import t as student
from sweep_notebook import write_space, write_tiny

from lab.record.run import Run
from lab.sweep import read_confirmation
from lab.sweep.confirmed import Confirmation, Confirmed
from lab.sweep.runner import run_sweep
from lab.workspace import Workspace

# What a configuration is worth is x; the search's own seed 7 adds luck that no other seed has.
LUCKY = """\
import lab

run = lab.start()
luck = {1: 0.0, 2: 0.5, 3: 0.25, 4: 0.1}[depth] if seed == 7 else 0.01 * (seed % 2)
run.log({"val/accuracy": depth / 10 + luck}, step=0)
"""
TEXT = """\
study_name: luck
notebook: notebooks/tiny.ipynb
objective: val/accuracy
n_trials: 8
confirm: {top: 3, seeds: 2, final_seeds: 3}
sampler: {name: random, seed: 1}
fixed: {seed: 7}
param_ranges:
  depth: {type: int, low: 1, high: 4}
"""


def test_the_winner_is_chosen_on_seeds_the_search_never_used(workspace: Workspace) -> None:
    write_tiny(workspace.root, LUCKY)
    file = write_space(workspace.root, TEXT)
    outcome = run_sweep(file, workspace=workspace)
    values = {trial.params["depth"]: trial.value for trial in outcome.study.trials}
    assert values == {1: 0.1, 2: pytest.approx(0.7), 3: pytest.approx(0.55), 4: 0.5}
    assert outcome.study.best is not None
    assert outcome.study.best.params == {"depth": 2}

    found = outcome.confirmation
    assert found is not None
    assert [row.params["depth"] for row in found.rows] == [4, 3, 2]  # 1 was not among the best
    assert found.winner.params == {"depth": 4}
    assert [row.seeds for row in found.rows] == [(0, 1, 2), (0, 1, 2), (0, 1)]
    assert found.winner.values == pytest.approx((0.4, 0.41, 0.4))
    assert found.drop(found.rows[2]) == pytest.approx(0.7 - 0.205)
    values_won = found.winner.values
    interval = student.interval(0.95, 2, loc=fmean(values_won), scale=sem(values_won))
    assert found.winner.interval == pytest.approx(interval)
    records = [Run.read(workspace.runs / run_id) for run_id in found.winner.run_ids]
    about = {"study": "luck", "trial": found.winner.trial, "stage": "confirmation"}
    assert [run.record["sweep"] for run in records] == [about] * 3

    # It is kept, and nothing runs again.
    assert read_confirmation("luck", workspace) == found
    again = run_sweep(file, workspace=workspace)
    assert (again.ran, again.confirmation) == (0, found)


@pytest.mark.parametrize("text", ["confirm: none", "confirm: 0", "confirm: {top: 0}"])
def test_none_is_confirmed_where_none_is_asked_for(workspace: Workspace, text: str) -> None:
    write_tiny(workspace.root, LUCKY)
    space = TEXT.replace("confirm: {top: 3, seeds: 2, final_seeds: 3}", text)
    outcome = run_sweep(write_space(workspace.root, space), trials=8, workspace=workspace)
    assert outcome.confirmation is None
    assert outcome.ran == 4  # the four values there are; the others came from the store


def test_a_search_that_is_not_whole_confirms_nothing(workspace: Workspace) -> None:
    write_tiny(workspace.root, LUCKY)
    outcome = run_sweep(write_space(workspace.root, TEXT), trials=3, workspace=workspace)
    assert len(outcome.study.complete) == 3
    assert outcome.confirmation is None


def confirmed(trial: int, *values: float) -> Confirmed:
    seeds = tuple(range(len(values)))
    return Confirmed(trial, {}, 1.0, seeds, values, tuple(map(str, seeds)))


def test_ties_are_what_the_seeds_in_common_do_not_tell_apart(tmp_path: Path) -> None:
    leader = confirmed(1, 0.80, 0.90, 0.85, 0.70, 0.95)
    alike = confirmed(2, 0.82, 0.85, 0.86, 0.72, 0.90)
    # Each seed says 0.1 less: unpaired that is lost in the spread between seeds.
    below = confirmed(3, *(value - 0.1 - 0.001 * i for i, value in enumerate(leader.values)))
    few = confirmed(4, 0.1, 0.2)
    found = Confirmation("s", "val/accuracy", "maximize", (leader, alike, below, few))
    assert found.winner is leader
    assert found.ties == (2, 4)
