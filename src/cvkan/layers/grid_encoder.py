"""From pairs of coloured grids to maps of features, with padding that never counts.

A grid has `PADDING` beyond its cells. Every feature there is held at zero after every layer, so
that a larger canvas changes nothing: the border of a grid is its own, wherever the canvas ends.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvkan.errors import ConfigError

N_COLOURS = 10
PADDING = 10  # the value of a cell that is not there

_LARGEST = 30.0  # cells across: sizes and coordinates are given in it
_KERNEL = 3
_SHARES = 4  # planes of a grid that say how common its colours are


def demonstrated(x: Tensor, count: int) -> Tensor:
    """The first `count` demonstrations of (B, M, 2, H, W); the last is repeated where fewer are."""
    real = (x[:, :, 0, 0, 0] != PADDING).sum(1, keepdim=True)  # (B, 1)
    places = torch.arange(count, device=x.device)
    chosen = torch.minimum(places, (real - 1).clamp(min=0))  # (B, count)
    return x[torch.arange(len(x), device=x.device)[:, None], chosen]


def real_cells(grids: Tensor) -> Tensor:
    """Where (..., H, W) has a cell."""
    return grids != PADDING


class PairPlanes(nn.Module):
    """What a convolution sees of two grids: (B, 2, H, W) to planes (B, channels, H, W).

    Colours come `one_hot`, or as `shares`, which no exchange of colours changes: whether a cell is
    background, how much of its own grid and of the other one has its colour, and whether any of the
    other has. Then where each grid has cells, where they agree, and as planes of one value their
    heights and widths and the logarithms of the ratios; with `coordinates` the row and column too.
    """

    def __init__(self, *, colours: str, coordinates: bool) -> None:
        super().__init__()
        self.one_hot, self.shares = colours in ("one_hot", "both"), colours in ("shares", "both")
        self.coordinates = coordinates
        self.channels = (
            2 * N_COLOURS * self.one_hot + 2 * _SHARES * self.shares + 9 + 2 * coordinates
        )

    def forward(self, pair: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """The planes, and where either grid has cells (B, 1, H, W)."""
        real = real_cells(pair)
        either = real.any(1, keepdim=True)
        same = (pair[:, :1] == pair[:, 1:]) & real[:, :1]
        planes = [real.to(dtype), same.to(dtype), self._sizes(real, dtype)]
        if self.one_hot:
            one_hot = F.one_hot(pair.long(), N_COLOURS + 1)[..., :N_COLOURS]
            planes.append(one_hot.permute(0, 1, 4, 2, 3).flatten(1, 2).to(dtype))
        if self.shares:
            planes.append(colour_shares(pair, real, dtype))
        if self.coordinates:
            planes.append(self._coordinates(pair, dtype))
        return torch.cat(planes, dim=1) * either, either

    @staticmethod
    def _sizes(real: Tensor, dtype: torch.dtype) -> Tensor:
        heights, widths = (
            real[..., 0].sum(-1).to(dtype),
            real[..., 0, :].sum(-1).to(dtype),
        )  # (B, 2)
        sizes = torch.cat((heights, widths), dim=1)
        logs = sizes.clamp(min=1).log()
        ratios = logs[:, 1::2] - logs[:, ::2]
        planes = torch.cat((sizes / _LARGEST, ratios), dim=1)
        return planes[..., None, None].expand(-1, -1, *real.shape[-2:])

    @staticmethod
    def _coordinates(pair: Tensor, dtype: torch.dtype) -> Tensor:
        rows, columns = (
            torch.arange(n, device=pair.device, dtype=dtype) / _LARGEST for n in pair.shape[-2:]
        )
        both = torch.stack(torch.meshgrid(rows, columns, indexing="ij"))
        return both.expand(len(pair), -1, -1, -1)


def colour_shares(pair: Tensor, real: Tensor, dtype: torch.dtype) -> Tensor:
    """Colours (B, 2, H, W) by how common they are, (B, 8, H, W): four planes of either grid."""
    cells = pair.long().flatten(2)
    counts = torch.zeros(*cells.shape[:2], N_COLOURS + 1, device=pair.device, dtype=dtype)
    counts.scatter_add_(2, cells, real.flatten(2).to(dtype))
    shares = counts / counts.sum(-1, keepdim=True).clamp(min=1)
    own, other = shares.gather(2, cells), shares.flip(1).gather(2, cells)
    planes = torch.stack(((cells == 0).to(dtype), own, other, (other > 0).to(dtype)), dim=2)
    return planes.view(len(pair), -1, *pair.shape[-2:])


class PairEncoder(nn.Module):
    """Convolutions over both grids of a pair at once: (B, 2, H, W) to (B, channels, h, w).

    The first convolutions have stride 2 until a feature stands for `patch_size` cells across; all
    but the last are normalised over channels (not over cells, whose number is the grid's) and
    rectified. With `rectified` the last is too.
    """

    def __init__(
        self,
        channels: int,
        *,
        hidden: int,
        depth: int,
        patch_size: int,
        colours: str,
        coordinates: bool,
        rectified: bool,
    ) -> None:
        super().__init__()
        halvings = self.halvings = patch_size.bit_length() - 1
        if depth < halvings:
            raise ConfigError(
                f"a patch of {patch_size} cells needs a halving convolution for every factor of 2",
                seen=depth,
                do=f"Raise depth to {halvings}, or lower patch_size.",
            )
        self.planes = PairPlanes(colours=colours, coordinates=coordinates)
        widths = [self.planes.channels, *[hidden] * (depth - 1), channels]
        strides = [2] * halvings + [1] * (depth - halvings)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, _KERNEL, stride, padding=_KERNEL // 2)
            for before, after, stride in zip(widths[:-1], widths[1:], strides, strict=True)
        )
        self.norms = nn.ModuleList(
            nn.LayerNorm(width) for width in (widths[1:] if rectified else widths[1:-1])
        )

    def forward(self, pair: Tensor) -> tuple[Tensor, Tensor]:
        """Features, zero where neither grid has cells, and where either has, (B, h, w)."""
        x, real = self.planes(pair, next(self.parameters()).dtype)
        for layer, convolution in enumerate(self.convolutions):
            x = convolution(x)
            if layer < self.halvings:
                real = halved(real)
            if layer < len(self.norms):
                x = self.norms[layer](x.permute(0, 2, 3, 1)).relu().permute(0, 3, 1, 2)
            x = x * real
        return x, real[:, 0]


def halved(real: Tensor, factor: int = 2) -> Tensor:
    """Where a patch of `factor` cells across has a real one: (B, ..., H, W), sizes rounded up."""
    pooled = F.max_pool2d(real.float(), factor, ceil_mode=True)
    return pooled > 0


def masked_mean(x: Tensor, real: Tensor) -> Tensor:
    """The mean of (B, N, C) over the tokens that mask (B, N) says are real, (B, C)."""
    share = real.to(x.dtype)
    share = share / share.sum(1, keepdim=True).clamp(min=1)
    return (share.unsqueeze(1) @ x)[:, 0]
