"""Training: from a model and data to the weights that validate best, and one test with them."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from cvkan.baselines.matching import count_parameters
from cvkan.config import ImageConfig, TrainingConfig
from cvkan.data.splits import Splits
from cvkan.training.augment import flipped, shifted
from cvkan.training.checkpoint import Weights, save_config, save_weights
from cvkan.training.device import device_of, placed
from cvkan.training.metrics import Metrics, Totals, prefixed, quality
from cvkan.training.objective import objective_for
from cvkan.training.predict import predict
from cvkan.training.schedules import LearningRate

Ending = Literal["finished", "patience", "diverged"]
OnEpoch = Callable[[Metrics, int], object]  # (metrics, epoch counted from 1)


@dataclass(frozen=True)
class Result:
    """What a training came to."""

    history: tuple[Metrics, ...]  # one a finished epoch: train/..., val/..., time/epoch_seconds
    best_epoch: int  # counted from 1
    test: Metrics  # test/..., with the weights of the best epoch
    n_parameters: int
    seconds: float  # training and validation, without the test
    ending: Ending  # all epochs, out of patience, or a loss that is no longer finite


def fit(
    model: nn.Module,
    splits: Splits,
    config: TrainingConfig,
    *,
    on_epoch: OnEpoch | None = None,
    checkpoints: Path | None = None,
) -> Result:
    """Train `model` in place; it ends with the weights of the epoch that validated best.

    Seeds torch's global generators with `config.seed`: two trainings of equal models are equal to
    the last bit on the CPU. `on_epoch` is called after each epoch; `checkpoints` is a folder that
    gets best.pt, last.pt and config.json.
    """
    began = time.perf_counter()
    torch.manual_seed(config.seed)
    trainer = _Trainer(model, splits, config)
    best = _Best()
    history: list[Metrics] = []
    ending: Ending = "finished"
    if checkpoints:
        save_config(checkpoints, config, splits.info)
    for epoch in range(1, config.epochs + 1):
        metrics, improved = trainer.epoch(epoch, best)
        if checkpoints:
            save_weights(checkpoints / "last.pt", model.state_dict())
            if improved:
                save_weights(checkpoints / "best.pt", best.weights)
        history.append(metrics)
        if on_epoch:
            on_epoch(metrics, epoch)
        if not trainer.is_finite:
            ending = "diverged"
            break
        if config.patience is not None and epoch - best.epoch >= config.patience:
            ending = "patience"
            break
    seconds = time.perf_counter() - began
    model.load_state_dict(best.weights)
    test = prefixed("test", predict(model, splits.test, config).metrics())
    return Result(tuple(history), best.epoch, test, count_parameters(model), seconds, ending)


class _Best:
    """The epoch that validated best so far, and its weights."""

    def __init__(self) -> None:
        self.epoch = 0
        self.weights: Weights = {}
        self._quality: tuple[float, ...] | None = None

    def offer(self, epoch: int, metrics: Metrics, model: nn.Module) -> bool:
        """Keep the epoch where it is strictly better than all before it; whether it was."""
        value = quality(metrics)
        if self._quality is not None and value <= self._quality:
            return False
        self.epoch, self._quality = epoch, value
        self.weights = copy.deepcopy(model.state_dict())
        return True


class _Trainer:
    """One model's optimizer, schedule and data, an epoch at a time."""

    def __init__(self, model: nn.Module, splits: Splits, config: TrainingConfig) -> None:
        self._device = device_of(config)
        self._config = config
        self._model = model.to(self._device)
        self._train = placed(splits.train, self._device)
        self._validation = placed(splits.validation, self._device)
        self._objective = objective_for(config, splits, self._device)
        self._optimizer = _optimizer(model, config)
        self._generator = torch.Generator().manual_seed(config.seed)
        self._rate = LearningRate(config, -(-len(self._train) // config.batch_size))
        self._step = 0
        self.is_finite = True

    def epoch(self, number: int, best: _Best) -> tuple[Metrics, bool]:
        """Train and validate once; the metrics, and whether validation improved."""
        began = time.perf_counter()
        self._model.train()
        totals = Totals()
        rate = self._rate.at(self._step)
        for inputs, targets in self._batches():
            rate = self._rate.at(self._step)
            totals.add(self._update(inputs, targets, rate), targets)
            self._step += 1
        train = totals.metrics()
        # after NaN weights nothing can improve; finite metrics of one epoch prove finite weights
        self.is_finite = all(abs(value) < float("inf") for value in train.values())
        validation = predict(self._model, self._validation, self._config).metrics()
        improved = best.offer(number, validation, self._model)
        self._rate.epoch_ended(improved=improved)
        timing = {"train/lr": rate, "time/epoch_seconds": time.perf_counter() - began}
        return prefixed("train", train) | prefixed("val", validation) | timing, improved

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(self._train), generator=self._generator)
        order = order.to(self._train.inputs.device)
        for start in range(0, len(order), self._config.batch_size):
            inputs, targets = self._train[order[start : start + self._config.batch_size]]
            yield self._augmented(inputs.to(self._device)), targets.to(self._device)

    def _augmented(self, inputs: Tensor) -> Tensor:
        config = self._config
        if isinstance(config, ImageConfig):
            if config.flip:
                inputs = flipped(inputs, self._generator)
            if config.shift:
                inputs = shifted(inputs, config.shift, self._generator)
        return inputs

    def _update(self, inputs: Tensor, targets: Tensor, rate: float) -> Tensor:
        """One optimizer step; the outputs before it."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        outputs: Tensor = self._model(inputs)
        self._optimizer.zero_grad(set_to_none=True)
        self._objective(outputs, targets).backward()  # type: ignore[no-untyped-call]
        if self._config.clip is not None:
            nn.utils.clip_grad_norm_(self._model.parameters(), self._config.clip)
        self._optimizer.step()
        return outputs


def _optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    decay = config.weight_decay
    if config.optimizer == "adamw":
        return torch.optim.AdamW(model.parameters(), lr=config.lr, weight_decay=decay)
    return torch.optim.SGD(
        model.parameters(), lr=config.lr, weight_decay=decay, momentum=0.9, nesterov=True
    )
