"""Which tokens point the same way, and which of them a pooled vector is made of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cvkan.diagnostics.style import CYCLIC, DIVERGING
from cvkan.layers.pooling import AttentionPool, LastPool, MaxPool
from cvkan.models.base import TokenModel
from cvkan.polar import Polar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

Matrix = tuple[tuple[float, ...], ...]


def alignment(state: Polar, *, sample: int = 0, order: Sequence[int] | None = None) -> Matrix:
    """For every two tokens of a sample the mean over dimensions of cos(phase difference).

    1 is in phase everywhere, 0 unrelated; rotating all tokens by one angle changes nothing.
    """
    unit = _picked(state, sample, order).unit().features()
    return tuple(map(tuple, (unit @ unit.T / state.shape[-1]).cpu().tolist()))


def agreeing_first(matrix: Matrix) -> list[int]:
    """An order of tokens in which those that agree with each other come first.

    By the leading eigenvector of their alignment, so that a group becomes a block at the top left.
    """
    size = len(matrix)
    _, vectors = torch.linalg.eigh(torch.tensor(matrix) - torch.eye(size))
    order: list[int] = vectors[:, -1].abs().argsort(descending=True).tolist()
    return order


def draw_alignment(matrix: Matrix, axes: Axes, *, title: str = "", limit: float = 1.0) -> AxesImage:
    """Tokens against tokens, colours from -limit to limit; the diagonal, always 1, is left out."""
    size = len(matrix)
    values = torch.tensor(matrix).masked_fill(torch.eye(size, dtype=torch.bool), float("nan"))
    image = axes.imshow(values.numpy(), cmap=DIVERGING, vmin=-limit, vmax=limit)
    axes.set(xticks=[], yticks=[], title=title)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return image


@torch.no_grad()
def token_shares(model: TokenModel, inputs: Tensor) -> Matrix:
    """How much of the pooled vector each token of each sample gives; a row sums to 1.

    The weights of attention; for max the share of dimensions in which the token is the largest.
    Padding gives nothing.
    """
    state, mask = model.trace(inputs)[-1], model.token_mask(inputs)
    if mask is None:
        mask = torch.ones(state.shape[:2], dtype=torch.bool, device=state.pair.device)
    pool, tokens = model.pool, state.shape[1]
    if isinstance(pool, AttentionPool):
        shares = pool.weights(state, mask)[:, 0]
    elif isinstance(pool, MaxPool):
        winners = state.power().masked_fill(~mask.unsqueeze(-1), -1.0).argmax(1)  # (B, D)
        shares = torch.nn.functional.one_hot(winners, tokens).float().mean(1)
    elif isinstance(pool, LastPool):
        places = torch.arange(tokens, device=mask.device)
        shares = torch.nn.functional.one_hot((places * mask).argmax(1), tokens).float()
    else:
        shares = mask / mask.sum(1, keepdim=True).clamp(min=1)
    return tuple(map(tuple, shares.cpu().tolist()))


def effective_tokens(shares: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Per sample 1 / sum of squared shares: as many tokens as would give this when equal."""
    return tuple(1 / sum(share**2 for share in row) for row in shares)


def phases(state: Polar, *, sample: int = 0, order: Sequence[int] | None = None) -> Matrix:
    """The angles of a sample's tokens, (tokens, dimensions) in (-pi, pi]."""
    return tuple(map(tuple, _picked(state, sample, order).phase().cpu().tolist()))


def draw_phases(angles: Matrix, axes: Axes, *, title: str = "") -> AxesImage:
    """Tokens downwards, dimensions to the right; the colour goes round with the angle."""
    from matplotlib.ticker import MaxNLocator

    image = axes.imshow(angles, cmap=CYCLIC, vmin=-math.pi, vmax=math.pi, aspect="auto")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="dimension", ylabel="token", title=title)
    axes.grid(visible=False)
    return image


def _picked(state: Polar, sample: int, order: Sequence[int] | None) -> Polar:
    """One sample's tokens (N, D), in the order asked for."""
    tokens = state[sample].detach()
    return tokens if order is None else tokens[list(order)]
