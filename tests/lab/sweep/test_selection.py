"""What a study hides: pruned trials, runs that are counted twice, classes nobody gets right."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from helpers import write_run
from sweep_helpers import drawn, plain_space, visual_study

from lab.errors import RunNotFound
from lab.log.card_text import card_text
from lab.record.catalogue import find_run
from lab.sweep.analysis import analyze
from lab.sweep.baseline import baseline
from lab.sweep.classes import classes
from lab.sweep.configuration import configurations, noise_variance
from lab.sweep.early import early
from lab.sweep.measured import measured, measured_here
from lab.sweep.study import Study
from lab.sweep.trial import Trial
from lab.sweep.winner import winner
from lab.workspace import Workspace


def slow_starter(seed: int = 1) -> Study:
    """x0 slows the first steps and means nothing in the end; the slow half is pruned."""
    study = drawn(plain_space(2), 80, lambda _, rng: rng.normal(), seed=seed)
    trials = []
    for trial in study.trials:
        start = -trial.params["x0"] + 0.1 * np.random.default_rng(trial.number).normal()
        told = dataclasses.replace(trial, steps={0: start, 1: float(trial.value or 0)})
        if start < -0.5:
            told = dataclasses.replace(
                told, state="pruned", value=None, values=(), steps={0: start}
            )
        trials.append(told)
    return dataclasses.replace(study, trials=tuple(trials))


def test_effects_of_a_pruned_study_are_told_at_a_step_that_all_reached() -> None:
    found = early(slow_starter())
    assert found is not None
    assert (found.step, found.n) == (0, 80)
    assert [effect.factor.name for effect in found.marginals.found] == ["x0"]
    assert found.marginals.found[0].direction == "falling"


def test_the_card_says_that_complete_trials_are_a_selection(workspace: Workspace) -> None:
    study = slow_starter()
    few = dataclasses.replace(study, trials=study.trials[:28])  # too few for a forest
    text = card_text(analyze(few), workspace)
    assert "pruned: the effects above rest on the others, which are a selection." in text
    assert "At step 0, the last that all 28 configurations reached, told from chance: `x0`" in text
    assert early(drawn(plain_space(2), 20, lambda p, _: p["x0"])) is None


def test_a_run_that_served_two_trials_is_no_second_measurement() -> None:
    trials = tuple(
        Trial(n, {"x0": 0.5}, 0.7, "complete", "random", (0.7,), run_ids=("one",)) for n in (0, 1)
    )
    rows = configurations(Study("s", "score", "maximize", plain_space(1), trials))
    assert [row.values for row in rows] == [(0.7,)]
    assert noise_variance(row.values for row in rows) is None


def test_a_diverged_trial_does_not_hide_the_luck_of_the_best() -> None:
    rng = np.random.default_rng(5)
    trials = []
    for number in range(30):
        values = tuple(float(v) for v in rng.normal(size=2))
        mean = sum(values) / 2
        trials.append(
            Trial(number, {"x0": number / 30}, mean, "complete", "random", values, (0, 1))
        )
    study = Study("s", "score", "maximize", plain_space(1), tuple(trials))
    usual = winner(configurations(study))
    bad = dataclasses.replace(trials[0], value=-1e9, values=(-1e9, -1e9 + 1))
    other = winner(configurations(dataclasses.replace(study, trials=(bad, *trials[1:]))))
    assert usual is not None
    assert other is not None
    assert usual.expected is not None
    assert other.expected is not None
    assert other.best.value > other.expected + 0.5
    assert other.expected == pytest.approx(usual.expected, abs=0.5)


RUNS = {"20260301_000000": 0.6, "20260301_000001": 0.8}


@pytest.fixture
def with_runs(workspace: Workspace) -> tuple[Study, Workspace]:
    """A trial of two seeds, whose journal tells other values than its runs do."""
    for run_id, value in RUNS.items():
        write_run(
            workspace.runs, run_id, headline="score",
            curves={
                "score": [value - 0.2, value, value - 0.1],
                "score/cat": {3: 0.0}, "score/dog": {3: value},
            },
        )  # fmt: skip
    trial = Trial(
        0, {"x0": 0.5}, 0.1, "complete", "random", (0.1, 0.1), (0, 1), run_ids=tuple(RUNS)
    )
    return Study("s", "score", "maximize", plain_space(1), (trial,)), workspace


def test_the_runs_say_what_a_trial_is_worth(with_runs: tuple[Study, Workspace]) -> None:
    study, workspace = with_runs
    (trial,) = measured(study, lambda run: find_run(workspace, run)).trials
    assert trial.values == tuple(RUNS.values())
    assert trial.value == pytest.approx(0.7)
    assert trial.extra["score/dog"] == pytest.approx(0.7)


def test_a_run_that_is_gone_leaves_the_journal(
    with_runs: tuple[Study, Workspace], tmp_path: Path
) -> None:
    study, _ = with_runs
    elsewhere = dataclasses.replace(with_runs[1], runs=tmp_path)

    def run_of(run_id: str) -> object:
        return find_run(elsewhere, run_id)

    assert measured_here(study, run_of).trials == study.trials  # type: ignore[arg-type]
    with pytest.raises(RunNotFound):
        measured(study, run_of)  # type: ignore[arg-type]


def test_classes_that_the_best_get_wrong_come_first(with_runs: tuple[Study, Workspace]) -> None:
    study = measured(with_runs[0], lambda run: find_run(with_runs[1], run))
    found = classes(study, configurations(study))
    assert found is not None
    assert [(line.name, line.mean) for line in found.lines] == [
        ("cat", 0.0),
        ("dog", pytest.approx(0.7)),
    ]
    assert found.failing == ["cat"]


def test_samples_tell_the_score_of_one_class() -> None:
    trials = tuple(
        Trial(
            n, {"x0": n / 4}, 0.5, "complete", "random", (0.5,),
            extra={"val_samples": {"cat": 15, "dog": 5}},
        )
        for n in range(4)
    )  # fmt: skip
    space = dataclasses.replace(plain_space(1), objective="val/accuracy")
    found = baseline(Study("s", "val/accuracy", "maximize", space, trials))
    assert found is not None
    assert (found.label, found.value, found.samples, found.count) == ("cat", 0.75, (15, 20), 0)


def test_no_trial_of_twenty_gets_six_of_nine_classes() -> None:
    study = visual_study()
    found = classes(study, configurations(study))
    assert found is not None
    assert found.trials == (26, 20, 23, 15, 19)
    assert found.failing == ["A1", "A2", "C2", "K1", "L1", "S1"]
