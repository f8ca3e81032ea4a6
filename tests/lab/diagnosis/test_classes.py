"""Collapse onto one class and accuracies that are no better than guessing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import write_run

from lab.diagnosis import Diagnosis, diagnose
from lab.record.run import Run

N = 15


def run_of(tmp_path: Path, curves: Mapping[str, Sequence[float]], **params: Any) -> Diagnosis:
    folder = write_run(tmp_path, "20260120_100000", params={"epochs": N, **params}, curves=curves)
    return diagnose(Run.read(folder))


def kinds(diagnosis: Diagnosis) -> set[str]:
    return {found.kind for found in diagnosis.findings}


def shares(p: float, n: int, seed: int = 0, epochs: int = N) -> list[float]:
    return [float(k) / n for k in np.random.default_rng(seed).binomial(n, p, epochs)]


def test_the_accuracy_of_the_largest_class_is_collapse(tmp_path: Path) -> None:
    found = run_of(
        tmp_path,
        {
            "val/accuracy": [0.30, 0.35] + [0.41] * (N - 2),
            "val/majority": [0.41] * N,
            "val/balanced_accuracy": [0.3, 0.28] + [0.25] * (N - 2),
        },
        lr=0.01,
    )
    collapse = found.finding("collapse")
    assert collapse is not None
    assert collapse.step == 3
    assert "share of the largest class (41.0%) from epoch 3 on" in collapse.text
    assert "learning rate (now 0.01)" in collapse.do
    assert collapse.keys == ("class_weights", "lower_lr", "check_data")
    assert "chance" not in kinds(found)


def test_a_balanced_model_at_the_share_of_the_largest_class_has_not_collapsed(
    tmp_path: Path,
) -> None:
    found = run_of(
        tmp_path,
        {
            "val/accuracy": [0.41] * N,
            "val/majority": [0.41] * N,
            "val/balanced_accuracy": [0.62] * N,
        },
    )
    assert not kinds(found) & {"chance"}
    assert "largest class" not in " ".join(f.text for f in found.findings)


@pytest.mark.parametrize(
    "curves",
    [
        {"val/recall_0": [0.0], "val/recall_1": [1.0], "val/recall_2": [0.0]},
        {"val/recall/cat": [0.0], "val/recall/dog": [1.0]},
        {"val/predicted_cat": [0.995], "val/predicted_dog": [0.005]},
        {"val/accuracy": [0.5] * 6},
    ],
    ids=["recall", "recall by name", "shares of answers", "constant"],
)
def test_other_signs_of_collapse(tmp_path: Path, curves: dict[str, list[float]]) -> None:
    assert "collapse" in kinds(run_of(tmp_path, curves))


@pytest.mark.parametrize(
    "curves",
    [
        {"val/recall_0": [0.9], "val/recall_1": [1.0]},
        {"val/predicted_cat": [0.6], "val/predicted_dog": [0.4]},
        {"val/accuracy": [1.0] * 6},
        {"val/accuracy": [0.95] * 6},
        {"val/accuracy": [0.5] * 4},
        {"val/accuracy": [0.5] * 6, "train/accuracy": [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]},
    ],
)  # fmt: skip
def test_no_sign_of_collapse(tmp_path: Path, curves: dict[str, list[float]]) -> None:
    assert "collapse" not in kinds(run_of(tmp_path, curves))


def test_an_accuracy_within_noise_of_the_largest_class_is_chance(tmp_path: Path) -> None:
    values = shares(0.42, 500)
    found = run_of(tmp_path, {"val/accuracy": values, "val/majority": [0.40] * N})
    chance = found.finding("chance")
    assert chance is not None
    assert "cannot be told from always answering the largest class (40.0%)" in chance.text
    assert "standard errors of 500 samples" in chance.rule
    assert chance.thresholds["margin"] == pytest.approx(2 * math.sqrt(0.4 * 0.6 / 500))


def test_an_accuracy_above_the_largest_class_is_not(tmp_path: Path) -> None:
    for seed in range(20):
        curves = {"val/accuracy": shares(0.5, 500, seed), "val/majority": [0.40] * N}
        assert "chance" not in kinds(run_of(tmp_path / str(seed), curves)), seed


def test_class_weights_may_cost_accuracy(tmp_path: Path) -> None:
    """Below the majority, but the classes are known apart: no chance level."""
    found = run_of(
        tmp_path,
        {
            "val/accuracy": shares(0.39, 500),
            "val/majority": [0.44] * N,
            "val/balanced_accuracy": [0.55] * N,
            "val/auroc": [0.8] * N,
        },
    )
    assert "chance" not in kinds(found)


def test_classes_are_known_from_a_parameter(tmp_path: Path) -> None:
    curves = {"val/accuracy": shares(0.1, 1000)}
    assert "chance" not in kinds(run_of(tmp_path / "unknown", curves))
    found = run_of(tmp_path / "known", curves, n_classes=10).finding("chance")
    assert found is not None
    assert "guessing among 10 classes (10.0%)" in found.text


def test_classes_are_known_from_a_loss_of_equal_probabilities(tmp_path: Path) -> None:
    loss = list(math.log(10) + np.random.default_rng(0).normal(0, 0.005, N))
    found = run_of(tmp_path, {"val/accuracy": shares(0.1, 1000), "val/loss": loss})
    assert "chance" in kinds(found)


def test_what_is_learned_but_does_not_carry_over_gets_other_advice(tmp_path: Path) -> None:
    found = run_of(
        tmp_path,
        {
            "val/accuracy": shares(0.4, 100),
            "val/majority": [0.4] * N,
            "train/accuracy": list(np.linspace(0.4, 0.9, N)),
        },
    ).finding("chance")
    assert found is not None
    assert found.keys == ("more_data", "larger_validation")
