"""A sweep may end a training between two epochs; what it came to then is as whole as any other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

import cvkan
from cvkan.data.splits import Splits

Maker = Callable[[], nn.Module]


def config(epochs: int) -> cvkan.TrainingConfig:
    return cvkan.config_for(
        "image", batch_size=16, lr=0.1, schedule="constant", device="cpu", epochs=epochs
    )


def test_true_stops_after_that_epoch(splits: Splits, make_model: Maker, tmp_path: Path) -> None:
    told: list[int] = []

    def on_epoch(metrics: dict[str, float], epoch: int) -> bool:
        told.append(epoch)
        return epoch == 2

    result = cvkan.fit(
        make_model(), splits, config(9), on_epoch=on_epoch, checkpoints=tmp_path / "c"
    )
    assert told == [1, 2]
    assert (result.ending, len(result.history)) == ("stopped", 2)
    assert "test/accuracy" in result.test
    # What was left off can be taken up, and comes to what a whole training comes to.
    whole, resumed = make_model(), make_model()
    cvkan.fit(whole, splits, config(9))
    again = cvkan.fit(resumed, splits, config(9), checkpoints=tmp_path / "c", resume=True)
    assert again.ending == "finished"
    assert torch.equal(*(next(model.parameters()) for model in (whole, resumed)))


def test_only_true_stops(splits: Splits, make_model: Maker) -> None:
    answers = iter([None, 1, "yes", False])
    result = cvkan.fit(
        make_model(), splits, config(4), on_epoch=lambda metrics, epoch: next(answers)
    )
    assert (result.ending, len(result.history)) == ("finished", 4)
