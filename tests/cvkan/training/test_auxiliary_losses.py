"""Auxiliary losses: on the tokens behind the backbone, with their weights, and gone afterwards."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import cvkan
from cvkan.errors import ConfigError
from cvkan.layers import losses
from cvkan.training.auxiliary import Auxiliary

SMALL: dict[str, Any] = {
    "train_size": 64, "validation_size": 32, "test_size": 32, "d_complex": 8, "device": "cpu",
}  # fmt: skip
WEIGHTS = {"diversity_loss": 0.5, "anchor_loss": 0.25, "coherence_loss": 2.0}


def made(**options: Any) -> tuple[nn.Module, cvkan.Splits, Any]:
    config = cvkan.config_for("synthetic", **{**SMALL, **options})
    splits = cvkan.load(config)
    return cvkan.build(config, splits.info), splits, config


def test_the_loss_is_the_weighted_sum_on_the_tokens() -> None:
    model, splits, config = made(**WEIGHTS)
    auxiliary = Auxiliary(model, config)
    inputs = splits.train[:16][0]
    model(inputs)
    found = auxiliary.loss()
    z = model.trace(inputs)[-1]  # type: ignore[operator]
    auxiliary.loss()  # of the trace, where it went through the backbone as a whole
    expected = 0.5 * losses.diversity(z) + 0.25 * losses.anchor(z) + 2 * losses.coherence(z)
    torch.testing.assert_close(found, expected)
    assert found.requires_grad
    assert auxiliary.loss() == 0
    model.eval()(inputs)
    assert auxiliary.loss() == 0


def test_padding_has_no_say() -> None:
    model, splits, config = made(diversity_loss=1.0)
    auxiliary = Auxiliary(model, config)
    inputs = splits.train[:4][0]
    mask = torch.arange(inputs.shape[1]).expand(4, -1) < 9
    model(inputs, mask=mask)
    first = auxiliary.loss()
    model(torch.where(mask[..., None, None], inputs, 7.0), mask=mask)
    torch.testing.assert_close(auxiliary.loss(), first)


@pytest.mark.parametrize("name", WEIGHTS)
def test_training_lowers_what_it_weighs(name: str) -> None:
    def after(weight: float) -> float:
        model, splits, config = made(epochs=6, lr=0.01, **{name: weight})
        cvkan.fit(model, splits, config)
        z = model.eval().trace(splits.train[:][0])[-1]  # type: ignore[operator]
        return float(getattr(losses, name.removesuffix("_loss"))(z))

    assert after(10.0) < after(0.0)


def test_no_hook_is_left() -> None:
    model, splits, config = made(epochs=1, anchor_loss=1.0)
    cvkan.fit(model, splits, config)
    assert not model.backbone._forward_hooks  # type: ignore[union-attr]


def test_a_model_without_tokens_is_refused() -> None:
    sizes = {name: value for name, value in SMALL.items() if name.endswith("_size")}
    config = cvkan.config_for("image", model="vit", anchor_loss=0.1, **sizes)
    splits = cvkan.load(config)
    with pytest.raises(ConfigError, match=r"model vit has no complex tokens.*anchor_loss"):
        cvkan.fit(cvkan.build(config, splits.info), splits, config)


def test_no_hook_is_left_by_a_training_that_is_interrupted() -> None:
    model, splits, config = made(diversity_loss=0.1)

    def interrupt(metrics: dict[str, float], epoch: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cvkan.fit(model, splits, config, on_epoch=interrupt)
    assert not model.backbone._forward_hooks  # type: ignore[union-attr]
