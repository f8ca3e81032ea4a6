"""Metrics are those of the whole split, whatever the batches: scikit-learn says the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from torch import nn

import cvkan
from cvkan.data.splits import Split, Splits
from cvkan.training.metrics import Totals, metrics_of, quality


def in_batches(outputs: torch.Tensor, targets: torch.Tensor) -> dict[str, float]:
    totals = Totals()
    for some_outputs, some_targets in zip(outputs.split(16), targets.split(16), strict=True):
        totals.add(some_outputs, some_targets)
    return totals.metrics()


def test_classification_with_a_short_last_batch() -> None:
    logits, targets = torch.randn(37, 5), torch.arange(37) % 5
    logits[32:] *= 10  # a mean of batch means would be far off
    expected = {
        "loss": sk.log_loss(targets, logits.double().softmax(-1), labels=range(5)),
        "accuracy": sk.accuracy_score(targets, logits.argmax(-1)),
    }
    assert in_batches(logits, targets) == pytest.approx(expected, rel=1e-5)
    assert metrics_of(logits, targets) == pytest.approx(expected, rel=1e-5)


def test_forecasts_with_a_short_last_batch() -> None:
    forecasts, targets = torch.randn(37, 6, 2), torch.randn(37, 6, 2)
    forecasts[32:] *= 10
    flat = forecasts.reshape(37, -1), targets.reshape(37, -1)
    expected = {"mse": sk.mean_squared_error(*flat), "mae": sk.mean_absolute_error(*flat)}
    assert in_batches(forecasts, targets) == pytest.approx(expected, rel=1e-5)


def test_training_metrics_are_those_of_the_whole_epoch(
    splits: Splits, make_model: Callable[[], nn.Module]
) -> None:
    """With a rate of almost nothing the model stays, so the epoch measures one model."""
    model = make_model()
    nn.init.normal_(model[1].weight)  # type: ignore[index]
    config = cvkan.config_for("image", epochs=1, batch_size=16, lr=1e-12, class_weights=True)
    logged = cvkan.fit(model, splits, config).history[0]
    inputs, targets = splits.train[:]
    chances = model(inputs).detach().double().softmax(-1)
    assert logged["train/loss"] == pytest.approx(sk.log_loss(targets, chances), rel=1e-5)
    assert logged["train/accuracy"] == sk.accuracy_score(targets, chances.argmax(-1))


def test_predictions_are_those_of_the_model_in_order(
    splits: Splits, make_model: Callable[[], nn.Module]
) -> None:
    model = make_model().train()
    nn.init.normal_(model[1].weight)  # type: ignore[index]
    found = cvkan.predict(model, splits.test, cvkan.config_for("image", batch_size=7, device="cpu"))
    inputs, targets = splits.test[:]
    torch.testing.assert_close(found.outputs, model(inputs).detach())
    assert torch.equal(found.targets, targets)
    assert torch.equal(found.classes, found.outputs.argmax(1))
    assert model.training


def test_integers_become_scaled_floats_batch_by_batch() -> None:
    split = Split(
        torch.tensor([[0], [128], [255]], dtype=torch.uint8),
        torch.arange(3),
        center=torch.tensor(128.0),
        scale=torch.tensor(2.0),
    )
    inputs, targets = split[torch.tensor([2, 0])]
    assert inputs.tolist() == [[63.5], [-64.0]]
    assert targets.tolist() == [2, 0]


def test_quality_ranks_accuracy_then_loss_and_nan_last() -> None:
    ranked = [
        {"accuracy": np.nan, "loss": np.nan},
        {"accuracy": 0.5, "loss": 0.1},
        {"accuracy": 0.6, "loss": 0.9},
        {"accuracy": 0.6, "loss": 0.8},
    ]
    assert sorted(reversed(ranked), key=quality) == ranked
    assert quality({"mse": 1.0, "mae": 0.1}) > quality({"mse": 2.0, "mae": 0.0})
