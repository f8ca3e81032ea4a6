"""Metrics of a whole split at once; a mean of batch means would overweigh a short last batch."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

Metrics = dict[str, float]


def metrics_of(outputs: Tensor, targets: Tensor) -> Metrics:
    """Loss and accuracy of logits against classes; mse and mae of forecasts.

    The loss is the plain cross-entropy, whatever weights and smoothing the training minimises, so
    that losses of different runs compare.
    """
    return Totals().add(outputs, targets).metrics()


class Totals:
    """Sums over samples that become the metrics of all of them; batches may differ in size."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}  # on the device: reading one waits for it
        self._count = 0

    def add(self, outputs: Tensor, targets: Tensor) -> Totals:
        """Count in a batch; returns itself."""
        outputs = outputs.detach()
        sums = _class_sums(outputs, targets) if _are_classes(targets) else _sums(outputs, targets)
        for name, value in sums.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
        self._count += len(targets) if _are_classes(targets) else targets.numel()
        return self

    def metrics(self) -> Metrics:
        """The metrics of everything counted so far."""
        return {name: value.item() / self._count for name, value in self._sums.items()}


def prefixed(split: str, metrics: Mapping[str, float]) -> Metrics:
    """prefixed("val", {"loss": 0.5})  # {"val/loss": 0.5}"""
    return {f"{split}/{name}": value for name, value in metrics.items()}


def quality(metrics: Mapping[str, float]) -> tuple[float, ...]:
    """What early stopping, plateau and the best checkpoint compare: larger is better.

    Accuracy, ties broken by the loss; for forecasts the mean squared error. A value that is not
    a number ranks last.
    """
    parts = (metrics["accuracy"], -metrics["loss"]) if "accuracy" in metrics else (-metrics["mse"],)
    if any(part != part for part in parts):
        return (float("-inf"),) * len(parts)
    return parts


def _are_classes(targets: Tensor) -> bool:
    return not targets.is_floating_point()


def _class_sums(logits: Tensor, targets: Tensor) -> dict[str, Tensor]:
    return {
        "loss": F.cross_entropy(logits.float(), targets, reduction="none").double().sum(),
        "accuracy": (logits.argmax(dim=-1) == targets).sum(),
    }


def _sums(outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
    error = outputs.float() - targets
    return {
        "mse": error.square().sum(dtype=torch.float64),
        "mae": error.abs().sum(dtype=torch.float64),
    }
