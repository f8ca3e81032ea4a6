"""Encoders of grid tasks without complex numbers: convolutions, and attention between grids.

Both follow the two encoders of the ARC taxonomy, with what was inert or leaked in them mended:
every option has its effect, and padding has none.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvkan.baselines.vit import feed_forward
from cvkan.config import GridConfig
from cvkan.info import DataInfo
from cvkan.layers.class_head import make_class_head
from cvkan.layers.grid_encoder import (
    PADDING,
    PairEncoder,
    demonstrated,
    halved,
    masked_mean,
    real_cells,
)
from cvkan.layers.pooling import make_pooling
from cvkan.models.backbone import Backbone
from cvkan.models.grid import check_grids
from cvkan.models.makers import Baseline, Size
from cvkan.polar import Polar

HEADS = 4


class GridCnn(nn.Module):
    """Convolutions over input and output, a masked mean, one vector a demonstration, a perceptron.

    With demo_aggregation "cvkan" the demonstrations are the complex tokens of a small CV-KAN.
    """

    def __init__(self, config: GridConfig, info: DataInfo, size: Size) -> None:
        super().__init__()
        self.canvas = tuple(info.sample_shape[-2:])
        self.demonstrations, self.aggregation = config.n_demonstrations, config.demo_aggregation
        # where another model is matched, the option is about that one's convolutions
        factor = 1.0 if config.match_params_of else config.width
        channels = max(round(size.width * factor), 1)
        self.encoder = PairEncoder(
            channels,
            hidden=channels,
            depth=config.depth,
            patch_size=config.patch_size,
            colours=config.colours,
            coordinates=config.coordinates,
            rectified=True,
        )
        if config.demo_aggregation == "cvkan":
            self.tokens = nn.Linear(channels, 2 * config.d_complex)
            self.backbone = Backbone(config, n_tokens=config.n_demonstrations)
            self.pool = make_pooling(config.pooling, config.d_complex)
            channels = self.pool.width
        elif config.demo_aggregation == "flatten":
            channels *= config.n_demonstrations
        self.embedded = nn.Sequential(
            nn.Linear(channels, size.hidden), nn.ReLU(), nn.Dropout(config.dropout)
        )
        self.head = make_class_head(config, size.hidden, info)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        check_grids(x, self.canvas, mask)
        pairs = demonstrated(x, self.demonstrations)
        planes, real = self.encoder(pairs.flatten(0, 1))
        vectors = masked_mean(planes.flatten(2).transpose(1, 2), real.flatten(1))
        logits: Tensor = self.head(
            self.embedded(self._task(vectors.view(len(x), -1, vectors.shape[-1])))
        )
        return logits

    def _task(self, vectors: Tensor) -> Tensor:
        """One vector a task from (B, demonstrations, channels)."""
        if self.aggregation == "flatten":
            return vectors.flatten(1)
        if self.aggregation == "mean":
            return vectors.mean(1)
        tokens = self.backbone(Polar.from_features(self.tokens(vectors)))
        pooled: Polar = self.pool(tokens)
        return pooled.magnitude()


class Attention(nn.Module):
    """Queries attend to memory, then a feed-forward layer; both normalised before, added after."""

    def __init__(self, dim: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.query_norm, self.memory_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.query, self.memory = nn.Linear(dim, dim), nn.Linear(dim, 2 * dim)
        self.out = nn.Linear(dim, dim)
        self.feed_forward = feed_forward(dim, hidden, dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries: Tensor, memory: Tensor, real: Tensor) -> Tensor:
        """Queries (B, M, dim) after a look at memory (B, N, dim), real where (B, N) says so."""
        q = self.query(self.query_norm(queries)).unflatten(-1, (HEADS, -1)).transpose(1, 2)
        k, v = (
            self.memory(self.memory_norm(memory))
            .unflatten(-1, (2, HEADS, -1))
            .permute(2, 0, 3, 1, 4)
        )
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=real[:, None, None])
        queries = queries + self.dropout(self.out(seen.transpose(1, 2).flatten(2)))
        result: Tensor = queries + self.dropout(self.feed_forward(queries))
        return result


class GridContext(nn.Module):
    """Outputs look at their inputs: patches of cells, self-attention, then cross-attention.

    `pixel_layers` layers within each grid, `grid_layers` from output to input; the patches of the
    output are then pooled by attention. A patch is a linear map of the colours of its cells: the
    attention has (30 / patch_size)^2 tokens a grid, not 900.
    """

    def __init__(self, config: GridConfig, info: DataInfo, size: Size) -> None:
        super().__init__()
        self.canvas = tuple(info.sample_shape[-2:])
        self.demonstrations, self.patch_size = config.n_demonstrations, config.patch_size
        dim = size.width
        self.patches = nn.Conv2d(PADDING, dim, config.patch_size, stride=config.patch_size)
        self.pixel_layers, self.grid_layers = (
            nn.ModuleList(Attention(dim, size.hidden, config.dropout) for _ in range(count))
            for count in (config.pixel_layers, config.grid_layers)
        )
        self.score = nn.Sequential(nn.Linear(dim, dim), nn.Tanh(), nn.Linear(dim, 1, bias=False))
        self.norm = nn.LayerNorm(dim)
        self.head = make_class_head(config, dim, info)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        check_grids(x, self.canvas, mask)
        grids = demonstrated(x, self.demonstrations).flatten(0, 1)  # (B n, 2, H, W)
        tokens, real = self._tokens(grids.flatten(0, 1))
        for layer in self.pixel_layers:
            tokens = layer(tokens, tokens, real)
        inputs, outputs = tokens[::2], tokens[1::2]
        seen, counted = real[::2], real[1::2]
        for layer in self.grid_layers:
            outputs = layer(outputs, inputs, seen)
        scores = self.score(outputs)[..., 0].masked_fill(~counted, -math.inf)
        vectors = (scores.softmax(-1).unsqueeze(1) @ outputs)[:, 0]
        logits: Tensor = self.head(self.norm(vectors.view(len(x), -1, vectors.shape[-1]).mean(1)))
        return logits

    def _tokens(self, grids: Tensor) -> tuple[Tensor, Tensor]:
        """(G, H, W) colours as patches (G, P, dim), and which of them have a cell."""
        colours = F.one_hot(grids.long(), PADDING + 1)[..., :PADDING].permute(0, 3, 1, 2)
        right, below = (-n % self.patch_size for n in reversed(grids.shape[-2:]))
        planes = self.patches(F.pad(colours.to(self.patches.weight.dtype), (0, right, 0, below)))
        tokens = planes + sinusoids(planes)
        real = halved(real_cells(grids).unsqueeze(1), self.patch_size)
        return tokens.flatten(2).transpose(1, 2), real.flatten(1)


def sinusoids(planes: Tensor) -> Tensor:
    """Sines and cosines of row (first half of the channels) and column, (1, channels, h, w)."""
    channels, height, width = planes.shape[1:]
    speeds = 100.0 ** (-torch.arange(channels // 4, device=planes.device) / (channels // 4))
    rows, columns = (
        torch.outer(speeds, torch.arange(n, device=planes.device, dtype=speeds.dtype))
        for n in (height, width)
    )
    by_row = torch.cat((rows.sin(), rows.cos()))[:, :, None].expand(-1, -1, width)
    by_column = torch.cat((columns.sin(), columns.cos()))[:, None, :].expand(-1, height, -1)
    return torch.cat((by_row, by_column)).to(planes.dtype).unsqueeze(0)


CNN = Baseline(GridCnn, Size(64, 128))
CONTEXT = Baseline(GridContext, Size(64, 128), step=HEADS)
