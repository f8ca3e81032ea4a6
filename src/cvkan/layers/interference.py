"""Interference: each token meets its context, and what their phases have in common decides.

z conj(a) multiplies magnitudes and subtracts phases: it is large where token and context are both
loud, positive where they are in phase, negative where they oppose. A perceptron of the token and of
that product gives the update, so that unlike a broadcast update it differs from token to token and
tells relative phases apart.
"""

from __future__ import annotations

import torch
from torch import nn

from cvkan.layers.norm import ComplexLayerNorm
from cvkan.polar import PAIR, Polar


class InterferenceBlock(nn.Module):
    """The update W2 gelu(W1 [z, z conj(a)]) of a token z in its context a; small at the start.

    Token and context are normalised first, each by a norm of its own. With per_dim False one
    function of one dimension, from the four numbers of z and z conj(a) to the two of the update, is
    shared by all dimensions (KAN-like).
    """

    def __init__(
        self, d_complex: int, *, hidden: int = 128, per_dim: bool = True, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.per_dim = per_dim
        self.token_norm = ComplexLayerNorm(d_complex)
        self.context_norm = ComplexLayerNorm(d_complex)
        width = d_complex if per_dim else 1
        last = nn.Linear(hidden, 2 * width)
        nn.init.xavier_uniform_(last.weight, gain=0.1)  # begins near the identity
        nn.init.zeros_(last.bias)
        self.perceptron = nn.Sequential(
            nn.Linear(4 * width, hidden), nn.GELU(), nn.Dropout(dropout), last
        )

    def forward(self, z: Polar, context: Polar) -> Polar:
        """z (B, N, D) and context (B, 1, D) or (B, N, D) give an update (B, N, D)."""
        token: Polar = self.token_norm(z)
        product = token.times_conj(self.context_norm(context))
        if self.per_dim:
            both = torch.cat((token.features(), product.features()), dim=-1)
            return Polar.from_features(self.perceptron(both))
        both = torch.cat((token.pair, product.pair), dim=PAIR).transpose(-1, -2)
        return Polar.from_trailing(self.perceptron(both))
