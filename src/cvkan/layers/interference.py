"""Interference: each token meets its context, and what their phases have in common decides.

z conj(a) multiplies magnitudes and subtracts phases: it is large where token and context are both
loud, positive where they are in phase, negative where they oppose. A perceptron of the token and of
that product gives the update, so that unlike a broadcast update it differs from token to token and
tells relative phases apart.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvkan.polar import Polar

EPSILON = 1e-5  # added to a mean square, as in torch's LayerNorm


class InterferenceBlock(nn.Module):
    """The update W2 gelu(W1 [n(z), n(z) conj(a) / r]) of a token z in its context a.

    n normalises over the 2D real features (Ba et al. 2016, https://arxiv.org/abs/1607.06450), r^2
    is the mean of |z|^2 + |a|^2: how loud and how coherent the context is beside the token is kept,
    and a token near zero is not blown up. The update is small at the start. With per_dim False one
    function, from the four numbers of token and product in one dimension to the two of the update,
    is shared by all dimensions (KAN-like).
    """

    def __init__(
        self, d_complex: int, *, hidden: int = 128, per_dim: bool = True, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.per_dim = per_dim
        self.norm = nn.LayerNorm([2, d_complex])
        width = d_complex if per_dim else 1
        self.first = nn.Linear(4 * width, hidden)
        last = nn.Linear(hidden, 2 * width)
        nn.init.xavier_uniform_(last.weight, gain=0.01)  # begins near the identity
        nn.init.zeros_(last.bias)
        self.rest = nn.Sequential(nn.GELU(), nn.Dropout(dropout), last)

    def forward(self, z: Polar, context: Polar) -> Polar:
        """z (B, N, D) and context (B, 1, D) or (B, N, D) give an update (B, N, D)."""
        token = Polar(self.norm(z.pair))
        product = token.times_conj(context)
        scale = inverse_size(z, context)
        if self.per_dim:
            own, met = token.features(), product.features()
            return Polar.from_features(self._perceptron(own, met, scale))
        own, met = (value.pair.transpose(-1, -2) for value in (token, product))
        return Polar.from_trailing(self._perceptron(own, met, scale.unsqueeze(-1)))

    def _perceptron(self, own: Tensor, met: Tensor, scale: Tensor) -> Tensor:
        # two products and one sum of hidden width: to concatenate or scale tokens would move all
        own_weight, met_weight = self.first.weight.chunk(2, dim=1)
        hidden = F.linear(own, own_weight, self.first.bias) + scale * F.linear(met, met_weight)
        update: Tensor = self.rest(hidden)
        return update


def inverse_size(z: Polar, context: Polar) -> Tensor:
    """1 / sqrt(mean over dimensions of |z|^2 + |a|^2), (B, N, 1)."""
    lengths = (
        torch.linalg.vector_norm(values.features(), dim=-1, keepdim=True) for values in (z, context)
    )
    squares: Tensor = sum(length.square() for length in lengths) + EPSILON * z.shape[-1]
    return (squares / z.shape[-1]).rsqrt()
