"""Forecasts to compare with: against formulas, least squares and torch's own layers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import cvkan
from cvkan.baselines.matching import count_parameters, shape_only
from cvkan.baselines.timeseries import CausalBlock
from cvkan.config import TimeSeriesConfig
from cvkan.errors import CvkanError
from cvkan.info import DataInfo
from cvkan.models import build

SERIES = DataInfo("x", "timeseries", (48, 3), horizon=12)
NETWORKS = ("lstm", "tcn", "transformer")
HOURLY = {"patch": 1, "channels": "together"}


def made(name: str, **options: object) -> torch.nn.Module:
    return build(TimeSeriesConfig(model=name, **options), SERIES)


def windows(n: int = 4) -> torch.Tensor:
    return torch.randn(n, 48, 3, generator=torch.Generator().manual_seed(1))


def weights(layer: torch.nn.Module) -> tuple[np.ndarray, np.ndarray]:
    return layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()


def test_dlinear_is_its_formula():
    model, x = made("dlinear"), windows()
    lines = x.double().numpy().transpose(0, 2, 1)
    ends = np.concatenate(
        (lines[..., :1].repeat(12, -1), lines, lines[..., -1:].repeat(12, -1)), -1
    )
    trend = np.stack([ends[..., t : t + 25].mean(-1) for t in range(48)], -1)
    (a, a0), (b, b0) = weights(model.forecast.trend), weights(model.forecast.remainder)
    expected = trend @ a.T + a0 + (lines - trend) @ b.T + b0
    np.testing.assert_allclose(model(x).detach(), expected.transpose(0, 2, 1), rtol=1e-4, atol=1e-5)


def test_nlinear_is_its_formula():
    model, x = made("nlinear"), windows()
    lines = x.double().numpy().transpose(0, 2, 1)
    w, b = weights(model.forecast)
    last = lines[..., -1:]
    expected = (last + (lines - last) @ w.T + b).transpose(0, 2, 1)
    np.testing.assert_allclose(model(x).detach(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["dlinear", "nlinear"])
def test_a_linear_forecast_learns_what_least_squares_finds(name):
    """Trend and remainder are linear in the past, so DLinear's two matrices are one in effect."""
    config = TimeSeriesConfig(
        model=name,
        lookback=8,
        horizon=2,
        lr=5e-2,
        epochs=40,
        clip=None,
        train_size=160,
    )
    splits = cvkan.load(config)
    last = splits.train.inputs[:, -1:] if name == "nlinear" else 0.0
    past = (splits.train.inputs - last).transpose(1, 2).reshape(-1, 8).double().numpy()
    ahead = (splits.train.targets - last).transpose(1, 2).reshape(-1, 2).double().numpy()
    design = np.column_stack((past, np.ones(len(past))))
    solution, *_ = np.linalg.lstsq(design, ahead, rcond=None)
    best = np.square(design @ solution - ahead).mean()
    result = cvkan.fit(build(config, splits.info), splits, config)
    assert result.history[-1]["train/mse"] == pytest.approx(best, rel=0.02)


