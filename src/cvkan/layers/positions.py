"""Positions as rotations: token n is turned by n w_k in dimension k, w_k = 10000^(-k/D).

The magnitude does not change, so a position cannot drown a token.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cvkan.polar import Polar

BASE = 10_000.0


class Positions(nn.Module):
    """Turn token n of a sequence; works for every length."""

    def __init__(self, d_complex: int) -> None:
        super().__init__()
        self.register_buffer("speeds", _speeds(d_complex), persistent=False)
        self.speeds: Tensor

    def forward(self, z: Polar) -> Polar:
        places = torch.arange(z.shape[1], device=z.pair.device, dtype=self.speeds.dtype)
        angles = torch.outer(places, self.speeds)  # (N, D)
        return z.rotate(angles.cos(), angles.sin())


class GridPositions(nn.Module):
    """Turn the tokens of a rows x columns grid: half the dimensions by row, the rest by column."""

    def __init__(self, d_complex: int, rows: int, columns: int) -> None:
        super().__init__()
        half = d_complex // 2
        by_row = torch.outer(torch.arange(float(rows)), _speeds(half))
        by_column = torch.outer(torch.arange(float(columns)), _speeds(d_complex - half))
        angles = torch.cat(
            (
                by_row[:, None].expand(rows, columns, half),
                by_column[None].expand(rows, columns, d_complex - half),
            ),
            dim=-1,
        ).flatten(0, 1)  # (rows * columns, D)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        self.cos: Tensor
        self.sin: Tensor

    def forward(self, z: Polar) -> Polar:
        return z.rotate(self.cos, self.sin)


def _speeds(n_dims: int) -> Tensor:
    """Radians a token, fastest first; with no dimensions, none."""
    return BASE ** (-torch.arange(n_dims, dtype=torch.float32) / max(n_dims, 1))
