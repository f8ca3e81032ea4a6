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
from cvkan.errors import DataError
from cvkan.training.metrics import Totals, extra_metrics, extra_names, metrics_of, quality
from cvkan.training.predict import predict


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


EVERY = ("balanced_accuracy", "auroc", "majority", "accuracy_se")


def uneven(n_classes: int, *, ties: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits that know something, of classes of very different size."""
    targets = torch.arange(90) ** 2 * n_classes // 90**2
    logits = torch.randn(90, n_classes, generator=torch.Generator().manual_seed(0))
    logits[torch.arange(90), targets] += 0.7
    return (logits.round() if ties else logits), targets


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_metrics_of_uneven_classes(n_classes: int, ties: bool) -> None:
    logits, targets = uneven(n_classes, ties=ties)
    answers, truth, chances = logits.argmax(1), targets.numpy(), logits.double().softmax(1)
    accuracy = sk.accuracy_score(truth, answers)
    areas = [sk.roc_auc_score(truth == k, chances[:, k]) for k in range(n_classes)]
    assert extra_metrics(EVERY, logits, targets, 1) == pytest.approx(
        {
            "balanced_accuracy": sk.balanced_accuracy_score(truth, answers),
            "auroc": np.mean(areas),
            "majority": np.mean(truth == 1),
            "accuracy_se": (accuracy * (1 - accuracy) / 90) ** 0.5,
        }
    )


def test_classes_that_are_missing() -> None:
    """Recall is that of the classes that are there; an area needs all, a majority a training."""
    logits, targets = uneven(4)
    some = targets != 2
    found = extra_metrics(EVERY, logits[some], targets[some])
    recalls = sk.recall_score(
        targets[some], logits[some].argmax(1), labels=[0, 1, 3], average="macro", zero_division=0
    )
    assert found["balanced_accuracy"] == pytest.approx(recalls)
    assert set(found) == {"balanced_accuracy", "accuracy_se"}


def test_logits_that_are_no_numbers_have_no_area() -> None:
    logits, targets = uneven(2)
    assert np.isnan(extra_metrics(("auroc",), logits * np.nan, targets)["auroc"])


class Uneven(cvkan.ImageConfig):
    """Asks for all metrics, and for the epoch of best balanced accuracy."""

    extra_metrics = EVERY
    quality = "balanced_accuracy"


def test_a_domain_asks_for_metrics_and_chooses_by_one(
    splits: Splits, make_model: Callable[[], nn.Module]
) -> None:
    config = Uneven(epochs=6, batch_size=16, lr=0.05, device="cpu")
    model = make_model()
    result = cvkan.fit(model, splits, config)
    plain = {"loss", "accuracy"}
    assert set(result.test) == {f"test/{name}" for name in plain | set(EVERY)}
    rows = result.history
    assert {name for name in rows[0] if name.startswith("train")} == {
        *("train/loss", "train/accuracy", "train/lr")
    }
    best = max(rows, key=lambda row: (row["val/balanced_accuracy"], -row["val/loss"]))
    assert rows.index(best) + 1 == result.best_epoch
    usual = splits.train.targets.bincount().argmax()
    share = (splits.test.targets == usual).double().mean().item()
    assert result.test["test/majority"] == pytest.approx(share)
    found = cvkan.predict(model, splits.test, config).metrics()
    assert found["auroc"] == result.test["test/auroc"]


def test_forecasters_and_usual_classifiers_ask_for_nothing_more() -> None:
    assert extra_names(cvkan.config_for("timeseries")) == ()
    assert extra_names(cvkan.config_for("image")) == ()


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


def test_names_of_words_stay_integers() -> None:
    words = torch.tensor([[3, 0], [70000, 1]])
    assert torch.equal(Split(words, torch.arange(2))[:][0], words)


def test_quality_ranks_accuracy_then_loss_and_nan_last() -> None:
    ranked = [
        {"accuracy": np.nan, "loss": np.nan},
        {"accuracy": 0.5, "loss": 0.1},
        {"accuracy": 0.6, "loss": 0.9},
        {"accuracy": 0.6, "loss": 0.8},
    ]
    assert sorted(reversed(ranked), key=quality) == ranked
    assert quality({"mse": 1.0, "mae": 0.1}) > quality({"mse": 2.0, "mae": 0.0})


def test_a_prediction_that_fails_leaves_the_mode_as_it_was() -> None:
    config = cvkan.config_for("image", d_complex=8, device="cpu")
    model = cvkan.build(config, cvkan.load(config).info)
    with pytest.raises(RuntimeError):
        cvkan.predict(model, Split(torch.zeros(3, 5), torch.arange(3)), config)
    assert model.training


def test_nothing_is_predicted_of_a_split_without_samples() -> None:
    split = Split(torch.zeros(0, 1, 8, 8), torch.zeros(0, dtype=torch.int64))
    with pytest.raises(DataError, match=r"without samples has no predictions: \(0, 1, 8, 8\)"):
        predict(nn.Flatten(), split, cvkan.config_for("image", device="cpu"))
