"""A training that was stopped and resumed is the one that was not, to the last bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import cvkan
from cvkan.data.splits import Splits
from cvkan.errors import ConfigError

SIZES = {"train_size": 100, "validation_size": 40, "test_size": 40, "d_complex": 8, "epochs": 4}
RANDOM = {"dropout": 0.2, "flip": True, "shift": 1, "warmup": 1.0}
OPTIONS: dict[str, Any] = SIZES | RANDOM | {"device": "cpu"}


class Stop(Exception):
    """What stops a training from outside."""


def made(**changes: Any) -> tuple[nn.Module, Splits, cvkan.TrainingConfig]:
    config = cvkan.config_for("image", **{**OPTIONS, **changes})
    splits = cvkan.load(config)
    return cvkan.build(config, splits.info), splits, config


def stopped(folder: Path, after: int, **changes: Any) -> None:
    """Train until epoch `after` has ended."""
    model, splits, config = made(**changes)

    def stop(_: object, epoch: int) -> None:
        if epoch == after:
            raise Stop

    with pytest.raises(Stop):
        cvkan.fit(model, splits, config, on_epoch=stop, checkpoints=folder)


def without_times(result: cvkan.Result) -> list[dict[str, float]]:
    return [{k: v for k, v in row.items() if k != "time/epoch_seconds"} for row in result.history]


def check_same(
    first: tuple[cvkan.Result, nn.Module], second: tuple[cvkan.Result, nn.Module]
) -> None:
    (one, one_model), (other, other_model) = first, second
    assert without_times(one) == without_times(other)
    assert (one.test, one.best_epoch, one.ending) == (other.test, other.best_epoch, other.ending)
    weights = other_model.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in one_model.state_dict().items())


@pytest.mark.parametrize(
    ("after", "changes"),
    [
        (1, {}),
        (3, {}),
        (2, {"schedule": "plateau", "plateau_patience": 1, "optimizer": "sgd", "lr": 0.5}),
        (2, {"precision": "float16"}),
    ],
)
def test_a_resumed_training_is_the_uninterrupted_one(
    tmp_path: Path, after: int, changes: dict[str, Any]
) -> None:
    model, splits, config = made(**changes)
    whole = cvkan.fit(model, splits, config)
    stopped(tmp_path, after, **changes)
    torch.manual_seed(123)  # what a new process has drawn by then must not matter
    again, _, _ = made(**changes)
    epochs: list[int] = []
    resumed = cvkan.fit(
        again,
        splits,
        config,
        on_epoch=lambda _, epoch: epochs.append(epoch),
        checkpoints=tmp_path,
        resume=True,
    )
    check_same((whole, model), (resumed, again))
    assert epochs == list(range(after + 1, len(whole.history) + 1))
    best, _ = cvkan.load_model(tmp_path)
    assert all(torch.equal(v, best.state_dict()[k]) for k, v in model.state_dict().items())


def test_a_training_that_has_ended_is_tested_again_and_not_trained(tmp_path: Path) -> None:
    model, splits, config = made(epochs=2)
    whole = cvkan.fit(model, splits, config, checkpoints=tmp_path)
    trained = torch.load(tmp_path / "state.pt", weights_only=True)["seconds"]
    again, _, _ = made(epochs=2)
    resumed = cvkan.fit(again, splits, config, checkpoints=tmp_path, resume=True)
    check_same((whole, model), (resumed, again))
    assert resumed.seconds >= trained > 0


def test_without_a_state_it_begins(tmp_path: Path) -> None:
    model, splits, config = made(epochs=1)
    result = cvkan.fit(model, splits, config, checkpoints=tmp_path / "new", resume=True)
    assert len(result.history) == 1


def test_a_new_training_forgets_the_state_of_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped(tmp_path, 2)

    def killed(_: object) -> bool:
        raise Stop

    monkeypatch.setattr("cvkan.training.trainer.Trainer.epoch", killed)
    model, splits, config = made()
    with pytest.raises(Stop):
        cvkan.fit(model, splits, config, checkpoints=tmp_path)
    assert not (tmp_path / "state.pt").exists()


def test_other_options_or_data_are_refused(tmp_path: Path) -> None:
    stopped(tmp_path, 1)
    model, splits, config = made(lr=0.01)
    with pytest.raises(ConfigError, match=r"had other options.*lr 0\.003, now 0\.01"):
        cvkan.fit(model, splits, config, checkpoints=tmp_path, resume=True)
    model, splits, config = made()
    fewer = Splits(splits.train, splits.validation, splits.train, splits.info, splits.sources)
    with pytest.raises(ConfigError, match=r"had other data.*test .*40, 1, 8, 8"):
        cvkan.fit(model, fewer, config, checkpoints=tmp_path, resume=True)


@pytest.mark.parametrize(
    "spoil",
    [lambda content: content[: len(content) // 2], lambda content: b"", lambda content: b"no"],
    ids=["half", "empty", "else"],
)
def test_a_state_that_cannot_be_read_is_told(
    tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    stopped(tmp_path, 1)
    state = tmp_path / "state.pt"
    state.write_bytes(spoil(state.read_bytes()))
    model, splits, config = made()
    with pytest.raises(ConfigError, match=r"cannot be read.*state\.pt.*Delete it"):
        cvkan.fit(model, splits, config, checkpoints=tmp_path, resume=True)


def test_resuming_needs_a_folder() -> None:
    model, splits, config = made()
    with pytest.raises(ConfigError, match="only a training with a folder"):
        cvkan.fit(model, splits, config, resume=True)


def test_a_killed_process_loses_the_epoch_under_way_alone(tmp_path: Path) -> None:
    code = f"""
