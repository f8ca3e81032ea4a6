"""The stack of layers in which tokens interact, between embedding and head."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from torch import Tensor, nn

from cvkan.config import ModelConfig
from cvkan.data.graphs import read_graph
from cvkan.errors import ConfigError
from cvkan.layers.aggregation import Grid, make_aggregation
from cvkan.layers.attention import PhaseAttention
from cvkan.layers.centring import add_centred
from cvkan.layers.dropout import ComplexDropout
from cvkan.layers.gated import GatedPolarization
from cvkan.layers.graph import GraphNeighborhood
from cvkan.layers.hierarchy import Hierarchy, MultiPath, count_levels
from cvkan.layers.multihead import FactoredHeads, OffsetHeads
from cvkan.layers.norm import make_norm
from cvkan.layers.polarizing import make_block
from cvkan.layers.twins import CartesianTwin, PolarTwin, make_transform
from cvkan.polar import Polar


class Layer(nn.Module, ABC):
    """What tokens make of each other, then norm and dropout."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.norm = make_norm(config.norm, config.d_complex)
        self.complex_dropout = ComplexDropout(config.complex_dropout)
        self.center = config.center_magnitudes
        self.causal = config.aggregation == "causal"  # then centring must not look ahead either

    @abstractmethod
    def joined(self, z: Polar, mask: Tensor | None) -> Polar:
        """The tokens (B, N, D) after they have interacted, centred."""

    def forward(self, z: Polar, mask: Tensor | None = None) -> Polar:
        out: Polar = self.complex_dropout(self.norm(self.joined(z, mask), mask))
        return out


class AdditiveLayer(Layer):
    """A layer that adds an update to the tokens."""

    @abstractmethod
    def update(self, z: Polar, mask: Tensor | None) -> Polar:
        """What is added: (B, N, D), or (B, 1, D) to all tokens alike."""

    def joined(self, z: Polar, mask: Tensor | None) -> Polar:
        update = self.update(z, mask)
        return add_centred(z, update, mask, causal=self.causal) if self.center else z + update


class ContextLayer(AdditiveLayer):
    """A context of the tokens, and a block that makes an update of it."""

    def __init__(self, config: ModelConfig, n_tokens: int, grid: Grid | None) -> None:
        super().__init__(config)
        self.aggregation = _aggregation(config, config.d_complex, n_tokens, grid)
        self.block = (
            GatedPolarization(config.d_complex, hidden=config.block_hidden, dropout=config.dropout)
            if config.layer == "gated"
            else _block(config, config.d_complex)
        )

    def update(self, z: Polar, mask: Tensor | None) -> Polar:
        update: Polar = self.block(z, self.aggregation(z, mask))
        return update


class HeadsLayer(AdditiveLayer):
    """Groups of dimensions that interact on their own."""

    def __init__(self, config: ModelConfig, n_tokens: int, grid: Grid | None) -> None:
        super().__init__(config)
        kind = OffsetHeads if config.heads == "offset" else FactoredHeads
        d_head = config.d_complex // config.n_heads
        self.heads = kind(
            _aggregation(config, d_head, n_tokens, grid),
            _block(config, d_head),
            d_complex=config.d_complex,
            n_heads=config.n_heads,
        )

    def update(self, z: Polar, mask: Tensor | None) -> Polar:
        update: Polar = self.heads(z, mask)
        return update


