"""One training: its model, optimizer and data, an epoch at a time, and all that it can resume."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from typing import Any, Literal

import torch
from torch import Tensor, nn

from cvkan.config import TrainingConfig
from cvkan.data.splits import Splits
from cvkan.training.augment import augmenter_for
from cvkan.training.auxiliary import Auxiliary
from cvkan.training.checkpoint import Weights
from cvkan.training.compiling import compile_once
from cvkan.training.device import device_of, placed
from cvkan.training.metrics import Metrics, Totals, are_classes, prefixed, quality
from cvkan.training.objective import objective_for
from cvkan.training.optimizers import optimizer_for
from cvkan.training.precision import Stepper, precision_of
from cvkan.training.predict import predict
from cvkan.training.schedules import LearningRate

Ending = Literal["finished", "patience", "stopped", "diverged"]


class Trainer:
    """Trains an epoch whenever asked, until `ending` says why there is no other one."""

    def __init__(self, model: nn.Module, splits: Splits, config: TrainingConfig) -> None:
        torch.manual_seed(config.seed)
        self.history: list[Metrics] = []
        self.best = Best(config)
        self.ending: Ending | None = None
        self._config = config
        self._device = device_of(config)
        self._model = model.to(self._device)
        self._splits = splits
        self._train = placed(splits.train, self._device)
        self._validation = placed(splits.validation, self._device)
        self._usual = largest_class(splits.train.targets)
        self._objective = objective_for(config, splits, self._device)
        self._auxiliary = Auxiliary(model, config)  # before compilation, which fixes the hooks
        self._augment = augmenter_for(config)
        self._optimizer = optimizer_for(model, config)
        self._stepper = Stepper(model, self._optimizer, config, self._device)
        self._generator = torch.Generator().manual_seed(config.seed)
        self._rate = LearningRate(config, -(-len(self._train) // config.batch_size))
        self._step = 0
        compile_once(model, config, self._device)

    def epoch(self) -> bool:
        """Train and validate once, add to the history; whether validation improved."""
        began = time.perf_counter()
        self._model.train()
        totals = Totals()
        rate = self._rate.at(self._step)
        for inputs, targets in self._batches():
            rate = self._rate.at(self._step)
            totals.add(self._update(inputs, targets, rate), targets)
            self._step += 1
        train = totals.metrics()
        validation = predict(self._model, self._validation, self._config).metrics(self._usual)
        improved = self.best.offer(len(self.history) + 1, validation, self._model)
        self._rate.epoch_ended(improved=improved)
        timing = {"train/lr": rate, "time/epoch_seconds": time.perf_counter() - began}
        self.history.append(prefixed("train", train) | prefixed("val", validation) | timing)
        self.ending = self._ending(train)
        return improved

    def weights(self) -> Weights:
        """Those of the model as it is."""
        weights: Weights = self._model.state_dict()
        return weights

    def release(self) -> None:
        """Leave the model without what training hung on it; no epoch can follow."""
        self._auxiliary.remove()

    def test(self) -> Metrics:
        """Give the model the weights of the best epoch, and test them."""
        self._model.load_state_dict(self.best.weights)
        return prefixed(
            "test", predict(self._model, self._splits.test, self._config).metrics(self._usual)
        )

    def state(self) -> dict[str, Any]:
        """Everything the next epoch depends on, as tensors and plain values."""
        return {
            "history": self.history,
            "ending": self.ending,
            "best": self.best.state(),
            "model": self._model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._stepper.scaler.state_dict(),
            "rate": self._rate.state(),
            "step": self._step,
            "order": self._generator.get_state(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where the trainer was that gave this state."""
        self.history, self.ending = state["history"], state["ending"]
        self.best.restore(state["best"])
        self._model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._stepper.scaler.load_state_dict(state["scaler"])
        self._rate.restore(state["rate"])
        self._step = state["step"]
        self._generator.set_state(state["order"])
        torch.set_rng_state(state["random"])
        if len(state["random_cuda"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(state["random_cuda"])

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(self._train), generator=self._generator)
        order = order.to(self._train.inputs.device)
        for start in range(0, len(order), self._config.batch_size):
            inputs, targets = self._train[order[start : start + self._config.batch_size]]
            inputs = inputs.to(self._device)
            if self._augment is not None:
                inputs = self._augment(inputs, self._generator)
            yield inputs, targets.to(self._device)

    def _update(self, inputs: Tensor, targets: Tensor, rate: float) -> Tensor:
        """One optimizer step; the outputs before it."""
        with precision_of(self._config, self._device):
            outputs: Tensor = self._model(inputs)
        outputs = outputs.float()
        self._stepper.step(self._objective(outputs, targets) + self._auxiliary.loss(), rate)
        return outputs

    def _ending(self, train: Metrics) -> Ending | None:
        # after NaN weights nothing can improve; finite metrics of one epoch prove finite weights
        is_finite = all(abs(value) < float("inf") for value in train.values())
        if not is_finite or self._stepper.is_lost:
            return "diverged"
        epoch, patience = len(self.history), self._config.patience
        if patience is not None and epoch - self.best.epoch >= patience:
            return "patience"
        return "finished" if epoch == self._config.epochs else None


class Best:
    """The epoch that validated best so far, and its weights."""

    def __init__(self, config: TrainingConfig) -> None:
        self.epoch = 0
        self.weights: Weights = {}
        self._name = config.quality
        self._quality: tuple[float, ...] | None = None

    def offer(self, epoch: int, metrics: Metrics, model: nn.Module) -> bool:
        """Keep the epoch where it is strictly better than all before it; whether it was."""
        value = quality(metrics, self._name)
        if self._quality is not None and value <= self._quality:
            return False
        self.epoch, self._quality = epoch, value
        self.weights = copy.deepcopy(model.state_dict())
        return True

    def state(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "quality": self._quality, "weights": dict(self.weights)}

    def restore(self, state: dict[str, Any]) -> None:
        self.epoch, self._quality = state["epoch"], state["quality"]
        self.weights = state["weights"]


def largest_class(targets: Tensor) -> int | None:
    """The class with the most samples; None where targets are amounts."""
    return int(torch.bincount(targets).argmax()) if are_classes(targets) else None
