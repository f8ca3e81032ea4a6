"""Stretches of a series as tokens.

Nie et al. 2023, "A Time Series is Worth 64 Words", https://arxiv.org/abs/2211.14730: a token is a
patch of consecutive steps, and every channel is a series of its own to one and the same model.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def cut(series: Tensor, size: int, *, apart: bool) -> Tensor:
    """Patches of (B, steps, C), the last of which ends with the series.

    Gives (B, patches, size * C), or apart (B * C, patches, size). Where `size` does not divide the
    steps, zeros stand before the first.
    """
    series = F.pad(series, (0, 0, -series.shape[1] % size, 0))
    batch, steps, channels = series.shape
    if apart:
        return series.transpose(1, 2).reshape(batch * channels, steps // size, size)
    return series.reshape(batch, steps // size, size * channels)


def cut_mask(mask: Tensor, size: int, channels: int, *, apart: bool) -> Tensor:
    """Which patches of `cut` hold a real step: (B, steps) to (B, patches) or (B * C, patches)."""
    mask = F.pad(mask, (-mask.shape[1] % size, 0))
    real = mask.reshape(len(mask), -1, size).any(-1)
    return real.repeat_interleave(channels, dim=0) if apart else real


def join(steps: Tensor, channels: int, *, apart: bool) -> Tensor:
    """Forecasts (B, horizon, C) from (B, horizon * C), or apart from (B * C, horizon)."""
    if apart:
        return steps.reshape(-1, channels, steps.shape[-1]).transpose(1, 2)
    return steps.reshape(len(steps), -1, channels)
