"""Dropout of whole complex numbers."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from cvkan.polar import Polar


class ComplexDropout(nn.Module):
    """In training, each complex number is zero with probability `rate`, or 1 / (1 - rate) times.

    Real and imaginary part go together, so no phase changes.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, z: Polar) -> Polar:
        if not self.training or self.rate == 0:
            return z
        kept: Tensor = F.dropout(z.pair.new_ones(z.shape), self.rate)
        return z.scale(kept)
