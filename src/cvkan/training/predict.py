"""What a model says about a split."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cvkan.config import TrainingConfig
from cvkan.data.splits import Split
from cvkan.errors import DataError
from cvkan.training.compiling import compile_once
from cvkan.training.device import device_of, placed
from cvkan.training.metrics import Metrics, are_classes, extra_metrics, extra_names, metrics_of
from cvkan.training.precision import precision_of


@dataclass(frozen=True)
class Predictions:
    """Outputs beside the truth, for all samples of a split in order, on the CPU."""

    outputs: Tensor  # logits (samples, classes), or forecasts (samples, horizon, channels)
    targets: Tensor  # classes (samples,), or (samples, horizon, channels)
    extra: tuple[str, ...] = ()  # metrics that the configuration asks for beside the usual ones

    @property
    def classes(self) -> Tensor:
        """The most likely class of every sample."""
        return self.outputs.argmax(dim=-1)

    def metrics(self, usual: int | None = None) -> Metrics:
        """Loss and accuracy, or mse and mae, of the whole split, and the extra metrics.

        `usual`, the largest class of the training split, is what the metric `majority` needs.
        """
        metrics = metrics_of(self.outputs, self.targets)
        if self.extra and are_classes(self.targets):
            metrics |= extra_metrics(self.extra, self.outputs, self.targets, usual)
        return metrics


@torch.no_grad()
def predict(model: nn.Module, split: Split, config: TrainingConfig) -> Predictions:
    """Run `model` over a split in evaluation mode, which it leaves as it found it.

    Precision, compilation and size of batches are those of `config`. DataError for a split
    without samples.
    """
    if not len(split):
        raise DataError(
            "a split without samples has no predictions",
            seen=tuple(split.inputs.shape),
            do="Give one with samples.",
        )
    device = device_of(config)
    was_training = model.training
    model.to(device).eval()
    compile_once(model, config, device)
    split = placed(split, device)
    outputs, targets = [], []
    try:
        for start in range(0, len(split), config.batch_size):
            inputs, truth = split[start : start + config.batch_size]
            with precision_of(config, device):
                answers = model(inputs.to(device))
            outputs.append(answers.float().cpu())
            targets.append(truth.cpu())
    finally:
        model.train(was_training)
    return Predictions(torch.cat(outputs), torch.cat(targets), extra_names(config))
