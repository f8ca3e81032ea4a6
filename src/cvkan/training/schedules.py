"""The learning rate over a training: warm-up, then cosine, plateau or constant."""

from __future__ import annotations

import math
from collections.abc import Mapping

from cvkan.config import TrainingConfig


class LearningRate:
    """The learning rate of each optimizer step.

    Warm-up is linear and reaches `lr` with its last step. Cosine then falls to zero at the step
    after the last; plateau halves after `plateau_patience` epochs without improvement in a row.
    """

    def __init__(self, config: TrainingConfig, steps_per_epoch: int) -> None:
        self._config = config
        self._warmup = round(config.warmup * steps_per_epoch)
        self._total = config.epochs * steps_per_epoch
        self._factor = 1.0
        self._waited = 0

    def at(self, step: int) -> float:
        """The rate of optimizer step `step`, counted from 0."""
        return self._config.lr * self._factor * self._scale(step)

    def epoch_ended(self, *, improved: bool) -> None:
        """Tell whether validation improved in the epoch that just ended."""
        self._waited = 0 if improved else self._waited + 1
        if self._config.schedule == "plateau" and self._waited >= self._config.plateau_patience:
            self._factor /= 2
            self._waited = 0

    def state(self) -> dict[str, float]:
        """What the rates to come depend on, beside the step."""
        return {"factor": self._factor, "waited": self._waited}

    def restore(self, state: Mapping[str, float]) -> None:
        """Go on where the rate was that gave this state."""
        self._factor, self._waited = state["factor"], int(state["waited"])

    def _scale(self, step: int) -> float:
        if step < self._warmup:
            return (step + 1) / self._warmup
        if self._config.schedule != "cosine":
            return 1.0
        done = (step - self._warmup) / max(1, self._total - self._warmup)
        return 0.5 * (1 + math.cos(math.pi * done))