class AttentionLayer(AdditiveLayer):
    """Tokens listen to those in phase with them."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.attention = PhaseAttention(
            config.d_complex,
            n_heads=config.n_heads,
            causal=self.causal,
            dropout=config.dropout,
        )

    def update(self, z: Polar, mask: Tensor | None) -> Polar:
        update: Polar = self.attention(z, mask)
        return update


class HierarchicalLayer(AdditiveLayer):
    """Groups of neighbours, then groups of groups; on one path or several."""

    def __init__(self, config: ModelConfig, n_tokens: int, grid: Grid | None) -> None:
        super().__init__(config)
        aggregation = _aggregation(config, config.d_complex, n_tokens, grid)

        def block() -> nn.Module:
            return _block(config, config.d_complex)

        def hierarchy() -> Hierarchy:
            return Hierarchy(
                block,
                aggregation,
                n_levels=count_levels(n_tokens, config.levels),
                sharing=config.level_sharing,
                hybrid_levels=config.hybrid_levels,
                top_down=config.top_down,
                phase_shifting=config.phase_shifting,
                grid=grid,
                n_grids=n_tokens // (grid[0] * grid[1]) if grid else 1,
            )

        _check_idle(config, n_tokens)
        if config.n_paths == 1:
            self.hierarchy: nn.Module = hierarchy()
        else:
            self.hierarchy = MultiPath(
                [hierarchy() for _ in range(1 if config.path_sharing else config.n_paths)],
                n_paths=config.n_paths,
                combination=config.path_combination,
                make_block=block,
                aggregation=aggregation,
            )

    def update(self, z: Polar, mask: Tensor | None) -> Polar:
        update: Polar = self.hierarchy(z, mask)
        return update


class TwinLayer(Layer):
    """The same step in plain real numbers."""

    def __init__(self, config: ModelConfig, n_tokens: int, grid: Grid | None) -> None:
        super().__init__(config)
        polar = config.model == "real_polar"
        transform = make_transform(
            config.interaction,
            config.d_complex,
            polar=polar,
            hidden=config.block_hidden,
            per_dim=config.per_dim,
            mag_scale=config.mag_scale,
            dropout=config.dropout,
        )
        kind = PolarTwin if polar else CartesianTwin
        self.twin = kind(
            _aggregation(config, config.d_complex, n_tokens, grid),
            transform,
            center=self.center,
            causal=self.causal,
        )

    def joined(self, z: Polar, mask: Tensor | None) -> Polar:
        tokens: Polar = self.twin(z, mask)
        return tokens


def make_layer(config: ModelConfig, *, n_tokens: int, grid: Grid | None = None) -> Layer:
    """One layer of the kind that the configuration names."""
    if config.model in ("real_cartesian", "real_polar"):
        return TwinLayer(config, n_tokens, grid)
    if config.layer == "phase_attention":
        return AttentionLayer(config)
    if config.layer == "hierarchical":
        return HierarchicalLayer(config, n_tokens, grid)
    if config.heads != "emergent":
        return HeadsLayer(config, n_tokens, grid)
    return ContextLayer(config, n_tokens, grid)


class Backbone(nn.Module):
    """`n_layers` layers; a causal aggregation makes all of it causal."""

    def __init__(self, config: ModelConfig, *, n_tokens: int, grid: Grid | None = None) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            make_layer(config, n_tokens=n_tokens, grid=grid) for _ in range(config.n_layers)
        )

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


def _check_idle(config: ModelConfig, n_tokens: int) -> None:
    """ConfigError for levels that no group of these tokens has, and for paths that repeat."""
    needed = count_levels(n_tokens, None)
    if config.levels is not None and config.levels > needed:
        raise ConfigError(
            f"levels stay unused: one group holds these {n_tokens} tokens after {needed}",
            seen=config.levels,
            do=f"Set levels to at most {needed}, or leave it out.",
        )
    levels = count_levels(n_tokens, config.levels)
    if config.level_sharing == "hybrid" and config.hybrid_levels > levels - 2:
        raise ConfigError(
            f"hybrid_levels leave no two of {levels} levels that share a block",
            seen=config.hybrid_levels,
            do=f"Set hybrid_levels to at most {levels - 2}."
            if levels > 2
            else "Set level_sharing to per_level, which is the same here.",
        )
    largest_group = 1 << levels
    if config.n_paths > largest_group:
        raise ConfigError(
            f"paths repeat: the largest groups of these {n_tokens} tokens have {largest_group}",
            seen=config.n_paths,
            do=f"Set n_paths to at most {largest_group}.",
        )


def _aggregation(
    config: ModelConfig, d_complex: int, n_tokens: int, grid: Grid | None
) -> nn.Module:
    if config.aggregation == "graph_neighborhood" and config.graph != "grid":
        return GraphNeighborhood(read_graph(config.graph, n_tokens))
    widest = 2 * max(grid or (n_tokens,)) - 1  # reaches every token from every other
    if config.aggregation == "local_window" and config.window > widest:
        raise ConfigError(
            "window reaches beyond all tokens",
            seen=config.window,
            do=f"Set window to at most {widest}; aggregation mean has no window.",
        )
    return make_aggregation(config.aggregation, d_complex, window=config.window, grid=grid)


def _block(config: ModelConfig, d_complex: int) -> nn.Module:
    return make_block(
        config.interaction,
        d_complex,
        hidden=config.block_hidden,
        per_dim=config.per_dim,
        mag_scale=config.mag_scale,
        dropout=config.dropout,
    )
