"""The two real twins of the polarizing block: is the complex arithmetic needed?

Each has the block's surroundings (embedding, aggregation, sum, pooling and head) and, in its place,
a perceptron of plain real numbers, two a dimension.

real_cartesian: real and imaginary parts are 2D features. The update is a perceptron of the
context's features, added to the token; no log-magnitude, no unit phase. With interaction
interference the perceptron sees the token and its elementwise product with the context, as the
complex block does, but of real numbers. Centring becomes RMS: every
feature is divided by its root mean square over tokens.

real_polar: log-magnitudes and angles are 2D features. The context is their mean (angles as plain
numbers: no interference, and a seam at pi), and the update is added to the log-magnitude and the
angle of a token, that is, its complex value is multiplied. With interaction interference the
perceptron sees the token, and the sum of logs and difference of angles that is z conj(a).
Magnitudes are centred before that, after the context was taken: a broadcast update would otherwise
be centred away at once.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cvkan.layers.aggregation import Causal, MagnitudeWeighted, Mean
from cvkan.layers.angles import angles_of
from cvkan.layers.centring import centred
from cvkan.layers.interference import inverse_size
from cvkan.layers.perceptron import Perceptron
from cvkan.layers.polarizing import MAX_LOG_MAGNITUDE
from cvkan.polar import PAIR, Polar

RMS_EPSILON = 1e-5  # added to a mean square


class RealTransform(nn.Module):
    """s * psi of the context's two real numbers a dimension, and with pointwise of the token's.

    With per_dim False one perceptron of one dimension is shared by all.
    """

    def __init__(
        self,
        d_complex: int,
        *,
        hidden: int,
        pointwise: bool,
        per_dim: bool,
        mag_scale: float,
        dropout: float,
    ) -> None:
        super().__init__()
        self.pointwise, self.per_dim = pointwise, per_dim
        width = 2 * d_complex if per_dim else 2
        self.psi = Perceptron(
            width, hidden, width, n_context=width if pointwise else 0, dropout=dropout
        )
        self.mag_scale = nn.Parameter(torch.tensor(mag_scale))

    def forward(self, own: Polar, context: Polar) -> Polar:
        inputs = (own, context) if self.pointwise else (context,)
        if self.per_dim:
            return Polar.from_features(
                self.mag_scale * self.psi(*(values.features() for values in inputs))
            )
        return Polar.from_trailing(
            self.mag_scale * self.psi(*(values.pair.transpose(-1, -2) for values in inputs))
        )


class RealInterference(nn.Module):
    """W2 gelu(W1 [own, met]) of the token's numbers and of these met with the context's.

    As large as the complex block of the same hidden width. With per_dim False one function of one
    dimension, from four numbers to two, is shared by all.
    """

    def __init__(
        self, d_complex: int, *, hidden: int, polar: bool, per_dim: bool, dropout: float
    ) -> None:
        super().__init__()
        self.polar, self.per_dim = polar, per_dim
        self.norm = nn.Identity() if polar else nn.LayerNorm(2 * d_complex)
        width = d_complex if per_dim else 1
        last = nn.Linear(hidden, 2 * width)
        nn.init.xavier_uniform_(last.weight, gain=0.01)  # begins near the identity
        nn.init.zeros_(last.bias)
        self.perceptron = nn.Sequential(
            nn.Linear(4 * width, hidden), nn.GELU(), nn.Dropout(dropout), last
        )

    def forward(self, own: Polar, context: Polar) -> Polar:
        if self.polar:
            met = Polar.of(own.re + context.re, own.im - context.im)  # logs and angles
        else:
            scale = inverse_size(own, context)
            own = Polar.from_features(self.norm(own.features()))
            met = Polar(own.pair * context.pair).scale(scale)
        if self.per_dim:
            both = torch.cat((own.features(), met.features()), dim=-1)
            return Polar.from_features(self.perceptron(both))
        both = torch.cat((own.pair, met.pair), dim=PAIR).transpose(-1, -2)
        return Polar.from_trailing(self.perceptron(both))


def make_transform(
    interaction: str,
    d_complex: int,
    *,
    polar: bool,
    hidden: int,
    per_dim: bool,
    mag_scale: float,
    dropout: float,
) -> nn.Module:
    """What changes the two real numbers a dimension, in the way called `interaction`."""
    if interaction == "interference":
        return RealInterference(
            d_complex, hidden=hidden, polar=polar, per_dim=per_dim, dropout=dropout
        )
    return RealTransform(
        d_complex,
        hidden=hidden,
        pointwise=interaction == "pointwise",
        per_dim=per_dim,
        mag_scale=mag_scale,
        dropout=dropout,
    )


class CartesianTwin(nn.Module):
    """One step of real_cartesian."""

    def __init__(
        self, aggregation: nn.Module, block: nn.Module, *, center: bool, causal: bool
    ) -> None:
        super().__init__()
        self.aggregation, self.block, self.center = aggregation, block, center
        self.mean: nn.Module = Causal() if causal else Mean()

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        """Tokens (B, N, D) to tokens."""
        z = z + self.block(z, self.aggregation(z, mask))
        if not self.center:
            return z
        square = self.mean(Polar(z.pair.square()), mask).pair
        return Polar(z.pair * (square + RMS_EPSILON).rsqrt())


class PolarTwin(nn.Module):
    """One step of real_polar."""

    def __init__(
        self, aggregation: nn.Module, block: nn.Module, *, center: bool, causal: bool
    ) -> None:
        super().__init__()
        self.aggregation, self.block = aggregation, block
        self.center, self.causal = center, causal

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        """Tokens (B, N, D) to tokens."""
        own = Polar.of(z.log_magnitude(), angles_of(z))  # a pair of plain numbers, not re and im
        change: Polar = self.block(own, self._context(z, own, mask))
        log, angle = change.re, change.im
        size = (MAX_LOG_MAGNITUDE * (log / MAX_LOG_MAGNITUDE).tanh()).exp()
        if self.center:
            z = centred(z, mask, causal=self.causal)
        return z.times_conj(Polar.of(angle.cos(), -angle.sin()).scale(size))

    def _context(self, z: Polar, own: Polar, mask: Tensor | None) -> Polar:
        if isinstance(self.aggregation, MagnitudeWeighted):  # by the tokens', not their logs'
            return own.weighted_sum(self.aggregation.weights(z, mask))
        context: Polar = self.aggregation(own, mask)
        return context
