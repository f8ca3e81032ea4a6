"""Forecasts: tokens of patches, every way to read them, and series continued token by token."""

from __future__ import annotations

import math
import time

import pytest
import torch

import cvkan
from cvkan.config import TimeSeriesConfig
from cvkan.errors import ConfigError, CvkanError
from cvkan.info import DataInfo
from cvkan.layers.heads import READINGS
from cvkan.layers.patches import cut, cut_mask, join
from cvkan.models import build
from cvkan.models.timeseries import TimeSeriesModel

SERIES = DataInfo("x", "timeseries", (24, 3), horizon=12)
HOURLY = {"patch": 1, "channels": "together"}


def grown(**options: object) -> TimeSeriesModel:
    """A model in double precision whose every part has a say."""
    config = TimeSeriesConfig(d_complex=8, kan_hidden=4, **{"n_layers": 2, **options})
    model = build(config, SERIES).double()
    torch.manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model.eval()


def windows(n: int = 2, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, 24, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_patches_are_stretches_that_end_with_the_series():
    series = torch.arange(2 * 5 * 3.0).reshape(2, 5, 3)
    together = cut(series, 2, apart=False)
    assert together.shape == (2, 3, 6)
    assert torch.equal(together[1, 0], torch.cat((torch.zeros(3), series[1, 0])))
    assert torch.equal(together[1, 2], series[1, 3:].flatten())
    apart = cut(series, 2, apart=True)
    assert apart.shape == (6, 3, 2)
    assert torch.equal(apart[4, 2], series[1, 3:, 1])
    assert apart[4, 0, 0] == 0
    assert torch.equal(join(cut(series, 5, apart=True)[:, 0], 3, apart=True), series)
    assert torch.equal(join(cut(series, 5, apart=False)[:, 0], 3, apart=False), series)


def test_a_patch_is_real_where_any_of_its_hours_is():
    mask = torch.tensor([[True, True, True, False, False], [True] * 5])
    expected = torch.tensor([[True, True, False], [True, True, True]])
    assert torch.equal(cut_mask(mask, 2, 3, apart=False), expected)
    assert torch.equal(cut_mask(mask, 2, 2, apart=True), expected[[0, 0, 1, 1]])


@pytest.mark.parametrize("options", [{}, HOURLY, {"patch": 5}], ids=str)
def test_hours_that_are_masked_have_no_say(options):
    model, x = grown(**options), windows()
    everything = torch.ones(2, 24, dtype=torch.bool)
    torch.testing.assert_close(model(x, everything), model(x))
    mask = (torch.arange(24) < 19).expand(2, -1)
    results = [
        model(torch.where(mask.unsqueeze(-1), x, value), mask) for value in (0.0, 1e6, math.nan)
    ]
    assert torch.isfinite(results[0]).all()
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


def test_channels_apart_do_not_know_of_each_other():
    model, x = grown(), windows()
    changed = x.clone()
    changed[..., 0] += torch.randn(2, 24)
    torch.testing.assert_close(model(changed)[..., 1:], model(x)[..., 1:], rtol=0, atol=0)
    together = grown(channels="together")
    assert (together(changed) - together(x))[..., 1:].abs().min() > 0


def test_readings_are_what_complex_numbers_say():
    model = grown()
    pooled = model.pooled(windows())
    z = pooled.complex()
    expected = {
        "both": torch.cat((z.real, z.imag), -1),
        "magnitude": z.abs(),
        "real": z.real,
        "phase": torch.cat((z.angle().cos(), z.angle().sin()), -1),
    }
    assert expected.keys() == READINGS.keys()
    for mode, (read, _) in READINGS.items():
        torch.testing.assert_close(read(pooled), expected[mode], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("mode", READINGS)
@pytest.mark.parametrize("options", [{}, HOURLY], ids=["patches", "hourly"])
def test_every_mode_trains(mode, options):
    config = TimeSeriesConfig(
        d_complex=16, kan_hidden=8, output_mode=mode, linear_path=False, **options
    )
    torch.manual_seed(0)
    model, x, y = build(config, SERIES), torch.randn(8, 24, 3), torch.randn(8, 12, 3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = (model(x) - y).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize(
    "options",
    [
        {"patch": 4},
        {"patch": 4, "interaction": "broadcast"},
        HOURLY,
        {"patch": 5, "interaction": "pointwise", "norm": "layer"},  # the first token filled up
        {"patch": 4, "center_magnitudes": False, "linear_path": False},
        {"patch": 4, "pooling": "mean", "per_dim": False},
        {"patch": 4, "layer": "gated", "positions": "learned"},
        {"patch": 4, "n_layers": 0, "pooling": "attention"},
    ],
    ids=str,
)
def test_generating_with_a_cache_is_computing_everything_again(options):
    model, x = grown(**options), windows()
    anchor = x[:, -1:]
    past, ahead = x - anchor, []
    with torch.no_grad():
        while sum(part.shape[1] for part in ahead) < 30:
            ahead.append(model.change(past)[:, : model.patch])
            past = torch.cat((past, ahead[-1]), dim=1)
    expected = anchor + torch.cat(ahead, dim=1)[:, :30]
    made = model.generate(x, 30)
    assert made.shape == (2, 30, 3)
    torch.testing.assert_close(made, expected, rtol=1e-10, atol=1e-11)
    torch.testing.assert_close(made[:, : model.patch], model(x)[:, : model.patch])


def test_a_step_of_generation_costs_one_token():
    model, seen = grown(patch=4), []
    model.backbone.layers[0].block.register_forward_pre_hook(
        lambda block, given: seen.append(given[0].shape[1])
    )
    model.generate(windows(), 16)
    assert seen == [6, 1, 1, 1]


def test_generating_leaves_the_mode_as_it_was():
    model = grown(patch=4, dropout=0.5).train()
    assert torch.equal(model.generate(windows(), 8), model.generate(windows(), 8))
    assert model.training


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"aggregation": "mean"}, "aggregation mean.*aggregation causal"),
        ({"layer": "phase_attention"}, "layer phase_attention"),
        ({"model": "real_cartesian"}, "model real_cartesian"),
        ({"patch": 24}, "at least its patch, 24"),
    ],
)
def test_what_cannot_be_continued_says_so(options, message):
    with pytest.raises(CvkanError, match=message):
        grown(**options).generate(windows(), 8)


def test_a_period_is_for_naive_alone():
    with pytest.raises(ConfigError, match="model to naive"):
        TimeSeriesConfig(period=1)


def test_cycles_are_forecast_better_than_by_yesterday_in_seconds():
    """Repeating the last day has a mean squared error of 0.60 there, DLinear one of 0.41."""
    config = cvkan.config_for("timeseries")
    splits = cvkan.load(config)
    began = time.process_time()
    result = cvkan.fit(build(config, splits.info), splits, config)
    assert result.test["test/mse"] < 0.41
    assert time.process_time() - began < 30
