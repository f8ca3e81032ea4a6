"""Losses on the tokens themselves, to be added to a task's loss with small weights.

All take tokens (B, N, D) and a mask (B, N), true where a token is real, and return a scalar.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from cvkan.layers.aggregation import uniform_weights
from cvkan.layers.angles import angles_of
from cvkan.polar import EPSILON, Polar, product


def diversity(z: Polar, mask: Tensor | None = None) -> Tensor:
    """How alike the phases of different dimensions are: 0 for independent ones, 1 for copies.

    Mean square, over pairs of dimensions, of the circular correlation over all real tokens of the
    batch: sum sin(a - mean a) sin(b - mean b) / sqrt(sum sin^2(a - mean a) sum sin^2(b - mean b))
    with circular means (Jammalamadaka and SenGupta 2001, Topics in Circular Statistics).
    """
    unit = z.unit().masked(mask).pair.flatten(0, 1)  # (B * N, 2, D)
    mean = Polar(unit.sum(0, keepdim=True)).unit()
    sines = Polar(unit).times_conj(mean).im  # of the angles from the mean; 0 where masked
    products = product(sines.T, sines)
    power = products.diagonal() + EPSILON
    correlation = products / (power.unsqueeze(0) * power.unsqueeze(1)).sqrt()
    n_dims = correlation.shape[0]
    if n_dims == 1:
        return correlation.sum() * 0
    rows, columns = torch.triu_indices(n_dims, n_dims, 1, device=correlation.device)
    return correlation[rows, columns].square().mean()


def anchor(z: Polar, mask: Tensor | None = None, *, n_anchors: int = 4) -> Tensor:
    """The mean angle, in radians, from a phase to the nearest of the anchors 2 pi k / n."""
    step = 2 * math.pi / n_anchors
    distance = (torch.remainder(angles_of(z) + step / 2, step) - step / 2).abs()
    if mask is None:
        return distance.mean()
    real = mask.unsqueeze(-1)
    return (distance * real).sum() / (mask.sum().clamp(min=1) * distance.shape[-1])


def coherence(z: Polar, mask: Tensor | None = None, *, weighted: bool = False) -> Tensor:
    """1 - resultant length of the phases over the tokens, mean over samples and dimensions.

    0 where all tokens of a sample have one phase, near 1 where phases scatter. With `weighted`
    tokens count by their magnitudes: |sum z| / sum |z|.
    """
    weights = uniform_weights(z, mask)
    length = (z if weighted else z.unit()).weighted_sum(weights).magnitude()
    if weighted:
        length = length / (product(weights, z.magnitude()) + EPSILON)
    return (1 - length).mean()
