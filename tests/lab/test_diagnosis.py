"""What curves say, on curves of known shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from helpers import write_run

from lab.diagnosis import Diagnosis, diagnose
from lab.record.run import Run

EPOCHS = 50


def run_of(tmp_path: Path, **curves: Sequence[float]) -> Diagnosis:
    named = {name.replace("_", "/", 1): list(values) for name, values in curves.items()}
    folder = write_run(tmp_path, "20260120_100000", params={"epochs": EPOCHS}, curves=named)
    return diagnose(Run.read(folder))


def kinds(diagnosis: Diagnosis) -> set[str]:
    return {found.kind for found in diagnosis.findings}


def test_the_run_of_the_seed_log(tmp_path: Path) -> None:
    """Run 1 of the researcher's log: best loss 1.237079 at 27, last 1.443985, train 83 / val 66."""
    epochs = np.arange(1, EPOCHS + 1)
    down = 1.75 - (1.75 - 1.237079) * (1 - np.exp(-epochs / 8)) / (1 - np.exp(-27 / 8))
    up = 1.237079 + (1.443985 - 1.237079) * np.clip((epochs - 27) / 23, 0, None) ** 1.3
    val_loss = np.where(epochs <= 27, down, up)
    val_accuracy = 0.36 + (0.6649 - 0.36) * (1 - np.exp(-epochs / 9))
    val_accuracy[48], val_accuracy[49] = 0.664982, 0.661257
    found = run_of(
        tmp_path,
        train_loss=1.6 * np.exp(-epochs / 33.3),
        train_accuracy=0.36 + (0.831928 - 0.36) * epochs / EPOCHS,
        val_loss=val_loss,
        val_accuracy=val_accuracy,
    )
    assert found.overfit_since == 27
    overfit = found.finding("overfit")
    assert overfit is not None
    assert "epoch 27 (1.237) and has risen to 1.444" in overfit.text
    assert "Stop around epoch 27" in overfit.do
    assert "regularise" in overfit.do
    gap = found.finding("gap")
    assert gap is not None
    assert "17.1 points above validation (83.2% against 66.1%)" in gap.text
    assert "plateau" not in kinds(found)
    assert "diverged" not in kinds(found)
    best = {curve.metric: (curve.best_step, curve.last) for curve in found.curves}
    assert best["val/accuracy"] == (49, 0.661257)
    assert best["val/loss"] == (27, pytest.approx(1.443985))


def test_the_stuck_baseline_of_the_seed_log(tmp_path: Path) -> None:
    """36% from early on, train and validation alike: a plateau, and no overfitting."""
    random = np.random.default_rng(0)
    flat = 0.36 + random.normal(0, 0.0005, EPOCHS)
    loss = 1.6 + random.normal(0, 0.002, EPOCHS)
    found = run_of(
        tmp_path, train_accuracy=flat, val_accuracy=flat, train_loss=loss, val_loss=loss + 0.001
    )
    assert kinds(found) == {"plateau"}


def test_still_improving(tmp_path: Path) -> None:
    rising = np.linspace(0.1, 0.5, 10)
    found = run_of(tmp_path, val_accuracy=rising, val_loss=2 - rising, train_loss=1.9 - rising)
    assert kinds(found) == {"improving"}
    assert "Run longer: about 20 epochs" in found.findings[0].do


def test_noise_on_a_converged_loss_is_no_overfitting(tmp_path: Path) -> None:
    for seed in range(20):
        random = np.random.default_rng(seed)
        loss = 1 + np.exp(-np.arange(40) / 5) + random.normal(0, 0.01, 40)
        folder = tmp_path / str(seed)
        found = run_of(folder, val_loss=loss, train_loss=np.exp(-np.arange(40) / 5))
        assert "overfit" not in kinds(found), seed


def test_a_rise_near_zero_loss_means_nothing(tmp_path: Path) -> None:
    loss = [2.0, 0.5, 0.05, 0.001, 0.0012, 0.0013, 0.0014, 0.0015]
    found = run_of(tmp_path, val_loss=loss, train_loss=[x / 2 for x in sorted(loss)[::-1]])
    assert "overfit" not in kinds(found)


def test_a_rise_of_both_losses_is_no_overfitting(tmp_path: Path) -> None:
    loss = [2.0, 1.0, 0.8, 1.0, 1.2, 1.4, 1.5, 1.6]
    assert "overfit" not in kinds(run_of(tmp_path, val_loss=loss, train_loss=loss))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_divergence_names_the_first_bad_epoch(tmp_path: Path, bad: float) -> None:
    found = run_of(
        tmp_path,
        train_loss=[1.0, 0.9, 0.8, bad, bad, bad],
        val_loss=[1.0, 0.9, 0.9, 0.9, bad, bad],
    )
    diverged = found.finding("diverged")
    assert diverged is not None
    assert (diverged.metric, diverged.step) == ("train/loss", 4)
    assert "learning rate" in diverged.do


def test_an_exploding_loss_is_divergence(tmp_path: Path) -> None:
    found = run_of(tmp_path, train_loss=[1.0, 0.5, 0.4, 2.0, 8.0, 40.0])
    assert found.finding("diverged") is not None


