"""A complex linear map as one real matrix product."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvkan.polar import Polar


class ComplexLinear(nn.Module):
    """W z, W complex (n_outputs, n_inputs), without bias: it turns as its input turns.

    Starts with E|W|^2 = 1 / n_inputs, which keeps magnitudes as they are on average.
    """

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(2, n_outputs, n_inputs))  # real, imaginary
        nn.init.normal_(self.weight, std=(2 * n_inputs) ** -0.5)

    def forward(self, z: Polar) -> Polar:
        return Polar.from_features(F.linear(z.features(), self.matrix()))

    def matrix(self) -> Tensor:
        """The same map on [Re z, Im z]: (2 n_outputs, 2 n_inputs)."""
        re, im = self.weight
        return torch.cat((torch.cat((re, -im), dim=1), torch.cat((im, re), dim=1)))
