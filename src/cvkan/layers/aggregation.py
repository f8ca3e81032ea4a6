"""Aggregations: what the tokens of a sample have in common, as one context or one per token.

Each takes tokens (B, N, D) and a mask (B, N) that is true where a token is real, and returns
(B, 1, D) or, for `local_window`, `causal` and `graph_neighborhood`, (B, N, D). Masked tokens have
no say in any.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from cvkan.errors import UnknownNameError
from cvkan.layers.graph import GridNeighborhood
from cvkan.layers.grouping import dot, groups
from cvkan.layers.running import running_sum
from cvkan.polar import EPSILON, PAIR, Polar, product, raised

# Rows and columns of the tokens of an image. Where there are more tokens they are several images,
# one behind the other, and no neighbourhood reaches from one into the next.
Grid = tuple[int, int]

# Up to here one (N, N) product is faster than pooling (3 times at 64 tokens of 512 dimensions).
_LONGEST_PRODUCT = 256
_QUIET = 1e-6  # added to the sum of magnitudes, which may be none


class Mean(nn.Module):
    """The plain mean."""

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        return z.weighted_sum(uniform_weights(z, mask))


class MagnitudeWeighted(nn.Module):
    """The mean in which a token weighs by its mean magnitude: loud tokens speak for the sample."""

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        pair = _MagnitudeWeighted.apply(z.pair, mask)  # type: ignore[no-untyped-call]
        return Polar.from_features(pair)

    def weights(self, z: Polar, mask: Tensor | None = None) -> Tensor:
        """What each token weighs, (B, 1, N)."""
        loudness = z.magnitude().mean(-1)
        if mask is not None:
            loudness = loudness * mask
        return (loudness / (loudness.sum(1, keepdim=True) + _QUIET)).unsqueeze(1)


class LocalWindow(nn.Module):
    """The mean over a square window around each token (an interval where there is no grid).

    Tokens beyond the border do not exist, so a window there has fewer tokens.
    """

    def __init__(self, window: int, grid: Grid | None) -> None:
        super().__init__()
        self.window, self.grid = window, grid

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        if z.shape[1] <= _LONGEST_PRODUCT:
            weights = self._near(z).unsqueeze(0)
            if mask is not None:
                weights = weights * mask.unsqueeze(1)
            return z.weighted_sum(weights / weights.sum(-1, keepdim=True).clamp(min=1))
        return self._pooled(z, mask)

    def _near(self, z: Polar) -> Tensor:
        """1 where a token (a row) has another (a column) in its window, (N, N)."""
        n_tokens = z.shape[1]
        rows, columns = self.grid or (1, n_tokens)
        high = self.window if self.grid else 1
        row, column = (torch.arange(n, device=z.pair.device) for n in (rows, columns))
        near = torch.kron(_within(row, high), _within(column, self.window))
        images = n_tokens // (rows * columns)
        if images > 1:
            near = torch.kron(torch.eye(images, dtype=near.dtype, device=near.device), near)
        return near.to(z.pair.dtype)

    def _pooled(self, z: Polar, mask: Tensor | None) -> Polar:
        tokens = z.features()  # (B, N, 2D)
        real = tokens.new_ones(1, tokens.shape[1]) if mask is None else mask.to(tokens.dtype)
        total = self._sum(tokens * real.unsqueeze(-1))
        count = self._sum(real.unsqueeze(-1)).round()
        return Polar.from_features(total / count.clamp(min=1))

    def _sum(self, tokens: Tensor) -> Tensor:
        rows, columns = self.grid or (1, tokens.shape[1])
        high = self.window if self.grid else 1
        plane = tokens.reshape(-1, rows, columns, tokens.shape[-1]).permute(0, 3, 1, 2)
        before, above = (self.window - 1) // 2, (high - 1) // 2
        padding = (before, self.window - 1 - before, above, high - 1 - above)
        pooled = F.avg_pool2d(
            F.pad(plane, padding), (high, self.window), stride=1, divisor_override=1
        )
        return pooled.permute(0, 2, 3, 1).reshape(tokens.shape)


def _within(places: Tensor, window: int) -> Tensor:
    """1 where place j lies in the window around place i; an even window reaches further ahead."""
    ahead = places - places.unsqueeze(1)
    before = (window - 1) // 2
    return ((ahead >= -before) & (ahead <= window - 1 - before)).to(torch.int8)


class Causal(nn.Module):
    """The mean over a token and those before it."""

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        tokens = z.features()
        real = tokens.new_ones(tokens.shape[:2]) if mask is None else mask.to(tokens.dtype)
        counts = real.cumsum(1).clamp(min=1).unsqueeze(-1)
        if mask is not None:
            tokens = tokens * real.unsqueeze(-1)
        return Polar.from_features(running_sum(tokens) / counts)


class AttentionAggregation(nn.Module):
    """The mean weighted by how well a token's phases agree with the sample's mean phases.

    score_n = sum_d w_d Re(z_nd conj(u_d)) / sqrt(D), u the unit phases of the plain mean and w
    learned. Turning all tokens by one angle turns the result and changes no weight.
    """

    def __init__(self, d_complex: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_complex))

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        direction = z.weighted_sum(uniform_weights(z, mask)).unit()
        query = direction.scale(self.weight / self.weight.numel() ** 0.5)
        scores = product(query.features(), z.features().transpose(1, 2))  # (B, 1, N)
        return z.weighted_sum(masked_softmax(scores, mask))


def uniform_weights(z: Polar, mask: Tensor | None) -> Tensor:
    """Weights (B, 1, N) of the plain mean over real tokens."""
    batch, tokens = z.shape[:2]
    if mask is None:
        return z.pair.new_full((batch, 1, tokens), 1 / tokens)
    real = mask.to(z.pair.dtype)
    return (real / real.sum(1, keepdim=True).clamp(min=1)).unsqueeze(1)


def masked_softmax(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Softmax over the last axis of (B, M, N); masked tokens get exactly zero."""
    scores = raised(scores)
    if mask is not None:
        scores = scores.masked_fill(~mask.unsqueeze(1), torch.finfo(scores.dtype).min)
    weights = scores.softmax(-1)
    return weights if mask is None else weights * mask.unsqueeze(1)


