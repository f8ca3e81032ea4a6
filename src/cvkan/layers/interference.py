"""Interference: each token meets its context, and what their phases have in common decides.

z conj(a) multiplies magnitudes and subtracts phases: it is large where token and context are both
loud, positive where they are in phase, negative where they oppose. A perceptron of the token and of
that product gives the update, so that unlike a broadcast update it differs from token to token and
tells relative phases apart.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from cvkan.polar import Polar


class InterferenceBlock(nn.Module):
    """The update W2 gelu(W1 [z, z conj(a)]) of a token z in its context a; small at the start.

    Token and context are normalised first, each over its 2D real features (Ba et al. 2016,
    https://arxiv.org/abs/1607.06450). With per_dim False one function, from the four numbers of z
    and z conj(a) in one dimension to the two of the update, is shared by all (KAN-like).
    """

    def __init__(
        self, d_complex: int, *, hidden: int = 128, per_dim: bool = True, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.per_dim = per_dim
        self.token_norm = nn.LayerNorm([2, d_complex])
        self.context_norm = nn.LayerNorm([2, d_complex])
        width = d_complex if per_dim else 1
        self.first = nn.Linear(4 * width, hidden)
        last = nn.Linear(hidden, 2 * width)
        nn.init.xavier_uniform_(last.weight, gain=0.1)  # begins near the identity
        nn.init.zeros_(last.bias)
        self.rest = nn.Sequential(nn.GELU(), nn.Dropout(dropout), last)

    def forward(self, z: Polar, context: Polar) -> Polar:
        """z (B, N, D) and context (B, 1, D) or (B, N, D) give an update (B, N, D)."""
        token = Polar(self.token_norm(z.pair))
        product = token.times_conj(Polar(self.context_norm(context.pair)))
        if self.per_dim:
            return Polar.from_features(self._perceptron(token.features(), product.features()))
        own, met = (value.pair.transpose(-1, -2) for value in (token, product))
        return Polar.from_trailing(self._perceptron(own, met))

    def _perceptron(self, own: Tensor, met: Tensor) -> Tensor:
        # two products, one sum of hidden width: concatenating tokens would move all of them again
        own_weight, met_weight = self.first.weight.chunk(2, dim=1)
        hidden = F.linear(own, own_weight, self.first.bias) + F.linear(met, met_weight)
        update: Tensor = self.rest(hidden)
        return update
