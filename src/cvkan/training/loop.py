"""Training: from a model and data to the weights that validate best, and one test with them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from cvkan.baselines.matching import count_parameters
from cvkan.config import TrainingConfig
from cvkan.data.splits import Splits
from cvkan.errors import ConfigError
from cvkan.training.checkpoint import save_config, save_weights
from cvkan.training.metrics import Metrics
from cvkan.training.resuming import forget_state, read_state, save_state
from cvkan.training.trainer import Ending, Trainer

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
    resume: bool = False,
) -> Result:
    """Train `model` in place; it ends with the weights of the epoch that validated best.

    Seeds torch's global generators with `config.seed`: two trainings of equal models are equal to
    the last bit on the CPU. `on_epoch` is called after each epoch; `checkpoints` is a folder that
    gets best.pt, last.pt, config.json, and state.pt: all that the next epoch depends on.

    With `resume` the training goes on after the last epoch that state.pt has seen, and comes to
    the same weights, history and test, to the last bit on the CPU, as one that was never stopped;
    whatever stopped it, only the epoch under way is lost. `on_epoch` hears the epochs trained now.
    A folder without state.pt is a training that has not begun. ConfigError where the state is one
    of other options or other data, or cannot be read.
    """
    began = time.perf_counter()
    if resume and checkpoints is None:
        raise ConfigError(
            "only a training with a folder of checkpoints can be resumed",
            seen=checkpoints,
            do="Give checkpoints=, or leave resume out.",
        )
    trainer = Trainer(model, splits, config)
    try:
        if checkpoints:
            began -= _prepare(checkpoints, trainer, splits, config, resume=resume)
        while trainer.ending is None:
            improved = trainer.epoch()
            if checkpoints:
                save_weights(checkpoints / "last.pt", model.state_dict())
                if improved:
                    save_weights(checkpoints / "best.pt", trainer.best.weights)
                spent = time.perf_counter() - began
                save_state(checkpoints, trainer.state(), config, splits, spent)
            if on_epoch:
                on_epoch(trainer.history[-1], len(trainer.history))
    finally:
        trainer.release()  # after an interruption too the model may be trained again
    seconds = time.perf_counter() - began
    return Result(
        tuple(trainer.history),
        trainer.best.epoch,
        trainer.test(),
        count_parameters(model),
        seconds,
        trainer.ending,
    )


def _prepare(
    folder: Path, trainer: Trainer, splits: Splits, config: TrainingConfig, *, resume: bool
) -> float:
    """Bring trainer and folder to where the training begins; the seconds already trained."""
    seconds = 0.0
    if not resume:
        forget_state(folder)
    elif (state := read_state(folder, config, splits)) is not None:
        trainer.restore(state["trainer"])
        seconds = state["seconds"]
    save_config(folder, config, splits.info)
    return seconds
