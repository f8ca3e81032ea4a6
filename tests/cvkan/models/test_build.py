"""Every model that can be built runs, learns, and minds its options."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional as F

from cvkan.config import (
    AudioConfig,
    ImageConfig,
    ModelConfig,
    SyntheticConfig,
    TimeSeriesConfig,
)
from cvkan.errors import ConfigError, CvkanError, UnknownNameError
from cvkan.info import DataInfo
from cvkan.models import build

CASES = {
    "image": (ImageConfig, DataInfo("x", "image", (3, 16, 16), n_classes=5)),
    "audio": (AudioConfig, DataInfo("x", "audio", (1600,), n_classes=5)),
    "timeseries": (TimeSeriesConfig, DataInfo("x", "timeseries", (24, 3), horizon=12)),
    "synthetic": (SyntheticConfig, DataInfo("x", "synthetic", (8, 6, 2), n_classes=5)),
}
OPTIONS = [
    {},
    {"interaction": "pointwise", "norm": "layer"},
    {"per_dim": False, "aggregation": "attention", "pooling": "max"},
    {"aggregation": "local_window", "window": 3, "interaction": "pointwise", "pooling": "mean"},
    {"aggregation": "causal", "norm": "rms", "pooling": "last"},
    {"center_magnitudes": False, "aggregation": "mean", "dropout": 0.2},
    {"n_layers": 0, "pooling": "mean"},
    {"interaction": "broadcast", "aggregation": "graph_neighborhood", "norm": "batch"},
    {"layer": "phase_attention", "aggregation": "causal", "pooling": "covariance"},
    {"layer": "hierarchical", "aggregation": "mean", "top_down": "learned", "pooling": "spectral"},
    {"layer": "hierarchical", "aggregation": "mean", "n_paths": 2, "path_combination": "learned"},
    {"heads": "offset", "positions": "learned", "complex_dropout": 0.1},
    {"heads": "factored", "positions": "none", "interaction": "pointwise"},
    {"model": "real_cartesian"},
    {"model": "real_polar", "interaction": "pointwise"},
]


def make(domain: str, **options: object) -> tuple[torch.nn.Module, torch.Tensor]:
    config, info = CASES[domain]
    torch.manual_seed(0)
    model = build(config(d_complex=16, kan_hidden=4, **options), info)
    return model, torch.randn(4, *info.sample_shape)


@pytest.mark.parametrize("domain", CASES)
@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(map(str, o.values())) or "all")
def test_forward_and_backward_reach_every_parameter(domain, options):
    model, x = make(domain, **options)
    out = model(x)
    assert out.shape == ((4, 12, 3) if domain == "timeseries" else (4, 5))
    if domain == "timeseries":
        torch.nn.init.normal_(model.head.layers[-1].weight)  # zero at the start, by design
        out = model(x)
    out.square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.ne(0).any(), name


@pytest.mark.parametrize("domain", CASES)
def test_a_few_steps_lower_the_loss(domain):
    model, x = make(domain)
    target = torch.randn(4, 12, 3) if domain == "timeseries" else torch.arange(4)
    loss = F.mse_loss if domain == "timeseries" else F.cross_entropy
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    values = []
    for _ in range(15):
        optimizer.zero_grad()
        value = loss(model(x), target)
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < 0.7 * values[0]


@pytest.mark.parametrize("domain", CASES)
def test_two_equal_seeds_are_equal_to_the_bit(domain):
    results = []
    for _ in range(2):
        model, x = make(domain)
        out = model(x)
        out.sum().backward()
        results.append([out.detach(), *(p.grad for p in model.parameters())])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


@pytest.mark.parametrize("domain", CASES)
def test_a_model_works_in_another_precision(domain):
    model, x = make(domain)
    single = model.eval()(x)
    double = model.double()(x.double())
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), single, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("domain", CASES)
def test_samples_of_a_batch_do_not_meet(domain):
    model, x = make(domain)
    model.eval()
    torch.testing.assert_close(model(x)[1:2], model(x[1:2]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("domain", CASES)
def test_trace_gives_the_tokens_of_every_layer(domain):
    model, x = make(domain, n_layers=3)
    states = model.trace(x)
    assert len(states) == 4
    assert len({state.shape for state in states}) == 1
    assert not any(state.pair.requires_grad for state in states)
    pooled = model.pool(states[-1])
    torch.testing.assert_close(pooled.pair, model.pooled(x).pair)


def test_other_domains_have_no_vit():
    config = ModelConfig(model="vit")
    with pytest.raises(CvkanError, match="vit is for image, scanline; audio has cvkan"):
        build(config, CASES["audio"][1])


def test_an_unknown_model_or_domain_is_an_error():
    config = ModelConfig.model_construct(model="vitt")
    with pytest.raises(UnknownNameError, match="Did you mean 'vit'"):
        build(config, CASES["image"][1])
    with pytest.raises(UnknownNameError, match="unknown domain"):
        build(config, DataInfo("x", "video", (1,)))


def test_options_are_checked_and_cannot_change():
    with pytest.raises(UnknownNameError, match="window_size"):
        ImageConfig(window_size=3)
    with pytest.raises(ConfigError, match="mean"):
        ImageConfig(aggregation="neighborhood")
    with pytest.raises(ValidationError, match="frozen"):
        ImageConfig().dropout = 0.5


def test_data_without_classes_cannot_be_classified():
    with pytest.raises(CvkanError, match="no classes"):
        build(SyntheticConfig(), DataInfo("x", "synthetic", (8, 6)))


def dense(*widths: int) -> int:
    """Weights and biases of linear layers, one after the other."""
    return sum(a * b + b for a, b in pairwise(widths))


D, H = 16, 16  # of the models here; D / heads is 4, and 8 tokens have 3 levels
INTERFERENCE = dense(4 * D, H, 2 * D) + 2 * D + 2 * D  # and gain and shift of the norm
COUNTS = [
    ({}, INTERFERENCE),
    ({"per_dim": False}, dense(4, H, 2) + 4 * D),
    ({"interaction": "broadcast"}, dense(D, H, H, D) + dense(2 * D, H, H, 2 * D) + 1),
    (
        {"interaction": "pointwise"},
        dense(2 * D, H, H, D) + dense(4 * D, H, H, 2 * D) + 1,
    ),
    ({"aggregation": "attention"}, INTERFERENCE + D),
    ({"norm": "layer"}, INTERFERENCE + D + 2 * D),
    ({"norm": "rms"}, INTERFERENCE + D),
    ({"norm": "batch"}, INTERFERENCE + 4 * D + 2 * D),
    ({"layer": "gated"}, D + dense(1, H, 1) + dense(2, H, 2)),
    ({"layer": "phase_attention"}, 2 * 4 * D * D),
    ({"layer": "hierarchical"}, 3 * INTERFERENCE),
    ({"layer": "hierarchical", "levels": 2}, 2 * INTERFERENCE),
    ({"layer": "hierarchical", "phase_shifting": True}, 3 * INTERFERENCE + 2 + 4 + 8),
    ({"layer": "hierarchical", "level_sharing": "shared", "n_paths": 2}, 2 * INTERFERENCE),
    ({"heads": "offset"}, dense(D, H, D // 2) + 8 + 8),
    ({"heads": "factored"}, dense(D, H, D // 2) + 8 + 8 + 2 * D * D),
    ({"model": "real_cartesian"}, INTERFERENCE),
    ({"model": "real_polar"}, dense(4 * D, H, 2 * D)),
    ({"model": "real_polar", "interaction": "broadcast"}, dense(2 * D, H, H, 2 * D) + 1),
]


@pytest.mark.parametrize(("options", "count"), COUNTS, ids=str)
def test_parameter_counts_of_a_layer_follow_its_formula(options, count):
    model, _ = make("synthetic", n_layers=1, **options)
    assert sum(p.numel() for p in model.backbone.layers[0].parameters()) == count
