"""Norms of tokens (B, N, D). Only `batch` looks at other tokens, and only in training."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from cvkan.errors import UnknownNameError
from cvkan.layers.batch_norm import ComplexBatchNorm
from cvkan.polar import Polar

EPSILON = 1e-5  # added to a variance, as in torch's LayerNorm


class NoNorm(nn.Module):
    """Tokens as they are, so that magnitudes may polarize freely."""

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        return z


class ComplexLayerNorm(nn.Module):
    """Subtract the complex mean over dimensions, divide by the standard deviation of |z - mean|.

    Real gain, complex shift (Ba et al. 2016, https://arxiv.org/abs/1607.06450, made complex).
    """

    def __init__(self, d_complex: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(d_complex))
        self.shift = nn.Parameter(torch.zeros(2, d_complex))

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        moved = Polar(z.pair - z.pair.mean(-1, keepdim=True))
        spread = moved.power().mean(-1, keepdim=True) + EPSILON
        return Polar(moved.scale(spread.rsqrt() * self.gain).pair + self.shift)


class ComplexRMSNorm(nn.Module):
    """Divide by the root mean square of the magnitudes; a real gain; phases stay as they are.

    Zhang and Sennrich 2019, https://arxiv.org/abs/1910.07467, on |z|.
    """

    def __init__(self, d_complex: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(d_complex))

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        spread = z.power().mean(-1, keepdim=True) + EPSILON
        return z.scale(spread.rsqrt() * self.gain)


NORMS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda d_complex: NoNorm(),
    "layer": ComplexLayerNorm,
    "rms": ComplexRMSNorm,
    "batch": ComplexBatchNorm,
}


def make_norm(name: str, d_complex: int) -> nn.Module:
    """The norm called `name`."""
    if name not in NORMS:
        raise UnknownNameError("norm", name, NORMS)
    return NORMS[name](d_complex)
