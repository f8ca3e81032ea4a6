"""Causal layers a few tokens at a time: what a layer must remember of the tokens before.

A causal layer knows the past by two sums: of the tokens (its context is their mean) and of the
log-magnitudes that centring divides by. With both at hand a new token costs one token, however
long the sequence before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cvkan.config import ModelConfig
from cvkan.errors import CvkanError
from cvkan.layers.running import running_sum
from cvkan.polar import Polar

if TYPE_CHECKING:
    from cvkan.models.backbone import ContextLayer


@dataclass
class CausalState:
    """The past of one layer; zeros before the first token."""

    tokens: Tensor | float = 0.0  # sum of the tokens it saw, (B, 1, 2D)
    logs: Tensor | float = 0.0  # sum of the log-magnitudes before centring, (B, 1, D)
    count: int = 0

    def advance(self, layer: ContextLayer, z: Polar) -> Polar:
        """The layer's output for the next tokens (B, n, D), as if all had come at once."""
        n_new = z.shape[1]
        places = torch.arange(1, n_new + 1, device=z.pair.device, dtype=z.pair.dtype)
        counts = (self.count + places).unsqueeze(-1)
        sums = self.tokens + running_sum(z.features())
        moved = z + layer.block(z, Polar.from_features(sums / counts))
        if layer.center:
            logs = self.logs + running_sum(moved.log_magnitude())
            moved = moved.scale((-logs / counts).exp())
            self.logs = logs[:, -1:]
        self.tokens, self.count = sums[:, -1:], self.count + n_new
        normed: Polar = layer.norm(moved)
        return normed


# what a model must be for the two sums to be all that its tokens share
_CAUSAL = {
    "model": ("cvkan",),
    "layer": ("polarizing", "gated"),
    "heads": ("emergent",),
    "aggregation": ("causal",),
}


def check_causal(config: ModelConfig) -> None:
    """CvkanError unless CausalState knows how the tokens of a model share what they share."""
    for name, allowed in _CAUSAL.items():
        given = getattr(config, name)
        if config.n_layers and given not in allowed:
            raise CvkanError(
                f"a series cannot be continued token by token with {name} {given}",
                seen=given,
                do=f"Train a model with {name} {' or '.join(allowed)}.",
            )
