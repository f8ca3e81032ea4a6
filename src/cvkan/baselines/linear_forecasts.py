"""Forecasts that are linear in the past of their channel, and those that need no training.

DLinear and NLinear: Zeng et al. 2022, "Are Transformers Effective for Time Series Forecasting?",
https://arxiv.org/abs/2205.13504.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cvkan.baselines.checks import no_mask
from cvkan.config import TimeSeriesConfig
from cvkan.errors import ConfigError
from cvkan.info import DataInfo
from cvkan.layers.linear_forecast import LinearForecast
from cvkan.models.makers import Fixed
from cvkan.models.timeseries import required_horizon


class DLinear(nn.Module):
    """Trend (a moving average) and remainder, each through a matrix that all channels share."""

    def __init__(self, lookback: int, horizon: int) -> None:
        super().__init__()
        self.forecast = LinearForecast(lookback, horizon)
        for layer in (self.forecast.trend, self.forecast.remainder):
            layer.reset_parameters()  # at random, as the authors have it

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        no_mask("dlinear", mask)
        steps: Tensor = self.forecast(x)
        return steps


class NLinear(nn.Module):
    """One matrix that all channels share, on differences from the last value, which is added."""

    def __init__(self, lookback: int, horizon: int) -> None:
        super().__init__()
        self.forecast = nn.Linear(lookback, horizon)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        no_mask("nlinear", mask)
        last = x[:, -1:]
        change: Tensor = self.forecast((x - last).transpose(1, 2))
        return last + change.transpose(1, 2)


class Naive(nn.Module):
    """The last `period` steps over and over; nothing to learn.

    It goes through a training like any model: an optimizer insists on a parameter, so there is one
    without an element, and a loss on a gradient, so the forecast asks for one. Neither has an
    effect.
    """

    def __init__(self, horizon: int, period: int) -> None:
        super().__init__()
        self.nothing = nn.Parameter(torch.empty(0))
        self.horizon, self.period = horizon, period

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        no_mask("naive", mask)
        times = -(-self.horizon // self.period)
        return x[:, -self.period :].repeat(1, times, 1)[:, : self.horizon] + self.nothing.sum()


def dlinear(config: TimeSeriesConfig, info: DataInfo) -> DLinear:
    """DLinear for a data set's lookback and horizon."""
    return DLinear(info.lookback, required_horizon(info))


def nlinear(config: TimeSeriesConfig, info: DataInfo) -> NLinear:
    """NLinear for a data set's lookback and horizon."""
    return NLinear(info.lookback, required_horizon(info))


def naive(config: TimeSeriesConfig, info: DataInfo) -> Naive:
    """The last `config.period` steps again; ConfigError where the past is shorter."""
    if config.period > info.lookback:
        raise ConfigError(
            "a period longer than the past cannot be repeated",
            seen=config.period,
            do=f"Set period to at most lookback, {info.lookback}.",
        )
    return Naive(required_horizon(info), config.period)


DLINEAR, NLINEAR, NAIVE = Fixed(dlinear), Fixed(nlinear), Fixed(naive)
