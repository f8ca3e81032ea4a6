"""Pooling: the tokens of a sample become one complex vector. (B, N, D) to (B, width).

The width is D, or 2D for the poolings that give two numbers a dimension.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from cvkan.errors import UnknownNameError
from cvkan.layers.aggregation import masked_softmax, uniform_weights
from cvkan.polar import EPSILON, Polar


class Pool(nn.Module):
    """What all poolings have: the complex dimensions of what they give."""

    def __init__(self, d_complex: int, *, parts: int = 1) -> None:
        super().__init__()
        self.width = parts * d_complex


class MeanPool(Pool):
    """The mean of the real tokens."""

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        return z.weighted_sum(uniform_weights(z, mask))[:, 0]


class MaxPool(Pool):
    """Per dimension the complex value of the token with the largest magnitude there."""

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        power = z.power().detach()  # the choice has no gradient
        if mask is not None:
            power = power.masked_fill(~mask.unsqueeze(-1), -1.0)
        chosen = power.argmax(1)[:, None, None, :].expand(-1, 1, 2, -1)
        return Polar(z.pair.gather(1, chosen)[:, 0])


class AttentionPool(Pool):
    """A weighted mean; one weight a token, so that real and imaginary part stay together.

    The score is a small perceptron of both parts: w . tanh(W [Re z, Im z]).
    """

    def __init__(self, d_complex: int) -> None:
        super().__init__(d_complex)
        self.score = nn.Sequential(
            nn.Linear(2 * d_complex, max(d_complex // 4, 8)),
            nn.Tanh(),
            nn.Linear(max(d_complex // 4, 8), 1, bias=False),
        )

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        return z.weighted_sum(self.weights(z, mask))[:, 0]

    def weights(self, z: Polar, mask: Tensor | None = None) -> Tensor:
        """What each token weighs, (B, 1, N)."""
        return masked_softmax(self.score(z.features()).transpose(1, 2), mask)


class LastPool(Pool):
    """The last real token."""

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        if mask is None:
            return z[:, -1]
        places = torch.arange(mask.shape[1], device=mask.device)
        last = (places * mask).argmax(1)
        return z[torch.arange(mask.shape[0], device=mask.device), last]


class CovariancePool(Pool):
    """The mean, then the spread sqrt(mean |z - mean|^2) as a real number: 2D numbers.

    Side by side, because a magnitude that sums up both could not be told apart again.
    """

    def __init__(self, d_complex: int) -> None:
        super().__init__(d_complex, parts=2)

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        weights = uniform_weights(z, mask)
        mean = z.weighted_sum(weights)
        square = Polar(z.pair - mean.pair).masked(mask).power()
        spread = ((square * weights.transpose(1, 2)).sum(1) + EPSILON).sqrt()
        return _beside(mean[:, 0], Polar.of(spread, torch.zeros_like(spread)))


class SpectralPool(Pool):
    """Two Fourier coefficients over the tokens, 2D numbers: the mean, and the strongest other.

    Of a sample with n real tokens, in their order, it is sum_t z_t e^(-2 pi i k t / n) / n with,
    per dimension, the k > 0 at which that is largest; so no padding enters it. The choice of k has
    no gradient. A sample of one token has no other frequency: zero.
    """

    def __init__(self, d_complex: int) -> None:
        super().__init__(d_complex, parts=2)

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        batch, n_tokens = z.shape[:2]
        lengths = torch.full((batch,), n_tokens, device=z.pair.device)
        places = torch.arange(n_tokens, device=z.pair.device).expand(batch, -1)
        if mask is not None:
            # a place among the real tokens; the n-th and later do not exist
            lengths, places = mask.sum(1), mask.cumsum(1) - 1
        strongest = _strongest(z.masked(mask).detach(), mask, lengths)  # (B, D)
        # k t modulo n first: of large angles single precision would know little
        lengths = lengths.clamp(min=1)[:, None, None]
        steps = (strongest.unsqueeze(1) * places.unsqueeze(-1)).remainder(lengths)
        angles = 2 * torch.pi * steps.to(z.pair.dtype) / lengths
        wave = z.masked(mask).rotate(angles.cos(), -angles.sin())
        weights = uniform_weights(z, mask)
        mean, other = z.weighted_sum(weights)[:, 0], wave.weighted_sum(weights)[:, 0]
        return _beside(mean, other.scale((strongest > 0).to(z.pair.dtype)))


@torch.no_grad()
def _strongest(z: Polar, mask: Tensor | None, lengths: Tensor) -> Tensor:
    """The frequency k > 0 of largest power per sample and dimension; 0 where there is none."""
    if mask is None:
        return _peak(z)
    # the real tokens to the front, so that samples of one length are one transform
    order = (~mask).to(torch.uint8).argsort(dim=1, stable=True)
    z = Polar(z.pair.gather(1, order[..., None, None].expand_as(z.pair)))
    chosen = torch.zeros(z.shape[0], z.shape[2], dtype=torch.long, device=z.pair.device)
    for length in set(lengths.tolist()):
        rows = lengths == length
        chosen[rows] = _peak(z[rows][:, :length])
    return chosen


def _peak(z: Polar) -> Tensor:
    batch, n_tokens, n_dims = z.shape
    if n_tokens <= 1:
        return torch.zeros(batch, n_dims, dtype=torch.long, device=z.pair.device)
    single = z.pair.to(torch.promote_types(z.pair.dtype, torch.float32))
    strength = torch.fft.fft(Polar(single).complex(), dim=1).abs()
    strongest: Tensor = strength[:, 1:].argmax(1) + 1
    return strongest


def _beside(first: Polar, second: Polar) -> Polar:
    return Polar(torch.cat((first.pair, second.pair), dim=-1))


POOLINGS: dict[str, Callable[[int], Pool]] = {
    "mean": MeanPool,
    "max": MaxPool,
    "attention": AttentionPool,
    "last": LastPool,
    "covariance": CovariancePool,
    "spectral": SpectralPool,
}


def make_pooling(name: str, d_complex: int) -> Pool:
    """The pooling called `name`."""
    if name not in POOLINGS:
        raise UnknownNameError("pooling", name, POOLINGS)
    return POOLINGS[name](d_complex)
