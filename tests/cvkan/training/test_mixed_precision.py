"""Half precision: finite everywhere, weights and polar arithmetic in float32, losses as ever."""

from __future__ import annotations

import statistics
from typing import Any

import pytest
import torch
from torch import nn

import cvkan
from cvkan.polar import Polar, product
from cvkan.training.objective import objective_for
from cvkan.training.precision import Stepper, precision_of

CPU = torch.device("cpu")
HALVES = ("bfloat16", "float16")
ROUNDING = {"bfloat16": 2.0**-8, "float16": 2.0**-11}
DOMAINS = ("image", "audio", "timeseries", "text", "synthetic", "scanline", "grid")
SMALL: dict[str, Any] = {"train_size": 96, "validation_size": 40, "test_size": 40, "d_complex": 8}
LAYERS: tuple[dict[str, Any], ...] = (
    {"layer": "polarizing", "aggregation": "attention", "norm": "layer"},
    {"layer": "polarizing", "aggregation": "causal", "interaction": "pointwise", "norm": "rms"},
    {"layer": "polarizing", "aggregation": "local_window", "per_dim": False, "pooling": "max"},
    {"layer": "gated", "pooling": "mean"},
    {"layer": "phase_attention", "norm": "batch"},
    {"layer": "hierarchical", "top_down": "learned"},
)


def made(domain: str, **options: Any) -> tuple[nn.Module, cvkan.Splits, Any]:
    config = cvkan.config_for(domain, **{"device": "cpu", **SMALL, **options})
    splits = cvkan.load(config)
    return cvkan.build(config, splits.info), splits, config


def check_finite(domain: str, **options: Any) -> None:
    """One batch forwards and backwards, in half precision and in float32."""
    model, splits, config = made(domain, **options)
    inputs, targets = splits.train[:32]
    tokens: list[Polar] = []
    model.backbone.register_forward_hook(lambda *call: tokens.append(call[-1]))  # type: ignore[union-attr]
    torch.manual_seed(0)
    with precision_of(config, CPU):
        outputs = model(inputs).float()
    objective_for(config, splits, CPU)(outputs, targets).backward()
    torch.manual_seed(0)
    exact = model(inputs)
    assert all(z.pair.dtype == torch.float32 for z in tokens)
    tolerance = 16 * ROUNDING[config.precision] * max(1.0, exact.abs().max().item())
    torch.testing.assert_close(outputs, exact, atol=tolerance, rtol=0)
    for name, parameter in model.named_parameters():
        assert parameter.dtype == torch.float32, name
        assert parameter.grad is None or parameter.grad.isfinite().all(), name


@pytest.mark.parametrize("precision", HALVES)
@pytest.mark.parametrize("domain", DOMAINS)
def test_every_domain_has_finite_outputs_and_gradients(domain: str, precision: str) -> None:
    check_finite(domain, precision=precision)


@pytest.mark.parametrize("precision", HALVES)
@pytest.mark.parametrize(
    "options", LAYERS, ids=lambda options: "-".join(map(str, options.values()))
)
def test_every_layer_has_finite_outputs_and_gradients(
    options: dict[str, Any], precision: str
) -> None:
    check_finite("synthetic", precision=precision, n_layers=2, **options)


@pytest.mark.parametrize("precision", HALVES)
def test_products_of_tokens_are_those_of_float32(precision: str) -> None:
    a, b = torch.randn(2, 3, 5), torch.randn(2, 5, 4)
    config = cvkan.config_for("image", precision=precision)
    with precision_of(config, CPU):
        kept, lowered = product(a, b), a @ b
    torch.testing.assert_close(kept.double(), a.double() @ b.double(), atol=1e-5, rtol=0)
    assert lowered.dtype != torch.float32  # so autocast was on


def final_losses(precision: str, seeds: range) -> list[float]:
    found = []
    for seed in seeds:
        options = {"train_size": 256, "epochs": 2, "n_layers": 1, "n_tokens": 8, "token_dim": 8}
        model, splits, config = made("synthetic", precision=precision, seed=seed, **options)
        found.append(cvkan.fit(model, splits, config).history[-1]["train/loss"])
    return found


def test_losses_of_half_precision_lie_within_the_noise_of_seeds() -> None:
    exact = final_losses("float32", range(4))
    noise = statistics.stdev(exact)
    for precision in HALVES:
        half = final_losses(precision, range(4))
        assert half != exact
        assert abs(statistics.mean(half) - statistics.mean(exact)) < noise / 2


@pytest.mark.parametrize("precision", HALVES)
def test_lowering_the_polar_arithmetic_too_ends_without_a_crash(precision: str) -> None:
    model, splits, config = made(
        "synthetic", precision=precision, polar_float32=False, epochs=2, n_layers=2
    )
    result = cvkan.fit(model, splits, config)
    losses = [row["train/loss"] for row in result.history]
    is_finite = all(abs(loss) < float("inf") for loss in losses)
    assert result.ending == ("finished" if is_finite else "diverged")


def test_polar_arithmetic_in_half_precision_loses_dead_channels() -> None:
    """Why it stays in float32: there epsilon is zero, and a channel of zeros divides by it."""
    zeros = torch.zeros(2, 4)
    with torch.autocast("cpu", torch.float16):
        raised = Polar.from_features(zeros.half())
    assert raised.pair.dtype == torch.float32
    assert raised.split()[0].isfinite().all()
    assert not Polar(raised.pair.half()).split()[0].isfinite().all()


def test_a_step_that_overflows_is_left_out() -> None:
    linear = nn.Linear(2, 1, bias=False)
    before = linear.weight.detach().clone()
    optimizer = torch.optim.SGD(linear.parameters(), lr=1.0)
    config = cvkan.config_for("image", precision="float16")
    stepper = Stepper(linear, optimizer, config, CPU)
    scale = stepper.scaler.get_scale()
    stepper.step(linear(torch.full((1, 2), 1e38)).sum(), 1.0)
    assert torch.equal(linear.weight, before)
    assert stepper.scaler.get_scale() == scale / 2
    stepper.step(linear(torch.ones(1, 2)).sum(), 1.0)
    assert not torch.equal(linear.weight, before)
    assert not stepper.is_lost
    for _ in range(20):
        stepper.step(linear(torch.full((1, 2), float("inf"))).sum(), 1.0)
    assert stepper.is_lost


def test_predictions_are_those_of_the_precision() -> None:
    model, splits, config = made("image")
    exact = cvkan.predict(model, splits.test, config).outputs
    low = config.model_copy(update={"precision": "bfloat16"})
    half = cvkan.predict(model, splits.test, low).outputs
    assert half.dtype == torch.float32
    assert not torch.equal(exact, half)
    torch.testing.assert_close(exact, half, atol=0.1, rtol=0)
