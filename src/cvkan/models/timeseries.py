"""Time series: one token a step, a forecast for every channel."""

from __future__ import annotations

from torch import Tensor

from cvkan.config import TimeSeriesConfig
from cvkan.errors import CvkanError
from cvkan.info import DataInfo
from cvkan.layers.embedding import RealSequence
from cvkan.layers.heads import ForecastHead
from cvkan.layers.linear_forecast import LinearForecast
from cvkan.layers.positions import Positions
from cvkan.models.base import TokenModel
from cvkan.models.makers import Kan
from cvkan.polar import Polar


class TimeSeriesModel(TokenModel):
    """Forecasts (B, lookback, channels) as (B, horizon, channels).

    Works on differences from the last value and adds it back, so that a shift of a channel shifts
    its forecast. The linear path, where it is on, gives the level; the tokens correct it.
    """

    def __init__(self, config: TimeSeriesConfig, info: DataInfo) -> None:
        super().__init__(config, n_tokens=info.lookback)
        if info.horizon is None:
            raise CvkanError(
                "time series models forecast, but the data set has no horizon",
                seen=info.name,
                do="Set horizon in its DataInfo.",
            )
        self.embedding = RealSequence(info.channels, config.d_complex)
        self.positions = Positions(config.d_complex)
        self.head = ForecastHead(
            config.d_complex,
            info.horizon * info.channels,
            hidden=2 * config.kan_hidden,
            dropout=config.dropout,
        )
        self.linear = LinearForecast(info.lookback, info.horizon) if config.linear_path else None
        self.horizon = info.horizon

    def embed(self, x: Tensor, mask: Tensor | None = None) -> Polar:
        tokens: Polar = self.positions(self.embedding(x - x[:, -1:]))
        return tokens

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        last = x[:, -1:]
        change: Tensor = self.head(self.pooled(x, mask)).unflatten(-1, (self.horizon, -1))
        if self.linear is not None:
            change = change + self.linear(x - last)
        return last + change


KAN = Kan(TimeSeriesModel)
