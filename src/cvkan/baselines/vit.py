"""A vision transformer with pre-norm blocks, as wide as a parameter budget asks.

Dosovitskiy et al. 2020, https://arxiv.org/abs/2010.11929; mean pooling instead of a class token
(Beyer et al. 2022, https://arxiv.org/abs/2205.01580). Depth is n_layers of the model it is
compared with; width and feed-forward width are chosen to match its parameters.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvkan.baselines.checks import no_mask
from cvkan.config import ImageConfig
from cvkan.info import DataInfo
from cvkan.models.image import patch_grid
from cvkan.models.makers import Baseline, Size

HEADS = 4


class TransformerBlock(nn.Module):
    """Self-attention, then a feed-forward layer, each normalised before and added after."""

    def __init__(self, dim: int, hidden: int, dropout: float, *, heads: int = HEADS) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        self.feed_forward = feed_forward(dim, hidden, dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, allowed: Tensor | None = None) -> Tensor:
        """x (B, N, dim); allowed (B, 1, 1, N) is true where a token may be listened to."""
        x = x + self.dropout(self._attend(self.attention_norm(x), allowed))
        out: Tensor = x + self.dropout(self.feed_forward(x))
        return out

    def _attend(self, x: Tensor, allowed: Tensor | None) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(
            q, k, v, attn_mask=allowed
        )  # (B, heads, N, dim / heads)
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out


def feed_forward(dim: int, hidden: int, dropout: float) -> nn.Sequential:
    """The pre-norm feed-forward layer of a transformer."""
    return nn.Sequential(
        nn.LayerNorm(dim),
        nn.Linear(dim, hidden),
        nn.GELU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, dim),
    )


class VisionTransformer(nn.Module):
    """Classifies images (B, channels, height, width) that its patches fill."""

    def __init__(
        self, info: DataInfo, *, dim: int, hidden: int, depth: int, patch_size: int, dropout: float
    ) -> None:
        super().__init__()
        channels, height, width = info.sample_shape
        rows, columns = patch_grid(height, width, patch_size)
        self.patches = nn.Conv2d(channels, dim, patch_size, stride=patch_size)
        self.positions = nn.Parameter(torch.randn(1, rows * columns, dim) * 0.02)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.Sequential(*(TransformerBlock(dim, hidden, dropout) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, info.classes_for("vit"))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits (B, classes)."""
        no_mask("vit", mask)
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        tokens = self.blocks(self.dropout(tokens + self.positions))
        logits: Tensor = self.head(self.norm(tokens).mean(1))
        return logits


def vit(config: ImageConfig, info: DataInfo, size: Size) -> VisionTransformer:
    """The transformer of a size, as deep as the model it is compared with."""
    return VisionTransformer(
        info,
        dim=size.width,
        hidden=size.hidden,
        depth=max(config.n_layers, 1),
        patch_size=config.patch_size,
        dropout=config.dropout,
    )


VIT = Baseline(vit, Size(64, 128), step=HEADS)