import os, pathlib, signal, cvkan
import cvkan.training.trainer as trainer
config = cvkan.config_for("image", **{OPTIONS!r})
splits = cvkan.load(config)
update, calls = trainer.Trainer._update, []
def killed(*args):
    calls.append(args)
    if len(calls) == 6:  # two batches an epoch: in the third
        os.kill(os.getpid(), signal.SIGKILL)
    return update(*args)
trainer.Trainer._update = killed
folder = pathlib.Path({str(tmp_path)!r})
cvkan.fit(cvkan.build(config, splits.info), splits, config, checkpoints=folder)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, env=dict(os.environ))
    assert done.returncode == -signal.SIGKILL
    model, splits, config = made()
    whole = cvkan.fit(model, splits, config)
    again, _, _ = made()
    epochs: list[int] = []
    resumed = cvkan.fit(
        again,
        splits,
        config,
        on_epoch=lambda _, epoch: epochs.append(epoch),
        checkpoints=tmp_path,
        resume=True,
    )
    assert epochs == [3, 4]
    check_same((whole, model), (resumed, again))


def test_a_state_without_its_parts_is_told(tmp_path: Path) -> None:
    torch.save({"format": 1}, tmp_path / "state.pt")
    model, splits, config = made()
    with pytest.raises(ConfigError, match=r"cannot be read.*state\.pt.*Delete it"):
        cvkan.fit(model, splits, config, checkpoints=tmp_path, resume=True)


def test_a_training_goes_on_in_another_folder(tmp_path: Path) -> None:
    model, splits, config = made()
    whole = cvkan.fit(model, splits, config)
    old, new = tmp_path / "old", tmp_path / "new"
    stopped(old, 3)
    before = {path.name: path.read_bytes() for path in old.iterdir()}
    again, _, _ = made()
    heard: list[int] = []
    resumed = cvkan.fit(
        again,
        splits,
        config,
        on_epoch=lambda _, epoch: heard.append(epoch),
        checkpoints=new,
        resume=old,
    )
    check_same((whole, model), (resumed, again))
    assert heard == [1, 2, 3, 4]
    assert {path.name: path.read_bytes() for path in old.iterdir()} == before
    best, _ = cvkan.load_model(new)
    assert all(torch.equal(v, best.state_dict()[k]) for k, v in model.state_dict().items())
    with pytest.raises(ConfigError, match="no training to go on with"):
        cvkan.fit(again, splits, config, checkpoints=new, resume=tmp_path / "none")


def test_data_of_the_same_shape_with_other_values_are_refused(tmp_path: Path) -> None:
    stopped(tmp_path, 1)
    model, splits, config = made()
    train = replace(splits.train, inputs=splits.train.inputs.flip(0))
    with pytest.raises(ConfigError, match=r"had other data.*values of train"):
        cvkan.fit(model, replace(splits, train=train), config, checkpoints=tmp_path, resume=True)
