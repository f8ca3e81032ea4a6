"""Metrics of a whole split at once; a mean of batch means would overweigh a short last batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from cvkan.config import ClassifierConfig, TrainingConfig

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
        sums = _class_sums(outputs, targets) if are_classes(targets) else _sums(outputs, targets)
        for name, value in sums.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
        self._count += len(targets) if are_classes(targets) else targets.numel()
        return self

    def metrics(self) -> Metrics:
        """The metrics of everything counted so far."""
        return {name: value.item() / self._count for name, value in self._sums.items()}


def extra_names(config: TrainingConfig) -> tuple[str, ...]:
    """The metrics beyond loss and accuracy that a configuration asks for, each once."""
    if not isinstance(config, ClassifierConfig):
        return ()
    wanted = dict.fromkeys((*config.extra_metrics, config.quality))
    return tuple(name for name in wanted if name != "accuracy")


def extra_metrics(
    names: Iterable[str], logits: Tensor, targets: Tensor, usual: int | None = None
) -> Metrics:
    """Those metrics of a whole split, from logits (samples, classes) and classes (samples,).

    balanced_accuracy is the mean recall of the classes that are present. auroc is the mean over
    classes of one against the rest, by softmax; left out unless every class is present, and not
    alone. accuracy_se is the standard error of the accuracy. majority is the share of class
    `usual`, the largest of the training split: what always answering it would reach.
    """
    found = {name: _EXTRA[name](logits.float().cpu(), targets.cpu(), usual) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def prefixed(split: str, metrics: Mapping[str, float]) -> Metrics:
    """prefixed("val", {"loss": 0.5})  # {"val/loss": 0.5}"""
    return {f"{split}/{name}": value for name, value in metrics.items()}


def quality(metrics: Mapping[str, float], name: str = "accuracy") -> tuple[float, ...]:
    """What early stopping, plateau and the best checkpoint compare: larger is better.

    The metric `name`, ties broken by the loss; without classes the mean squared error. A value
    that is not a number ranks last.
    """
    parts = (metrics[name], -metrics["loss"]) if "accuracy" in metrics else (-metrics["mse"],)
    if any(part != part for part in parts):
        return (float("-inf"),) * len(parts)
    return parts


def are_classes(targets: Tensor) -> bool:
    """Whether targets name classes, and are not amounts."""
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


def _balanced_accuracy(logits: Tensor, targets: Tensor, usual: int | None) -> float:
    counts = torch.bincount(targets, minlength=logits.shape[1])
    right = torch.bincount(targets[logits.argmax(-1) == targets], minlength=logits.shape[1])
    return (right / counts)[counts > 0].mean(dtype=torch.float64).item()


def _auroc(logits: Tensor, targets: Tensor, usual: int | None) -> float | None:
    counts = torch.bincount(targets, minlength=logits.shape[1])
    if (counts == 0).any() or len(counts) < 2:
        return None
    chances = logits.double().softmax(-1)
    areas = [_area(chances[:, k], targets == k) for k in range(len(counts))]
    return sum(areas) / len(areas)


def _area(scores: Tensor, positive: Tensor) -> float:
    """Area under the ROC curve: how often a positive outranks a negative, ties by half."""
    if scores.isnan().any():
        return float("nan")
    _, place, ties = torch.unique(scores, return_inverse=True, return_counts=True)
    ranks = (ties.cumsum(0) - (ties - 1) / 2)[place].double()  # from 1; equals share their mean
    n_positive = int(positive.sum())
    above = ranks[positive].sum().item() - n_positive * (n_positive + 1) / 2
    return float(above / (n_positive * (len(scores) - n_positive)))


def _majority(logits: Tensor, targets: Tensor, usual: int | None) -> float | None:
    return None if usual is None else (targets == usual).double().mean().item()


def _accuracy_se(logits: Tensor, targets: Tensor, usual: int | None) -> float:
    share = (logits.argmax(-1) == targets).double().mean().item()
    return float((share * (1 - share) / len(targets)) ** 0.5)


_EXTRA: dict[str, Callable[[Tensor, Tensor, int | None], float | None]] = {
    "balanced_accuracy": _balanced_accuracy,
    "auroc": _auroc,
    "majority": _majority,
    "accuracy_se": _accuracy_se,
}
