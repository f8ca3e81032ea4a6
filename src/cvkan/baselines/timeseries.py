"""Recurrent, convolutional and attention networks in the frame of the cvkan forecaster.

Same tokens (`patch`, `channels`), same linear path, the last value removed and added back: what
differs is only how tokens interact. The last token gives the forecast.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvkan.baselines.checks import no_mask
from cvkan.baselines.vit import HEADS, TransformerBlock
from cvkan.config import TimeSeriesConfig
from cvkan.info import DataInfo
from cvkan.layers.linear_forecast import LinearForecast
from cvkan.layers.patches import cut, join
from cvkan.models.makers import Baseline, Size
from cvkan.models.timeseries import required_horizon

KERNEL = 3  # tokens a convolution of the TCN sees


class Forecaster(nn.Module, ABC):
    """Tokens through an encoder (a subclass's), and a forecast from the last of them."""

    def __init__(self, config: TimeSeriesConfig, info: DataInfo, width: int) -> None:
        super().__init__()
        horizon = required_horizon(info)
        self.patch, self.channels = config.patch, info.channels
        self.apart = config.channels == "apart"
        together = 1 if self.apart else info.channels
        self.n_tokens = -(-info.lookback // config.patch)
        self.embedding = nn.Linear(config.patch * together, width)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(width, horizon * together)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.linear = LinearForecast(info.lookback, horizon) if config.linear_path else None

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        no_mask("baseline forecaster", mask)
        last = x[:, -1:]
        past = x - last
        tokens = self.encode(self.embedding(cut(past, self.patch, apart=self.apart)))
        steps = self.head(self.dropout(tokens[:, -1]))
        forecast = last + join(steps, self.channels, apart=self.apart)
        return forecast if self.linear is None else forecast + self.linear(past)

    @abstractmethod
    def encode(self, tokens: Tensor) -> Tensor:
        """Tokens (batch, n, width) after they have interacted."""


class Recurrent(Forecaster):
    """A recurrent network (Hochreiter and Schmidhuber 1997), its state widened to `hidden`."""

    def __init__(self, config: TimeSeriesConfig, info: DataInfo, size: Size) -> None:
        super().__init__(config, info, size.width)
        depth = max(config.n_layers, 1)
        between = config.dropout if depth > 1 else 0.0  # torch warns of it where nothing is between
        self.recurrent = nn.LSTM(size.width, size.width, depth, batch_first=True, dropout=between)
        self.widen = nn.Sequential(
            nn.Linear(size.width, size.hidden), nn.GELU(), nn.Linear(size.hidden, size.width)
        )

    def encode(self, tokens: Tensor) -> Tensor:
        states, _ = self.recurrent(tokens)
        out: Tensor = states[:, -1:] + self.widen(states[:, -1:])
        return out


class CausalBlock(nn.Module):
    """Two causal convolutions, added to their input."""

    def __init__(self, width: int, hidden: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.reach = (KERNEL - 1) * dilation
        self.first = nn.Conv1d(width, hidden, KERNEL, dilation=dilation)
        self.second = nn.Conv1d(hidden, width, KERNEL, dilation=dilation)
        self.dropout = nn.Dropout(dropout)

    def forward(self, lines: Tensor) -> Tensor:
        """(batch, width, n) to the same shape; place t sees those up to t."""
        hidden = F.gelu(self.first(F.pad(lines, (self.reach, 0))))
        out: Tensor = lines + self.second(F.pad(self.dropout(hidden), (self.reach, 0)))
        return out


class Convolutional(Forecaster):
    """Causal convolutions whose dilation doubles until the last token sees all.

    Bai et al. 2018, https://arxiv.org/abs/1803.01271. Its depth follows from that.
    """

    def __init__(self, config: TimeSeriesConfig, info: DataInfo, size: Size) -> None:
        super().__init__(config, info, size.width)
        blocks: list[nn.Module] = []
        seen, dilation = 1, 1
        while seen < self.n_tokens or not blocks:
            blocks.append(CausalBlock(size.width, size.hidden, dilation, config.dropout))
            seen, dilation = seen + 2 * (KERNEL - 1) * dilation, 2 * dilation
        self.blocks = nn.Sequential(*blocks)

    def encode(self, tokens: Tensor) -> Tensor:
        lines: Tensor = self.blocks(tokens.transpose(1, 2))
        return lines.transpose(1, 2)


class Attentive(Forecaster):
    """Pre-norm attention among all tokens (Nie et al. 2023, https://arxiv.org/abs/2211.14730)."""

    def __init__(self, config: TimeSeriesConfig, info: DataInfo, size: Size) -> None:
        super().__init__(config, info, size.width)
        self.positions = nn.Parameter(torch.randn(1, self.n_tokens, size.width) * 0.02)
        self.blocks = nn.Sequential(
            *(
                TransformerBlock(size.width, size.hidden, config.dropout)
                for _ in range(max(config.n_layers, 1))
            )
        )
        self.norm = nn.LayerNorm(size.width)

    def encode(self, tokens: Tensor) -> Tensor:
        out: Tensor = self.norm(self.blocks(self.dropout(tokens + self.positions)))
        return out


LSTM = Baseline(Recurrent, Size(64, 128))
TCN = Baseline(Convolutional, Size(32, 64))
TRANSFORMER = Baseline(Attentive, Size(64, 128), step=HEADS)
