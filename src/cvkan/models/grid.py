"""Grid tasks: patches of inputs and outputs, and how they differ, as tokens."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cvkan.config import GridConfig
from cvkan.errors import CvkanError
from cvkan.info import DataInfo
from cvkan.layers.class_head import make_class_head
from cvkan.layers.grid_encoder import PairEncoder, demonstrated, halved, real_cells
from cvkan.layers.positions import make_positions
from cvkan.models.base import TokenModel
from cvkan.models.makers import Kan
from cvkan.polar import EPSILON, Polar

TASK_AXES = 5  # batch, demonstrations, input and output, height, width
HIDDEN_CHANNELS = 32  # of the convolutions, times the option width
_KINDS = {"grids": 2, "relation": 1, "both": 3}


class GridModel(TokenModel):
    """Classifies tasks (B, demonstrations, 2, height, width) of colours, padding beyond the grids.

    One encoder sees either grid of a demonstration beside the other, so that exchanging input and
    output exchanges what it says. The relation of the two is z_out conj(z_in): its phase is the
    turn from input to output, and the opposite for the task that undoes this one.
    """

    def __init__(self, config: GridConfig, info: DataInfo) -> None:
        rows, columns = (-(-n // config.patch_size) for n in info.sample_shape[-2:])
        kinds = _KINDS[config.tokens]
        together = config.n_demonstrations if config.demo_aggregation == "cvkan" else 1
        n_tokens = together * kinds * rows * columns
        super().__init__(config, n_tokens=n_tokens, grid=(rows, columns))
        self.patch_size, self.demonstrations = config.patch_size, config.n_demonstrations
        self.canvas = tuple(info.sample_shape[-2:])
        self.tokens, self.aggregation = config.tokens, config.demo_aggregation
        self.encoder = PairEncoder(
            2 * config.d_complex,
            hidden=max(round(HIDDEN_CHANNELS * config.width), 1),
            depth=config.depth,
            patch_size=config.patch_size,
            colours=config.colours,
            coordinates=config.coordinates,
            rectified=False,
        )
        self.kinds = nn.Parameter(torch.randn(kinds, 1, 2, config.d_complex) * 0.02)
        self.positions = make_positions(
            config.positions, config.d_complex, n_tokens=rows * columns, grid=(rows, columns)
        )
        flat = config.n_demonstrations if config.demo_aggregation == "flatten" else 1
        hidden = 2 * config.kan_hidden
        self.embedded = nn.Sequential(
            nn.LayerNorm(flat * self.pool.width),
            nn.Linear(flat * self.pool.width, hidden),
            nn.GELU(),
            nn.Dropout(config.dropout),
        )
        self.head = make_class_head(config, hidden, info)

    def embed(self, x: Tensor, mask: Tensor | None = None) -> Polar:
        """Tokens (B, N, D) of the whole task where demonstrations interact, else (B n, N, D)."""
        check_grids(x, self.canvas, mask)
        pairs = demonstrated(x, self.demonstrations).flatten(0, 1)  # (B n, 2, H, W)
        views, _ = self.encoder(torch.cat((pairs, pairs.flip(1))))
        own = Polar.from_features(views.permute(0, 2, 3, 1).flatten(1, 2)).pair
        grids = own.view(2, len(pairs), *own.shape[1:]).transpose(0, 1)  # (B n, 2, P, 2, D)
        parts = [] if self.tokens == "relation" else [grids]
        if self.tokens != "grids":
            parts.append(relation(Polar(grids[:, 0]), Polar(grids[:, 1])).pair.unsqueeze(1))
        tokens: Polar = self.positions(Polar(torch.cat(parts, dim=1) + self.kinds))
        return Polar(self._joined(tokens.pair.flatten(1, 2)))

    def token_mask(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Which tokens of `embed` are of cells that are there; the samples say so themselves."""
        pairs = demonstrated(x, self.demonstrations).flatten(0, 1)
        real = halved(real_cells(pairs), self.patch_size).flatten(2)  # (B n, 2, P)
        parts = [] if self.tokens == "relation" else [real]
        if self.tokens != "grids":
            parts.append(real.all(1, keepdim=True))
        return self._joined(torch.cat(parts, dim=1).flatten(1))

    def pooled(self, x: Tensor, mask: Tensor | None = None) -> Polar:
        """One vector a demonstration, (B, n, D), or a task, (B, 1, D), where these interact."""
        pair = super().pooled(x, mask).pair
        return Polar(pair.view(len(x), -1, *pair.shape[1:]))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        sizes = self.pooled(x, mask).magnitude()
        vector = sizes.flatten(1) if self.aggregation == "flatten" else sizes.mean(1)
        logits: Tensor = self.head(self.embedded(vector))
        return logits

    def _joined(self, tokens: Tensor) -> Tensor:
        """(B n, N, ...) as (B, n N, ...) where demonstrations interact."""
        if self.aggregation != "cvkan":
            return tokens
        return tokens.reshape(-1, self.demonstrations * tokens.shape[1], *tokens.shape[2:])


def relation(first: Polar, second: Polar) -> Polar:
    """second conj(first) by their root mean square: the turn from one to the other, as loud."""
    size = ((first.power() + second.power()) / 2 + EPSILON).rsqrt()
    return second.times_conj(first).scale(size)


def check_grids(x: Tensor, canvas: tuple[int, ...], mask: Tensor | None) -> None:
    """Tasks have the canvas the model was built for, and say themselves where they are padded."""
    if mask is not None:
        raise CvkanError(
            "grid models take no mask: padding is a colour",
            seen=tuple(mask.shape),
            do="Leave it out.",
        )
    if x.dim() != TASK_AXES or tuple(x.shape[2:]) != (2, *canvas):
        raise CvkanError(
            "this model was built for tasks on another canvas",
            seen=tuple(x.shape),
            do=f"Give (batch, demonstrations, 2, {canvas[0]}, {canvas[1]}).",
        )


KAN = Kan(GridModel)