@pytest.mark.parametrize("n", [0, 1, 4])
def test_too_short_to_say(tmp_path: Path, n: int) -> None:
    found = run_of(tmp_path, val_loss=[3.0, 1.0, 2.0, 4.0][:n], train_loss=[4.0, 3, 2, 1][:n])
    assert kinds(found) == {"too short"}
    assert found.findings[0].thresholds == {"points": 5.0}


def test_a_run_without_epochs_speaks_of_steps(tmp_path: Path) -> None:
    folder = write_run(tmp_path, "20260120_100000", curves={"val/loss": [3.0, 2.0]})
    assert diagnose(Run.read(folder)).step_word == "step"


def test_displays(tmp_path: Path) -> None:
    loss = [2.0, 1.0, 0.8, 1.0, 1.2, 1.4, 1.5, 1.6]
    found = run_of(tmp_path, val_loss=loss, train_loss=loss[::-1][:3] + [0.5] * 4 + [0.1])
    assert "| val/loss | 0.800 | epoch 3 | 1.60 |" in found.to_markdown()
    assert "**overfit**" in found.to_markdown()
    plain = found.as_dict()
    assert plain["id"] == found.run_id
    assert plain["overfit_since"] == 3
    assert "points" not in plain["curves"][0]
    assert {"kind", "text", "rule", "thresholds", "do"} <= set(plain["findings"][0])


def test_the_seed_log_is_told_what_its_researcher_concluded(tmp_path: Path) -> None:
    """Overfitting is the bottleneck, regularise, stop at 27; the gap has grown to 17 points."""
    epochs = np.arange(1, EPOCHS + 1)
    down = 1.75 - (1.75 - 1.237079) * (1 - np.exp(-epochs / 8)) / (1 - np.exp(-27 / 8))
    up = 1.237079 + (1.443985 - 1.237079) * (epochs - 27) / 23
    accuracy = 0.36 + (0.661257 - 0.36) * (1 - np.exp(-epochs / 9)) / (1 - np.exp(-50 / 9))
    found = run_of(
        tmp_path,
        train_accuracy=0.36 + (0.831928 - 0.36) * epochs / EPOCHS,
        train_loss=1.6 + (0.357031 - 1.6) * epochs / EPOCHS,
        val_loss=np.where(epochs <= 27, down, up),
        val_accuracy=accuracy,
    )
    assert {"overfit", "gap"} <= kinds(found)
    assert not kinds(found) & {"diverged", "collapse", "chance", "too noisy", "too short"}
    assert [step.key for step in found.next_steps][:2] == ["early_stopping", "regularise"]
    overfit = found.finding("overfit")
    assert overfit is not None
    assert "while training loss went on falling" in overfit.text
    gap = next(gap for gap in found.gaps if gap.name == "accuracy")
    assert gap.last == pytest.approx(0.831928 - 0.661257)
    assert gap.growth is not None
    assert gap.growth > 0.15


def test_an_accuracy_alone_can_show_overfitting(tmp_path: Path) -> None:
    accuracy = [0.3, 0.4, 0.5, 0.55, 0.6, 0.6, 0.58, 0.56, 0.54, 0.52, 0.5, 0.49]
    found = run_of(tmp_path, val_accuracy=accuracy).finding("overfit")
    assert found is not None
    assert "was best at epoch 5 (60.0%) and has fallen to 49.0% since." in found.text


def test_half_precision_is_the_first_suspect_of_a_nan(tmp_path: Path) -> None:
    for precision, key in (("bf16-mixed", "disable_amp"), ("full", "lower_lr")):
        folder = write_run(
            tmp_path / precision,
            "20260120_100000",
            params={"epochs": 5, "precision": precision, "lr": 0.1},
            curves={"train/loss": [1, math.nan, 1, math.nan, 0.5]},
        )
        found = diagnose(Run.read(folder)).finding("diverged")
        assert found is not None
        assert found.keys[0] == key
        assert "NaN first at epoch 2, in 2 of 5 epochs" in found.text
        assert "learning rate (now 0.1)" in found.do


def test_a_metric_that_is_undefined_is_no_divergence(tmp_path: Path) -> None:
    found = run_of(tmp_path, val_auroc=[math.nan] * 6, train_loss=[3, 2, 1.5, 1.2, 1.1, 1.0])
    assert kinds(found) == {"not finite"}
    assert "val/auroc is NaN in every epoch" in found.findings[0].text


def test_longer_needs_a_schedule_as_long(tmp_path: Path) -> None:
    rising = np.linspace(0.1, 0.5, 10)
    found = run_of(tmp_path, val_accuracy=rising, train_lr=np.linspace(0.01, 0, 10))
    assert "with a schedule as long" in found.findings[0].do
    assert found.findings[0].keys == ("longer",)


def test_a_learning_rate_has_no_best_and_a_value_is_shown_once(tmp_path: Path) -> None:
    rising = np.linspace(0.1, 0.5, 10)
    found = run_of(
        tmp_path,
        val_accuracy=rising,
        objective_value=rising,
        train_lr=np.linspace(0.01, 0.001, 10),
        time_epoch_seconds=[1.0] * 10,
    )
    lines = found.to_markdown().splitlines()
    assert lines[2:6] == [
        "| val/accuracy | 50.0% | epoch 10 | 50.0% |",
        "| train/lr |  |  | 0.00100 |",
        "| time/epoch_seconds |  |  | 1.00 |",
        "",
    ]
    assert [curve.metric for curve in found.curves if curve.metric == "objective/value"]
