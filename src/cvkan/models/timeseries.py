"""Time series: tokens are hours or patches of hours; a forecast for every channel."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from cvkan.config import TimeSeriesConfig
from cvkan.errors import CvkanError
from cvkan.info import DataInfo
from cvkan.layers.causal_state import CausalState, check_causal
from cvkan.layers.embedding import RealSequence
from cvkan.layers.heads import ForecastHead
from cvkan.layers.linear_forecast import LinearForecast
from cvkan.layers.patches import cut, cut_mask, join
from cvkan.layers.positions import make_positions
from cvkan.models.backbone import ContextLayer
from cvkan.models.base import TokenModel
from cvkan.models.makers import Kan
from cvkan.polar import Polar


class TimeSeriesModel(TokenModel):
    """Forecasts (B, lookback, channels) as (B, horizon, channels).

    Works on differences from the last value and adds it back, so that a shift of a channel shifts
    its forecast. The linear path, where it is on, gives the level; the tokens correct it. With
    `channels` apart, samples of the token stack are channels: (B * channels, tokens, D).
    """

    def __init__(self, config: TimeSeriesConfig, info: DataInfo) -> None:
        n_tokens = -(-info.lookback // config.patch)
        super().__init__(config, n_tokens=n_tokens)
        horizon = required_horizon(info)
        self.apart = config.channels == "apart"
        together = 1 if self.apart else info.channels  # channels of one token
        self.embedding = RealSequence(config.patch * together, config.d_complex)
        self.positions = make_positions(config.positions, config.d_complex, n_tokens=n_tokens)
        self.head = ForecastHead(
            self.pool.width,
            horizon * together,
            mode=config.output_mode,
            hidden=2 * config.kan_hidden,
            dropout=config.dropout,
        )
        self.linear = LinearForecast(info.lookback, horizon) if config.linear_path else None
        self.config = config
        self.patch, self.channels = config.patch, info.channels
        self.lookback, self.horizon = info.lookback, horizon

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        last = last_value(x, mask)
        return last + self.change(differences(x, last, mask), mask)

    def change(self, past: Tensor, mask: Tensor | None = None) -> Tensor:
        """The horizon's differences from an anchor, after those of the past.

        The past is (B, steps, channels) with at least `lookback` steps: all of them are tokens,
        the linear path sees the last `lookback`. Its last step is zero unless it was generated.
        """
        real = self.token_mask(past, mask)
        vector = self.pool(self.backbone(self._tokens(past).masked(real), real), real)
        return self._read(vector, past)

    def embed(self, x: Tensor, mask: Tensor | None = None) -> Polar:
        return self._tokens(differences(x, last_value(x, mask), mask))

    def token_mask(self, x: Tensor, mask: Tensor | None = None) -> Tensor | None:
        if mask is None:
            return None
        return cut_mask(mask, self.patch, self.channels, apart=self.apart)

    @torch.no_grad()
    def generate(self, x: Tensor, steps: int) -> Tensor:
        """Continue (B, lookback, channels) by (B, steps, channels), however far.

        The first forecast steps (as many as make a token: `patch`) become the next token, and so
        on. Layers keep running sums, so a token costs the same however long the series is. The
        anchor, the value subtracted from every step of a token, stays the last one given: with a
        moving one all earlier tokens would change. Forecasts are added to the newest value, and so
        is the linear path's, which has no tokens to keep. Runs in evaluation mode.

        Raises CvkanError where later tokens change earlier ones, or no forecast fills a token.
        """
        check_causal(self.config)
        if self.patch > self.horizon:
            raise CvkanError(
                "a forecast is too short to become the next token",
                seen=self.horizon,
                do=f"Train a model with a horizon of at least its patch, {self.patch}.",
            )
        was_training = self.training
        self.eval()
        steps_ahead = self._generated(differences(x, x[:, -1:]), steps)
        self.train(was_training)
        return x[:, -1:] + steps_ahead

    def _generated(self, past: Tensor, steps: int) -> Tensor:
        layers = cast("list[ContextLayer]", list(self.backbone.layers))
        states = [CausalState() for _ in layers]
        seen: list[Tensor] = []  # tokens behind the last layer, for the pooling
        given, ahead = past, list[Tensor]()
        for _ in range(-(-steps // self.patch)):
            z = self._tokens(given, first=sum(part.shape[1] for part in seen))
            for layer, state in zip(layers, states, strict=True):
                z = state.advance(layer, z)
            seen.append(z.pair)
            given = self._read(self.pool(Polar(torch.cat(seen, dim=1))), past)[:, : self.patch]
            past = torch.cat((past, given), dim=1)[:, -self.lookback :]
            ahead.append(given)
        return torch.cat(ahead, dim=1)[:, :steps]

    def _tokens(self, past: Tensor, *, first: int = 0) -> Polar:
        tokens = self.embedding(cut(past, self.patch, apart=self.apart))
        turned: Polar = self.positions(tokens, first=first)
        return turned

    def _read(self, vector: Polar, past: Tensor) -> Tensor:
        now = past[:, -1:]  # zero, but where a series is continued
        change = now + join(self.head(vector), self.channels, apart=self.apart)
        if self.linear is not None:
            change = change + self.linear(past[:, -self.lookback :] - now)
        return change


def required_horizon(info: DataInfo) -> int:
    """The horizon of a data set; CvkanError where it has none."""
    if info.horizon is None:
        raise CvkanError(
            "time series models forecast, but the data set has no horizon",
            seen=info.name,
            do="Set horizon in its DataInfo.",
        )
    return info.horizon


def last_value(x: Tensor, mask: Tensor | None = None) -> Tensor:
    """The last real step of (B, steps, C), as (B, 1, C)."""
    if mask is None:
        return x[:, -1:]
    places = torch.arange(x.shape[1], device=x.device)
    last = (places * mask).argmax(1)
    return x[torch.arange(len(x), device=x.device), last].unsqueeze(1)


def differences(x: Tensor, anchor: Tensor, mask: Tensor | None = None) -> Tensor:
    """x - anchor; zero, whatever was there, where a step is not real."""
    change = x - anchor
    return change if mask is None else torch.where(mask.unsqueeze(-1), change, 0.0)


KAN = Kan(TimeSeriesModel)
