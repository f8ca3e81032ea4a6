"""Gated polarization: the context, transformed, joins the tokens as far as its gates open."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cvkan.layers.polarizing import MAX_LOG_MAGNITUDE
from cvkan.polar import Polar, raised


class GatedPolarization(nn.Module):
    """The update tanh(a) exp(l + f(l)) normalise(p + g(p)) from a context of log-magnitude l.

    p are the unit phases of the context; f and g are functions of one dimension, shared by all;
    l + f(l) is kept between -5 and 5 by 5 tanh(. / 5). Every dimension has a gate a, zero at the
    start: the update is then exactly zero, and the gates have a gradient all the same.
    """

    def __init__(self, d_complex: int, *, hidden: int, dropout: float) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.zeros(d_complex))
        self.psi_mag = _transform(1, hidden, dropout)
        self.psi_phase = _transform(2, hidden, dropout)

    def forward(self, z: Polar, context: Polar) -> Polar:
        """context (B, 1, D) or (B, N, D) to an update of its shape."""
        log, unit = context.split()
        exponent = log + raised(self.psi_mag(log.unsqueeze(-1))).squeeze(-1)
        size: Tensor = (MAX_LOG_MAGNITUDE * (exponent / MAX_LOG_MAGNITUDE).tanh()).exp()
        turn = Polar.from_trailing(self.psi_phase(unit.pair.transpose(-1, -2)))
        return (unit + turn).unit().scale(self.gate.tanh() * size)


def _transform(width: int, hidden: int, dropout: float) -> nn.Sequential:
    """One hidden layer, as it runs on every number of the context; nearly zero at the start."""
    last = nn.Linear(hidden, width)
    nn.init.xavier_uniform_(last.weight, gain=0.1)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout), last)
