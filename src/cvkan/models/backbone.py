"""The stack of polarizing blocks between embedding and head."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from cvkan.config import ModelConfig
from cvkan.layers.aggregation import Grid, make_aggregation
from cvkan.layers.centring import add_centred
from cvkan.layers.norm import make_norm
from cvkan.layers.polarizing import PolarizingBlock
from cvkan.polar import Polar


class Layer(nn.Module):
    """Context, update, sum, centring, norm."""

    def __init__(self, config: ModelConfig, grid: Grid | None) -> None:
        super().__init__()
        self.aggregation = make_aggregation(
            config.aggregation, config.d_complex, window=config.window, grid=grid
        )
        self.block = PolarizingBlock(
            config.d_complex,
            hidden=config.block_hidden,
            interaction=config.interaction,
            per_dim=config.per_dim,
            mag_scale=config.mag_scale,
            dropout=config.dropout,
        )
        self.norm = make_norm(config.norm, config.d_complex)
        self.center = config.center_magnitudes
        self.causal = config.aggregation == "causal"  # then centring must not look ahead either

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        update = self.block(z, self.aggregation(z, mask))
        z = add_centred(z, update, mask, causal=self.causal) if self.center else z + update
        normed: Polar = self.norm(z)
        return normed


class Backbone(nn.Module):
    """`n_layers` layers; a causal aggregation makes all of it causal."""

    def __init__(self, config: ModelConfig, *, n_tokens: int, grid: Grid | None = None) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(config, grid) for _ in range(config.n_layers))

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        for layer in self.layers:
            z = layer(z, mask)
        return z

    def states(self, z: Polar, mask: Tensor | None = None) -> Iterator[Polar]:
        """What goes in, then what each layer puts out."""
        yield z
        for layer in self.layers:
            z = layer(z, mask)
            yield z
