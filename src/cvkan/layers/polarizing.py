"""The polarizing block: the tokens' context, transformed in magnitude and phase, joins each token.

Tokens in phase with the update grow, tokens out of phase shrink. The phase is
normalise(p + psi(p)) instead of normalise(psi(p)): psi starts near zero, and normalising a vector
of length 2e-4 gives a gradient norm 300 times too large and NaN in half precision.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cvkan.errors import UnknownNameError
from cvkan.layers.interference import InterferenceBlock
from cvkan.layers.perceptron import Perceptron
from cvkan.polar import Polar

INTERACTIONS = ("interference", "pointwise", "broadcast")
MAX_LOG_MAGNITUDE = 5.0  # a block's update lies between e^-5 and e^5 times mag_scale


class PolarizingBlock(nn.Module):
    """The update s * rho * u of a token from its context, to be added to the token.

    rho = exp(5 tanh(psi_mag(log-magnitudes) / 5)): from e^-5 to e^5, and gentle around 1, where a
    slope of 5 would throw magnitudes about in the first steps. u = normalise(p + psi_phase(p)),
    p the unit phases of the context. With interaction `broadcast` the context alone decides; with
    `pointwise` psi also sees the token's own log-magnitudes and phases. With per_dim False one
    function of one dimension is shared by all dimensions (KAN-like).
    """

    def __init__(
        self,
        d_complex: int,
        *,
        hidden: int = 128,
        interaction: str = "broadcast",
        per_dim: bool = True,
        mag_scale: float = 0.01,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.pointwise = interaction == "pointwise"
        self.per_dim = per_dim
        width = d_complex if per_dim else 1
        seen = width if self.pointwise else 0  # the token's own values come beside the context's
        self.psi_mag = Perceptron(width, hidden, width, n_context=seen, dropout=dropout)
        self.psi_phase = Perceptron(
            2 * width, hidden, 2 * width, n_context=2 * seen, dropout=dropout
        )
        self.mag_scale = nn.Parameter(torch.tensor(mag_scale))

    def forward(self, z: Polar, context: Polar) -> Polar:
        """z (B, N, D) and context (B, 1, D) or (B, N, D) give an update of either shape."""
        log, unit = context.split()
        if self.pointwise:
            own_log, own_unit = z.split()
            exponent, turn = self._magnitude(own_log, log), self._phase(own_unit, unit)
        else:
            exponent, turn = self._magnitude(log, None), self._phase(unit, None)
        size = self.mag_scale * (MAX_LOG_MAGNITUDE * (exponent / MAX_LOG_MAGNITUDE).tanh()).exp()
        return (unit + turn).unit().scale(size)

    def _magnitude(self, own: Tensor, context: Tensor | None) -> Tensor:
        if self.per_dim:
            out: Tensor = self.psi_mag(own, context)
            return out
        values: Tensor = self.psi_mag(
            own.unsqueeze(-1), None if context is None else context.unsqueeze(-1)
        )
        return values.squeeze(-1)

    def _phase(self, own: Polar, context: Polar | None) -> Polar:
        if self.per_dim:
            return Polar.from_features(
                self.psi_phase(own.features(), None if context is None else context.features())
            )
        turned = self.psi_phase(
            own.pair.transpose(-1, -2), None if context is None else context.pair.transpose(-1, -2)
        )
        return Polar.from_trailing(turned)


def make_block(
    interaction: str,
    d_complex: int,
    *,
    hidden: int,
    per_dim: bool = True,
    mag_scale: float = 0.01,
    dropout: float = 0.0,
) -> nn.Module:
    """What makes an update of tokens and context, in the way called `interaction`."""
    if interaction not in INTERACTIONS:
        raise UnknownNameError("interaction", interaction, INTERACTIONS)
    if interaction == "interference":
        return InterferenceBlock(d_complex, hidden=hidden, per_dim=per_dim, dropout=dropout)
    return PolarizingBlock(
        d_complex,
        hidden=hidden,
        interaction=interaction,
        per_dim=per_dim,
        mag_scale=mag_scale,
        dropout=dropout,
    )