class _MagnitudeWeighted(torch.autograd.Function):
    """Weights and weighted mean (B, 1, 2D) at once: keeps its input alone, adds no gradients up.

    With A = sum_n w_n z_n, w_n = m_n / sum m and gradient H of A, a token's loudness m_n has the
    gradient (H . z_n - H . A) / sum m, and |z_nd| a D-th of that.
    """

    @staticmethod
    def forward(ctx: Any, pair: Tensor, mask: Tensor | None) -> Tensor:
        loudness = pair.new_empty(pair.shape[:2])
        for group in groups(pair):
            magnitude = dot(pair[group], pair[group]).add_(EPSILON).sqrt_()
            torch.mean(magnitude, -1, out=loudness[group])
        if mask is not None:
            loudness = loudness * mask
        total = loudness.sum(1, keepdim=True).add_(_QUIET)
        weights = loudness / total
        context = product(weights.unsqueeze(1), pair.flatten(2))
        ctx.save_for_backward(pair, mask, weights, total, context)
        return context

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        pair, mask, weights, total, context = ctx.saved_tensors
        grad = grad.to(pair.dtype)
        along = (grad @ pair.flatten(2).transpose(1, 2)).squeeze(1)  # H . z_n
        of_loudness = (along - (grad * context).sum(-1)) / total / pair.shape[-1]
        if mask is not None:
            of_loudness = of_loudness * mask
        step = Polar.from_features(grad).pair  # (B, 1, 2, D)
        result = torch.empty_like(pair, memory_format=torch.contiguous_format)
        for group in groups(pair):
            part = pair[group]
            slope = dot(part, part).add_(EPSILON).rsqrt_().mul_(of_loudness[group].unsqueeze(-1))
            target = torch.mul(part, slope.unsqueeze(PAIR), out=result[group])
            target.addcmul_(weights[group, :, None, None], step[group])
        return result, None


AGGREGATIONS: dict[str, Callable[[int, int, Grid | None], nn.Module]] = {
    "mean": lambda d_complex, window, grid: Mean(),
    "magnitude_weighted": lambda d_complex, window, grid: MagnitudeWeighted(),
    "local_window": lambda d_complex, window, grid: LocalWindow(window, grid),
    "causal": lambda d_complex, window, grid: Causal(),
    "attention": lambda d_complex, window, grid: AttentionAggregation(d_complex),
    "graph_neighborhood": lambda d_complex, window, grid: GridNeighborhood(grid),
}


def make_aggregation(
    name: str, d_complex: int, *, window: int = 7, grid: Grid | None = None
) -> nn.Module:
    """The aggregation called `name`; grid is the tokens' rows and columns where they have any."""
    if name not in AGGREGATIONS:
        raise UnknownNameError("aggregation", name, AGGREGATIONS)
    return AGGREGATIONS[name](d_complex, window, grid)