@pytest.mark.parametrize("period", [1, 24])
def test_naive_repeats_and_goes_through_a_training(period):
    config = TimeSeriesConfig(model="naive", period=period, epochs=1, train_size=64)
    splits = cvkan.load(config)
    model = build(config, splits.info)
    x = splits.test.inputs.numpy()
    hours = np.arange(config.horizon) % period - period
    expected = x[:, hours]
    np.testing.assert_array_equal(model(splits.test.inputs).detach().numpy(), expected)
    result = cvkan.fit(model, splits, config)
    assert result.n_parameters == 0
    error = np.square(expected - splits.test.targets.numpy()).mean()
    assert result.test["test/mse"] == pytest.approx(error, rel=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("options", [{}, HOURLY, {"n_layers": 3}], ids=str)
def test_networks_are_as_large_as_the_model_they_are_compared_with(name, options):
    counts = [
        count_parameters(
            shape_only(lambda name=name: made(name, match_params_of="cvkan", **options))
        )
        for name in (name, "cvkan")
    ]
    assert counts[0] == pytest.approx(counts[1], rel=0.03)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("options", [{}, HOURLY], ids=["patches", "hourly"])
def test_networks_shift_with_a_channel_and_learn(name, options):
    torch.manual_seed(0)
    model = made(name, linear_path=False, **options).double()
    x, y = windows(8).double(), torch.randn(8, 12, 3).double()
    assert torch.equal(model(x), x[:, -1:].expand(-1, 12, -1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(25):
        optimizer.zero_grad()
        loss = (model(x) - y).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    shift = torch.tensor([5.0, -3.0, 100.0]).double()
    torch.testing.assert_close(model(x + shift), model(x) + shift)


def test_every_parameter_of_a_network_has_a_say():
    for name in NETWORKS:
        model = made(name, **({} if name == "tcn" else {"n_layers": 2}))  # whose depth is its own
        torch.nn.init.normal_(model.head.weight)
        model(windows()).square().sum().backward()
        for parameter, values in model.named_parameters():
            assert values.grad.ne(0).any(), f"{name}: {parameter}"


def test_a_causal_block_is_torchs_convolution_without_its_end():
    torch.manual_seed(0)
    block, lines = CausalBlock(4, 6, 2, 0.0), torch.randn(2, 4, 9)

    def convolved(layer: torch.nn.Conv1d, values: torch.Tensor) -> torch.Tensor:
        both_sides = torch.nn.functional.conv1d(
            values, layer.weight, layer.bias, dilation=2, padding=4
        )
        return both_sides[..., :9]

    hidden = torch.nn.functional.gelu(convolved(block.first, lines))
    torch.testing.assert_close(block(lines), lines + convolved(block.second, hidden))


def test_the_tcn_sees_every_token_and_so_does_the_lstm():
    x = windows(1).requires_grad_()
    for name in ("tcn", "lstm"):
        model = made(name, **HOURLY)
        torch.nn.init.normal_(model.head.weight)
        (grad,) = torch.autograd.grad(model.encode(model.embedding(x))[:, -1].square().sum(), x)
        assert grad.ne(0).any(-1).all(), name


def test_the_transformer_is_torchs_encoder():
    torch.manual_seed(0)
    ours = made("transformer", n_layers=2, linear_path=False)
    for parameter in ours.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    x = windows()
    change = (x - x[:, -1:]).transpose(1, 2).reshape(12, 4, 12)  # samples and channels, patches
    tokens = ours.embedding(change) + ours.positions
    for block in ours.blocks:
        theirs = torch.nn.TransformerEncoderLayer(
            64, 4, 128, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        theirs.self_attn.in_proj_weight.data = block.qkv.weight.data
        theirs.self_attn.in_proj_bias.data = block.qkv.bias.data
        theirs.self_attn.out_proj.load_state_dict(block.out.state_dict())
        theirs.norm1.load_state_dict(block.attention_norm.state_dict())
        theirs.norm2.load_state_dict(block.feed_forward[0].state_dict())
        theirs.linear1.load_state_dict(block.feed_forward[1].state_dict())
        theirs.linear2.load_state_dict(block.feed_forward[4].state_dict())
        tokens = theirs(tokens)
    steps = ours.head(ours.norm(tokens)[:, -1]).reshape(4, 3, 12).transpose(1, 2)
    torch.testing.assert_close(ours(x), x[:, -1:] + steps, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["naive", "dlinear", "nlinear", *NETWORKS])
def test_a_mask_or_data_without_a_horizon_is_refused(name):
    with pytest.raises(CvkanError, match="takes no mask"):
        made(name)(windows(), torch.ones(4, 48, dtype=torch.bool))
    with pytest.raises(CvkanError, match="no horizon"):
        build(TimeSeriesConfig(model=name), DataInfo("x", "timeseries", (48, 3)))


def test_naive_repeats_no_more_than_there_is():
    with pytest.raises(CvkanError, match=r"repeated: 49\. Set period to at most lookback, 48"):
        made("naive", period=49)
    assert made("naive", period=48)(windows()).shape == (4, 12, 3)
