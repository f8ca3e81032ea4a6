"""Pooling: the tokens of a sample become one complex vector. (B, N, D) to (B, D)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from cvkan.errors import UnknownNameError
from cvkan.layers.aggregation import masked_softmax, uniform_weights
from cvkan.polar import Polar


class MeanPool(nn.Module):
    """The mean of the real tokens."""

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        return z.weighted_sum(uniform_weights(z, mask))[:, 0]


class MaxPool(nn.Module):
    """Per dimension the complex value of the token with the largest magnitude there."""

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        power = z.power().detach()  # the choice has no gradient
        if mask is not None:
            power = power.masked_fill(~mask.unsqueeze(-1), -1.0)
        chosen = power.argmax(1)[:, None, None, :].expand(-1, 1, 2, -1)
        return Polar(z.pair.gather(1, chosen)[:, 0])


class AttentionPool(nn.Module):
    """A weighted mean; one weight a token, so that real and imaginary part stay together.

    The score is a small perceptron of both parts: w . tanh(W [Re z, Im z]).
    """

    def __init__(self, d_complex: int) -> None:
        super().__init__()
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


class LastPool(nn.Module):
    """The last real token."""

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        if mask is None:
            return z[:, -1]
        places = torch.arange(mask.shape[1], device=mask.device)
        last = (places * mask).argmax(1)
        return z[torch.arange(mask.shape[0], device=mask.device), last]


POOLINGS: dict[str, Callable[[int], nn.Module]] = {
    "mean": lambda d_complex: MeanPool(),
    "max": lambda d_complex: MaxPool(),
    "attention": AttentionPool,
    "last": lambda d_complex: LastPool(),
}


def make_pooling(name: str, d_complex: int) -> nn.Module:
    """The pooling called `name`."""
    if name not in POOLINGS:
        raise UnknownNameError("pooling", name, POOLINGS)
    return POOLINGS[name](d_complex)
