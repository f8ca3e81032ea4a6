"""Positions as rotations: token n is turned by n w_k in dimension k, w_k = 10000^(-k/D).

The magnitude does not change, so a position cannot drown a token. Learned positions start as these
and may go on to turn and scale each place as they like.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvkan.errors import UnknownNameError
from cvkan.polar import Polar

BASE = 10_000.0


class NoPositions(nn.Module):
    """Tokens as they are: a set."""

    def forward(self, z: Polar, *, first: int = 0) -> Polar:
        return z


class Positions(nn.Module):
    """Turn token n of a sequence; works for every length. `first` is the place of z's first."""

    def __init__(self, d_complex: int) -> None:
        super().__init__()
        self.register_buffer("speeds", _speeds(d_complex), persistent=False)
        self.speeds: Tensor

    def forward(self, z: Polar, *, first: int = 0) -> Polar:
        angles = self.angles(first, z.shape[1])
        return z.rotate(angles.cos(), angles.sin())

    def angles(self, first: int, n_tokens: int) -> Tensor:
        """Radians (N, D) of `n_tokens` places."""
        places = torch.arange(
            first, first + n_tokens, device=self.speeds.device, dtype=self.speeds.dtype
        )
        return torch.outer(places, self.speeds)


class GridPositions(nn.Module):
    """Turn the tokens of a rows x columns grid: half the dimensions by row, the rest by column."""

    def __init__(self, d_complex: int, rows: int, columns: int) -> None:
        super().__init__()
        half = d_complex // 2
        by_row = torch.outer(torch.arange(float(rows)), _speeds(half))
        by_column = torch.outer(torch.arange(float(columns)), _speeds(d_complex - half))
        angles = _on_grid(by_row, by_column)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        self.cos: Tensor
        self.sin: Tensor

    def forward(self, z: Polar) -> Polar:
        return z.rotate(self.cos, self.sin)


class LearnedPositions(nn.Module):
    """exp(m) e^(i (n w_k + t)) with m and t learned for each of the first `n_tokens` places.

    Both start at zero, as the fixed positions, and so they are for places beyond.
    """

    def __init__(self, d_complex: int, n_tokens: int) -> None:
        super().__init__()
        self.fixed = Positions(d_complex)
        self.log_magnitude = nn.Parameter(torch.zeros(n_tokens, d_complex))
        self.turn = nn.Parameter(torch.zeros(n_tokens, d_complex))

    def forward(self, z: Polar, *, first: int = 0) -> Polar:
        n_tokens = z.shape[1]
        log, turn = (
            F.pad(table, (0, 0, 0, max(first + n_tokens - len(table), 0)))[first:][:n_tokens]
            for table in (self.log_magnitude, self.turn)
        )
        return _placed(z, log, self.fixed.angles(first, n_tokens) + turn)


class LearnedGridPositions(nn.Module):
    """The same on a grid, as a table of rows and one of columns: exp(m) e^(i (angle + t)).

    Half the dimensions see the row, the rest the column.
    """

    def __init__(self, d_complex: int, rows: int, columns: int) -> None:
        super().__init__()
        half = d_complex // 2
        self.by_row, self.by_column = Positions(half), Positions(d_complex - half)
        self.row_log_magnitude = nn.Parameter(torch.zeros(rows, half))
        self.row_turn = nn.Parameter(torch.zeros(rows, half))
        self.column_log_magnitude = nn.Parameter(torch.zeros(columns, d_complex - half))
        self.column_turn = nn.Parameter(torch.zeros(columns, d_complex - half))

    def forward(self, z: Polar) -> Polar:
        by_row = self.by_row.angles(0, len(self.row_turn)) + self.row_turn
        by_column = self.by_column.angles(0, len(self.column_turn)) + self.column_turn
        log = _on_grid(self.row_log_magnitude, self.column_log_magnitude)
        return _placed(z, log, _on_grid(by_row, by_column))


def _placed(z: Polar, log: Tensor, angles: Tensor) -> Polar:
    return z.times_conj(Polar.of(angles.cos(), -angles.sin()).scale(log.exp()))


def _on_grid(by_row: Tensor, by_column: Tensor) -> Tensor:
    """(R, a) and (C, b) to (R * C, a + b)."""
    rows, columns = len(by_row), len(by_column)
    both = (by_row[:, None].expand(-1, columns, -1), by_column[None].expand(rows, -1, -1))
    return torch.cat(both, dim=-1).flatten(0, 1)


def _speeds(n_dims: int) -> Tensor:
    """Radians a token, fastest first; with no dimensions, none."""
    return BASE ** (-torch.arange(n_dims, dtype=torch.float32) / max(n_dims, 1))


POSITIONS = ("none", "fixed", "learned")


def make_positions(
    name: str, d_complex: int, *, n_tokens: int, grid: tuple[int, int] | None = None
) -> nn.Module:
    """The positions called `name`, of a sequence, or of the rows and columns of a grid."""
    if name not in POSITIONS:
        raise UnknownNameError("positions", name, POSITIONS)
    if name == "none":
        return NoPositions()
    if grid is not None:
        return (GridPositions if name == "fixed" else LearnedGridPositions)(d_complex, *grid)
    return Positions(d_complex) if name == "fixed" else LearnedPositions(d_complex, n_tokens)
