"""Training: repeatable to the bit, stops in time, tests the best weights, never sees the test."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
import torch
from torch import nn

import cvkan
from cvkan.data.splits import Split, Splits

Maker = Callable[[], nn.Module]


def config(**values: object) -> cvkan.TrainingConfig:
    small = {"batch_size": 16, "lr": 0.1, "schedule": "constant", "device": "cpu"}
    return cvkan.config_for("image", **{**small, **values})


def trained(seed: int) -> tuple[cvkan.Result, dict[str, torch.Tensor]]:
    """The real image model with everything random switched on."""
    options = {"dropout": 0.2, "flip": True, "shift": 1, "epochs": 2, "seed": seed, "device": "cpu"}
    chosen = cvkan.config_for("image", train_size=130, test_size=50, d_complex=8, **options)
    splits = cvkan.load(chosen)
    torch.manual_seed(torch.seed() % 2**32)  # whatever happened before must not matter
    model = cvkan.build(chosen, splits.info)
    return cvkan.fit(model, splits, chosen), model.state_dict()


def metrics_only(result: cvkan.Result) -> list[dict[str, float]]:
    return [{k: v for k, v in row.items() if k != "time/epoch_seconds"} for row in result.history]


def test_equal_seeds_are_equal_to_the_last_bit() -> None:
    (first, first_weights), (again, again_weights), (other, _) = map(trained, (0, 0, 1))
    assert metrics_only(first) == metrics_only(again)
    assert first.test == again.test
    assert all(torch.equal(first_weights[name], again_weights[name]) for name in first_weights)
    assert metrics_only(first) != metrics_only(other)


def test_it_learns(splits: Splits, make_model: Maker) -> None:
    result = cvkan.fit(make_model(), splits, config(epochs=20))
    assert result.history[0]["train/loss"] > 2 * result.history[-1]["train/loss"]
    assert result.test["test/accuracy"] > 0.9
    assert result.n_parameters == 10
    assert result.ending == "finished"


def test_sgd_learns_too(splits: Splits, make_model: Maker) -> None:
    result = cvkan.fit(make_model(), splits, config(epochs=20, optimizer="sgd"))
    assert result.test["test/accuracy"] > 0.9


def test_each_epoch_is_told_with_its_number(splits: Splits, make_model: Maker) -> None:
    told: list[tuple[int, dict[str, float]]] = []
    result = cvkan.fit(
        make_model(),
        splits,
        config(epochs=3),
        on_epoch=lambda row, epoch: told.append((epoch, row)),
    )
    assert [epoch for epoch, _ in told] == [1, 2, 3]
    assert tuple(row for _, row in told) == result.history
    assert set(told[0][1]) == {
        *("train/loss", "train/accuracy", "val/loss", "val/accuracy"),
        *("train/lr", "time/epoch_seconds"),
    }


def test_a_forecaster_reports_errors(make_model: Maker) -> None:
    chosen = cvkan.config_for("timeseries", train_size=40, epochs=1, horizon=24, d_complex=4)
    splits = cvkan.load(chosen)
    result = cvkan.fit(cvkan.build(chosen, splits.info), splits, chosen)
    assert {"train/mse", "val/mse", "val/mae"} <= set(result.history[0])
    assert set(result.test) == {"test/mse", "test/mae"}


def test_it_stops_when_patience_ends(contrary: Splits, make_model: Maker) -> None:
    result = cvkan.fit(make_model(), contrary, config(epochs=20, patience=3))
    assert result.ending == "patience"
    assert result.best_epoch == 1
    assert len(result.history) == 4


def test_plateau_halves_the_rate_while_validation_does_not_improve(
    contrary: Splits, make_model: Maker
) -> None:
    chosen = config(epochs=6, schedule="plateau", plateau_patience=2)
    rates = [row["train/lr"] for row in cvkan.fit(make_model(), contrary, chosen).history]
    assert rates == pytest.approx([0.1, 0.1, 0.1, 0.05, 0.05, 0.025])


def test_it_ends_with_the_weights_that_validated_best(contrary: Splits, make_model: Maker) -> None:
    stopped, went_on = make_model(), make_model()
    once = cvkan.fit(stopped, contrary, config(epochs=1))
    longer = cvkan.fit(went_on, contrary, config(epochs=5))
    assert longer.best_epoch == 1
    assert longer.test == once.test
    assert torch.equal(stopped[1].weight, went_on[1].weight)  # type: ignore[index]


def test_the_test_set_changes_nothing_before_the_end(splits: Splits, make_model: Maker) -> None:
    nonsense = Split(torch.full((5, 1, 2, 2), torch.nan), torch.zeros(5, dtype=torch.int64))
    with_test = cvkan.fit(make_model(), splits, config(epochs=2))
    without = cvkan.fit(make_model(), dataclasses.replace(splits, test=nonsense), config(epochs=2))
    assert metrics_only(with_test) == metrics_only(without)


def test_a_diverged_training_stops_and_keeps_its_best_weights(
    splits: Splits, make_model: Maker
) -> None:
    class Explosive(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = make_model()
            self.register_buffer("passes", torch.zeros(()))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if self.training:
                self.passes += 1
            outputs: torch.Tensor = self.inner(x)
            return outputs * torch.nan if self.training and self.passes > 8 else outputs

    result = cvkan.fit(Explosive(), splits, config(epochs=20))
    assert result.ending == "diverged"
    assert len(result.history) == 3  # four batches an epoch
    assert result.best_epoch < 3
    assert result.test["test/accuracy"] > 0.5


def test_clipping_bounds_the_step(splits: Splits, make_model: Maker) -> None:
    """One step of plain size: SGD with Nesterov moves by lr (1 + momentum) times the gradient."""
    model = make_model()
    one_step = config(epochs=1, batch_size=50, optimizer="sgd", lr=1.0, clip=1e-3, weight_decay=0.0)
    cvkan.fit(model, splits, one_step)
    moved = torch.cat([p.detach().flatten() for p in model.parameters()])
    assert moved.norm().item() == pytest.approx(1.9e-3, rel=1e-3)


def test_a_device_that_is_not_there_is_an_error(splits: Splits, make_model: Maker) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(cvkan.CvkanError, match="no usable CUDA device"):
        cvkan.fit(make_model(), splits, config(device="cuda"))
