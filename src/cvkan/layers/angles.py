"""Angles of tokens, for what cannot do without: twins and losses."""

from __future__ import annotations

import torch
from torch import Tensor

from cvkan.polar import Polar


def angles_of(z: Polar) -> Tensor:
    """Angles in (-pi, pi] with a gradient that is zero, not NaN, where z is exactly zero."""
    dead = z.power() == 0
    return torch.atan2(z.im, torch.where(dead, 1.0, z.re))
