"""Padding never changes a result, and a causal model never looks ahead."""

from __future__ import annotations

import math

import pytest
import torch

from cvkan.config import AudioConfig, ImageConfig, SyntheticConfig, TimeSeriesConfig
from cvkan.info import DataInfo
from cvkan.layers.aggregation import AGGREGATIONS
from cvkan.layers.norm import NORMS
from cvkan.layers.pooling import POOLINGS
from cvkan.models import build

N, F = 9, 6


def model(n_layers: int = 3, **options: object) -> torch.nn.Module:
    config = SyntheticConfig(d_complex=16, kan_hidden=4, n_layers=n_layers, **options)
    made = build(config, DataInfo("x", "synthetic", (N, F, 2), n_classes=4)).double().eval()
    torch.manual_seed(0)
    for p in made.parameters():  # no gate is closed
        p.data += 0.1 * torch.randn_like(p)
    return made


def padded(x: torch.Tensor, n: int, value: float) -> tuple[torch.Tensor, torch.Tensor]:
    pad = torch.full((x.shape[0], n, *x.shape[2:]), value, dtype=x.dtype)
    mask = torch.arange(x.shape[1] + n) < x.shape[1]
    return torch.cat((x, pad), dim=1), mask.expand(x.shape[0], -1)


ALL = [
    *({"aggregation": name, "interaction": "pointwise"} for name in AGGREGATIONS),
    *({"pooling": name} for name in POOLINGS),
    *({"norm": name} for name in NORMS),
    {"center_magnitudes": False},
    {"positions": "fixed"},
    {"positions": "learned"},
    {"complex_dropout": 0.5},  # in evaluation
    {"layer": "gated"},
    {"layer": "phase_attention"},
    {"layer": "phase_attention", "aggregation": "causal"},
    {"layer": "hierarchical"},
    {"layer": "hierarchical", "interaction": "pointwise", "aggregation": "mean"},
    {"layer": "hierarchical", "top_down": "mirror", "phase_shifting": True},
    {"layer": "hierarchical", "n_paths": 3, "path_combination": "kan"},
    {"heads": "offset"},
    {"heads": "factored", "interaction": "pointwise"},
    {"model": "real_cartesian"},
    {"model": "real_cartesian", "aggregation": "causal"},
    {"model": "real_polar", "interaction": "pointwise"},
]


@pytest.mark.parametrize("options", ALL, ids=lambda o: "-".join(map(str, o.values())))
def test_padding_never_changes_a_result(options):
    made = model(**options)
    x = torch.randn(3, N, F, 2, dtype=torch.float64)
    plain = made(x)
    torch.testing.assert_close(made(x, torch.ones(3, N, dtype=torch.bool)), plain)
    zeros = made(*padded(x, 5, 0.0))
    torch.testing.assert_close(zeros, plain, rtol=1e-11, atol=1e-12)
    for garbage in (1e6, math.nan, math.inf):
        assert torch.equal(made(*padded(x, 5, garbage)), zeros), garbage


def test_padded_frames_of_a_spectrogram_do_not_matter():
    torch.manual_seed(0)
    info = DataInfo("x", "audio", (1600,), n_classes=4)
    made = build(AudioConfig(d_complex=16, kan_hidden=4), info).double().eval()
    x = torch.randn(2, 12, 129, 2, dtype=torch.float64)
    torch.testing.assert_close(made(*padded(x, 5, math.nan)), made(x), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("embedding", ["deep", "linear"])
def test_pixels_of_masked_patches_do_not_matter(embedding):
    """The stem's convolutions see across the borders of patches."""
    torch.manual_seed(0)
    info = DataInfo("x", "image", (3, 8, 16), n_classes=4)
    made = build(ImageConfig(d_complex=8, kan_hidden=4, embedding=embedding), info).eval()
    x, mask = torch.randn(2, 3, 8, 16), torch.ones(2, 8, dtype=torch.bool)
    mask[:, 3] = mask[1, 4] = False  # the last of the first row, the first of the second
    changed = x.clone()
    changed[:, :, :4, 12:] = math.nan
    changed[1, :, 4:, :4] = 1e6
    assert torch.equal(made(changed, mask), made(x, mask))
    assert not torch.equal(made(x, mask), made(x))


def test_a_common_turn_of_all_tokens_changes_what_only_the_parameters_may():
    """The embedding, aggregations and centring turn with their input; |pooled| does not see it."""
    made = model(n_layers=0, pooling="mean")
    x = torch.view_as_complex(torch.randn(3, N, F, 2, dtype=torch.float64))
    turned = torch.view_as_real(x * torch.exp(torch.tensor(0.7j)))
    torch.testing.assert_close(made(turned), made(torch.view_as_real(x)))


CAUSAL = [
    {},
    {"interaction": "pointwise"},
    {"interaction": "broadcast"},
    {"norm": "layer"},
    {"norm": "batch"},  # in evaluation
    {"layer": "gated"},
    {"layer": "phase_attention"},
    {"heads": "offset"},
    {"heads": "factored"},
    {"model": "real_cartesian"},
    {"model": "real_polar"},
]


@pytest.mark.parametrize("options", CAUSAL, ids=str)
def test_future_steps_never_change_the_past(options):
    torch.manual_seed(0)
    info = DataInfo("x", "timeseries", (20, 3), horizon=4)
    hourly = {"patch": 1, "channels": "together"}
    config = TimeSeriesConfig(d_complex=16, kan_hidden=4, n_layers=3, **hourly, **options)
    made = build(config, info).double().eval()
    for p in made.parameters():  # gates open
        p.data += 0.1 * torch.randn_like(p)
    x = torch.randn(2, 20, 3, dtype=torch.float64)
    changed = x.clone()
    changed[:, 12:19] += 5  # not the last: the model subtracts it from every step
    before, after = made.trace(x)[-1].pair, made.trace(changed)[-1].pair
    torch.testing.assert_close(after[:, :12], before[:, :12], rtol=1e-12, atol=1e-12)
    assert (after[:, 12:] - before[:, 12:]).abs().min() > 0
