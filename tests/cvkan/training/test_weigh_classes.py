"""The objective: class weights n / (K n_k) and label smoothing, worked out by hand."""

from __future__ import annotations

import pytest
import torch

import cvkan
from cvkan.data.splits import Split, Splits
from cvkan.errors import DataError
from cvkan.info import DataInfo
from cvkan.training.objective import class_weights, objective_for

TARGETS = torch.tensor([0, 0, 0, 0, 0, 0, 1, 1, 1, 2])
LOGITS = torch.randn(10, 3, generator=torch.Generator().manual_seed(0))
LOG_CHANCES = LOGITS - LOGITS.exp().sum(dim=1, keepdim=True).log()


def objective(**values: object) -> float:
    part = Split(torch.zeros(10, 1, 2, 2), TARGETS)
    info = DataInfo("toy", "image", (1, 2, 2), n_classes=3)
    config = cvkan.config_for("image", **values)
    function = objective_for(config, Splits(part, part, part, info, ()), torch.device("cpu"))
    return function(LOGITS, TARGETS).item()


def test_weights_are_inverse_to_the_counts() -> None:
    expected = [10 / (3 * 6), 10 / (3 * 3), 10 / (3 * 1)]
    assert class_weights(TARGETS, 3).tolist() == pytest.approx(expected)


def test_a_class_without_samples_has_no_weight() -> None:
    with pytest.raises(DataError, match=r"no training sample.*\[6, 3, 1, 0\]"):
        class_weights(TARGETS, 4)


def test_the_plain_loss_is_the_mean_log_chance_of_the_truth() -> None:
    expected = -LOG_CHANCES[torch.arange(10), TARGETS].mean().item()
    assert objective() == pytest.approx(expected, rel=1e-5)


def test_weighted_losses_are_averaged_by_weight() -> None:
    losses = -LOG_CHANCES[torch.arange(10), TARGETS]
    per_class = [losses[k == TARGETS].mean().item() for k in range(3)]
    assert objective(class_weights=True) == pytest.approx(sum(per_class) / 3, rel=1e-5)


def test_smoothing_spreads_a_share_of_the_target() -> None:
    truth = torch.full((10, 3), 0.3 / 3)
    truth[torch.arange(10), TARGETS] += 0.7
    expected = -(truth * LOG_CHANCES).sum(dim=1).mean().item()
    assert objective(label_smoothing=0.3) == pytest.approx(expected, rel=1e-5)
