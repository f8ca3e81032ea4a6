"""Heads: groups of dimensions that aggregate and polarize on their own, by one shared block.

A block of d = D / heads dimensions serves all heads, which stand in the batch while it does. Where
heads are `emergent` there is one group, all D dimensions, and no class here is used.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from cvkan.layers.linear import ComplexLinear
from cvkan.polar import Polar


class OffsetHeads(nn.Module):
    """Head h is its share of the dimensions, turned by e^(2 pi i h / heads) and turned back after.

    So one block looks at each head from another angle.
    """

    def __init__(
        self, aggregation: nn.Module, block: nn.Module, *, d_complex: int, n_heads: int
    ) -> None:
        super().__init__()
        self.aggregation, self.block, self.n_heads = aggregation, block, n_heads
        turns = 2 * math.pi * torch.arange(n_heads) / n_heads
        angles = turns.repeat_interleave(d_complex // n_heads)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        self.cos: Tensor
        self.sin: Tensor

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        """The update of tokens (B, N, D): (B, 1, D) or (B, N, D)."""
        heads = _fold(z.rotate(self.cos, self.sin), self.n_heads)
        update = _unfold(_update(self, heads, mask), self.n_heads)
        return update.rotate(self.cos, -self.sin)


class FactoredHeads(nn.Module):
    """Head h sees all dimensions, through a complex projection D -> d of its own.

    What its block makes of them updates the h-th share of the dimensions.
    """

    def __init__(
        self, aggregation: nn.Module, block: nn.Module, *, d_complex: int, n_heads: int
    ) -> None:
        super().__init__()
        self.aggregation, self.block, self.n_heads = aggregation, block, n_heads
        self.project = ComplexLinear(d_complex, d_complex)  # the projections of all heads

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        """The update of tokens (B, N, D): (B, 1, D) or (B, N, D)."""
        heads = _fold(self.project(z), self.n_heads)
        return _unfold(_update(self, heads, mask), self.n_heads)


def _update(layer: OffsetHeads | FactoredHeads, heads: Polar, mask: Tensor | None) -> Polar:
    if mask is not None:
        mask = mask.repeat_interleave(layer.n_heads, dim=0)
    update: Polar = layer.block(heads, layer.aggregation(heads, mask))
    return update


def _fold(z: Polar, n_heads: int) -> Polar:
    """(B, N, heads * d) to (B * heads, N, d)."""
    heads = z.pair.reshape(*z.pair.shape[:3], n_heads, -1)
    return Polar(heads.permute(0, 3, 1, 2, 4).flatten(0, 1))


def _unfold(z: Polar, n_heads: int) -> Polar:
    """(B * heads, N, d) to (B, N, heads * d)."""
    heads = z.pair.reshape(-1, n_heads, *z.pair.shape[1:])
    return Polar(heads.permute(0, 2, 3, 1, 4).flatten(3))
