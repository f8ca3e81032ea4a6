"""Sequences of which some places are padding."""

from __future__ import annotations

import torch
from torch import Tensor


def masked_mean(vectors: Tensor, real: Tensor) -> Tensor:
    """(B, N, width) to the mean over real places; zero where there are none."""
    counted = real.unsqueeze(-1)
    return vectors.where(counted, 0.0).sum(1) / counted.sum(1).clamp(min=1)


def gathered(x: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    """Real places of (B, N, ...) to the front, in their order: what a packed sequence needs."""
    order = (~real).to(torch.uint8).sort(dim=1, stable=True).indices
    places = order.view(*order.shape, *(1,) * (x.dim() - 2)).expand_as(x)
    return x.gather(1, places), real.gather(1, order)
