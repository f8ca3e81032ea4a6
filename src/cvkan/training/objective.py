"""What training minimises: cross-entropy with class weights and label smoothing, or the MSE."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from cvkan.config import ClassifierConfig, TrainingConfig
from cvkan.data.splits import Splits
from cvkan.errors import DataError

Objective = Callable[[Tensor, Tensor], Tensor]


def objective_for(config: TrainingConfig, splits: Splits, device: torch.device) -> Objective:
    """The function (outputs, targets) -> loss that `config` asks for."""
    if not isinstance(config, ClassifierConfig) or splits.train.targets.is_floating_point():
        return F.mse_loss
    weights = None
    if config.class_weights:
        weights = class_weights(splits.train.targets, splits.info.n_classes or 0).to(device)

    def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(
            logits, targets, weight=weights, label_smoothing=config.label_smoothing
        )

    return cross_entropy


def class_weights(targets: Tensor, n_classes: int) -> Tensor:
    """Weights n / (K n_k) of K classes with n_k of the n samples: rare classes count more."""
    counts = torch.bincount(targets, minlength=n_classes)
    if (counts == 0).any():
        raise DataError(
            "a class has no training sample, so it has no weight",
            seen=counts.tolist(),
            do="Raise train_size, or set class_weights to false.",
        )
    return len(targets) / (n_classes * counts.float())
