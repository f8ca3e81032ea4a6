"""Training: from a model and data to the weights that validate best, and one test with them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from cvkan.baselines.matching import count_parameters
from cvkan.config import TrainingConfig
from cvkan.data.splits import Splits
from cvkan.errors import ConfigError
from cvkan.training.checkpoint import save_config, save_weights
from cvkan.training.metrics import Metrics
from cvkan.training.resuming import forget_state, identity, read_state, save_state
from cvkan.training.trainer import Ending, Trainer

OnEpoch = Callable[[Metrics, int], object]  # (metrics, epoch counted from 1); True stops


@dataclass(frozen=True)
class Result:
    """What a training came to."""

    history: tuple[Metrics, ...]  # one a finished epoch: train/..., val/..., time/epoch_seconds
    best_epoch: int  # counted from 1
    test: Metrics  # test/..., with the weights of the best epoch
    n_parameters: int
    seconds: float  # training and validation, without the test
    ending: Ending  # all epochs, out of patience, told to stop, or a loss no longer finite


def fit(
    model: nn.Module,
    splits: Splits,
    config: TrainingConfig,
    *,
    on_epoch: OnEpoch | None = None,
    checkpoints: Path | None = None,
    resume: bool | Path = False,
) -> Result:
    """Train `model` in place; it ends with the weights of the epoch that validated best.

    Seeds torch's global generators with `config.seed`: two trainings of equal models are equal to
    the last bit on the CPU. `on_epoch` is called after each epoch, and ends the training where it
    returns True; `checkpoints` is a folder that gets best.pt, last.pt, config.json, and state.pt:
    all that the next epoch depends on.

    With `resume` the training goes on after the last epoch that state.pt has seen, and comes to
    the same weights, history and test, to the last bit on the CPU, as one that was never stopped;
    whatever stopped it, only the epoch under way is lost. `on_epoch` hears the epochs trained now.
    A folder without state.pt is a training that has not begun. Where `resume` is itself a folder,
    the state is that of the training there; its files stay as they are, `checkpoints` gets its own,
    and `on_epoch` hears the epochs of that training first. ConfigError where the state is one of
    other options or other data, or cannot be read, and where that folder has none.
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
            data = identity(splits)
            began -= _prepare(checkpoints, trainer, data, config, resume=resume)
            save_config(checkpoints, config, splits.info)
            if isinstance(resume, Path):
                _save(checkpoints, trainer, data, config, time.perf_counter() - began)
                for epoch, metrics in enumerate(trainer.history, 1):
                    if on_epoch and on_epoch(metrics, epoch) is True:
                        trainer.ending = "stopped"
        while trainer.ending is None:
            improved = trainer.epoch()
            if checkpoints:
                spent = time.perf_counter() - began
                _save(checkpoints, trainer, data, config, spent, improved=improved)
            if on_epoch and on_epoch(trainer.history[-1], len(trainer.history)) is True:
                trainer.ending = "stopped"
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


def _save(
    folder: Path,
    trainer: Trainer,
    data: Mapping[str, str],
    config: TrainingConfig,
    seconds: float,
    *,
    improved: bool = True,
) -> None:
    """What has been learned so far: its state last, which says that the rest is there."""
    save_weights(folder / "last.pt", trainer.weights())
    if improved:
        save_weights(folder / "best.pt", trainer.best.weights)
    save_state(folder, trainer.state(), config, data, seconds)


def _prepare(
    folder: Path,
    trainer: Trainer,
    data: Mapping[str, str],
    config: TrainingConfig,
    *,
    resume: bool | Path,
) -> float:
    """Bring trainer and folder to where the training begins; the seconds already trained."""
    seconds = 0.0
    if not resume:
        forget_state(folder)
        return seconds
    source = folder if resume is True else resume
    state = read_state(source, config, data)
    if state is not None:
        trainer.restore(state["trainer"])
        seconds = state["seconds"]
    elif source is resume:
        raise ConfigError(
            "there is no training to go on with: no epoch of it had ended",
            seen=str(source),
            do="Name another one, or train from the beginning.",
        )
    return seconds
