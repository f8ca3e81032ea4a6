"""A linear forecast of each channel from its own past.

Zeng et al. 2022, "Are Transformers Effective for Time Series Forecasting?",
https://arxiv.org/abs/2205.13504 (DLinear). It starts at zero instead of at random.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

TREND_WINDOW = 25  # steps of the moving average, a day and an hour for hourly data


class LinearForecast(nn.Module):
    """Trend (moving average) and remainder, each through one matrix that all channels share."""

    def __init__(self, lookback: int, horizon: int) -> None:
        super().__init__()
        self.trend = nn.Linear(lookback, horizon)
        self.remainder = nn.Linear(lookback, horizon)
        for layer in (self.trend, self.remainder):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, series: Tensor) -> Tensor:
        """(B, lookback, C) to (B, horizon, C)."""
        lines = series.transpose(1, 2)
        half = TREND_WINDOW // 2
        trend = F.avg_pool1d(F.pad(lines, (half, half), mode="replicate"), TREND_WINDOW, stride=1)
        forecast: Tensor = self.trend(trend) + self.remainder(lines - trend)
        return forecast.transpose(1, 2)
