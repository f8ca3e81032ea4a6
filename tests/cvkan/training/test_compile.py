"""torch.compile: the same numbers, no graph break, and checkpoints under their plain names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import cvkan
from cvkan.errors import ConfigError
from cvkan.layers.aggregation import MagnitudeWeighted
from cvkan.layers.centring import add_centred
from cvkan.polar import Polar
from cvkan.training import compiling

# torch's own, while it traces an autograd function
pytestmark = pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")

SIZES = {"train_size": 64, "validation_size": 32, "test_size": 32, "d_complex": 8, "n_layers": 1}
SMALL: dict[str, Any] = SIZES | {"epochs": 2, "batch_size": 32, "device": "cpu"}
KINDS: tuple[dict[str, Any], ...] = (
    {},
    {"interaction": "pointwise", "aggregation": "causal", "norm": "layer", "pooling": "last"},
    {"aggregation": "attention", "per_dim": False, "norm": "rms", "pooling": "max"},
    {"aggregation": "local_window", "heads": "factored", "pooling": "mean"},
    {"layer": "gated", "center_magnitudes": False},
    {"layer": "phase_attention", "norm": "batch"},
    {"layer": "hierarchical", "top_down": "mirror", "levels": 2},
)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    torch._dynamo.reset()


def made(domain: str = "synthetic", **options: Any) -> tuple[nn.Module, cvkan.Splits, Any]:
    config = cvkan.config_for(domain, **{**SMALL, **options})
    splits = cvkan.load(config)
    return cvkan.build(config, splits.info), splits, config


TOKENS, UPDATE = torch.randn(2, 3, 6, 2, 5)
PIECES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "split": lambda x: Polar(x).split()[0].unsqueeze(-2) * Polar(x).split()[1].pair,
    "rotate": lambda x: Polar(x).rotate(torch.arange(5.0).cos(), torch.arange(5.0).sin()).pair,
    "centre": lambda x: add_centred(Polar(x), Polar(UPDATE), causal=False).pair,
    "centre_one_update": lambda x: add_centred(Polar(x), Polar(x[:, :1]), causal=False).pair,
    "centre_causal": lambda x: add_centred(Polar(x), Polar(x * x), causal=True).pair,
    "loudness": lambda x: MagnitudeWeighted()(Polar(x)).pair,
}


@pytest.mark.parametrize("name", PIECES)
def test_gradients_written_by_hand_survive_compilation(name: str) -> None:
    """Each alone, under an uneven gradient: within a model they may be too small to be seen."""
    found = []
    for call in (PIECES[name], torch.compile(PIECES[name], backend="aot_eager", fullgraph=True)):
        tokens = TOKENS.clone().requires_grad_()
        out = call(tokens)
        (out * torch.arange(out.numel()).reshape(out.shape).sin()).sum().backward()
        found += [out.detach(), tokens.grad]
    torch.testing.assert_close(found[:2], found[2:], atol=1e-5, rtol=1e-5)


def gradients(model: nn.Module, call: Any, inputs: torch.Tensor) -> dict[str, torch.Tensor]:
    model.zero_grad()
    call(inputs).square().sum().backward()
    return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_compiled_equals_eager(options: dict[str, Any]) -> None:
    model, splits, _ = made(**options)
    check_equal(model, splits.train[:8][0], backend="aot_eager")


@pytest.mark.parametrize("domain", ["image", "audio", "timeseries", "scanline", "grid"])
def test_every_domain_is_one_graph(domain: str) -> None:
    model, splits, _ = made(domain)
    inputs = splits.train[:4][0]
    compiled = torch.compile(model.eval(), backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(inputs), model(inputs))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the compiler and of torch's own code
@pytest.mark.parametrize("options", KINDS, ids=str)
def test_the_real_compiler_equals_eager(options: dict[str, Any]) -> None:
    if not compiling.has_compiler():
        pytest.skip("no C++ compiler")
    model, splits, _ = made(**options)
    check_equal(model, splits.train[:8][0], backend="inductor")


def check_equal(model: nn.Module, inputs: torch.Tensor, *, backend: str) -> None:
    compiled = torch.compile(model, backend=backend, fullgraph=True)
    torch.testing.assert_close(compiled(inputs), model(inputs), atol=1e-5, rtol=1e-4)
    ours, theirs = gradients(model, compiled, inputs), gradients(model, model, inputs)
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-3)


def test_a_compiled_training_is_the_same_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "BACKEND", "aot_eager")
    plain_model, splits, plain = made(diversity_loss=0.1)
    expected = cvkan.fit(plain_model, splits, plain)
    model, _, config = made(diversity_loss=0.1, compile=True)
    result = cvkan.fit(model, splits, config, checkpoints=tmp_path)
    for row, other in zip(result.history, expected.history, strict=True):
        assert row["train/loss"] == pytest.approx(other["train/loss"], rel=1e-3)
    assert result.test["test/loss"] == pytest.approx(expected.test["test/loss"], rel=1e-3)
    weights = torch.load(tmp_path / "best.pt", weights_only=True)
    assert list(weights) == list(plain_model.state_dict())
    loaded, loaded_config = cvkan.load_model(tmp_path)
    found = cvkan.predict(loaded, splits.test, loaded_config).metrics()
    assert found["loss"] == pytest.approx(result.test["test/loss"], rel=1e-5)


def test_compilation_without_a_compiler_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "has_compiler", lambda: False)
    model, splits, config = made(compile=True)
    with pytest.raises(ConfigError, match=r"needs a C\+\+ compiler"):
        cvkan.fit(model, splits, config)
