"""What a model says about a split."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cvkan.config import TrainingConfig
from cvkan.data.splits import Split
from cvkan.training.device import device_of, placed
from cvkan.training.metrics import Metrics, metrics_of


@dataclass(frozen=True)
class Predictions:
    """Outputs beside the truth, for all samples of a split in order, on the CPU."""

    outputs: Tensor  # logits (samples, classes), or forecasts (samples, horizon, channels)
    targets: Tensor  # classes (samples,), or (samples, horizon, channels)

    @property
    def classes(self) -> Tensor:
        """The most likely class of every sample."""
        return self.outputs.argmax(dim=-1)

    def metrics(self) -> Metrics:
        """Loss and accuracy, or mse and mae, of the whole split."""
        return metrics_of(self.outputs, self.targets)


@torch.no_grad()
def predict(model: nn.Module, split: Split, config: TrainingConfig) -> Predictions:
    """Run `model` over a split in evaluation mode, which it leaves as it found it."""
    device = device_of(config)
    was_training = model.training
    model.to(device).eval()
    split = placed(split, device)
    outputs, targets = [], []
    for start in range(0, len(split), config.batch_size):
        inputs, truth = split[start : start + config.batch_size]
        outputs.append(model(inputs.to(device)).float().cpu())
        targets.append(truth.cpu())
    model.train(was_training)
    return Predictions(torch.cat(outputs), torch.cat(targets))
