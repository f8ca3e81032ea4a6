"""MLP-Mixer: perceptrons over patches and over channels in turn.

Tolstikhin et al. 2021, https://arxiv.org/abs/2105.01601. Depth is n_layers of the model it is
compared with; the channel perceptrons take up what is left of a parameter budget.
"""

from __future__ import annotations

from torch import Tensor, nn

from cvkan.baselines.checks import no_mask
from cvkan.config import ImageConfig
from cvkan.info import DataInfo
from cvkan.models.image import patch_grid
from cvkan.models.makers import Baseline, Size


class MixerBlock(nn.Module):
    """A perceptron across the patches of every channel, then one across the channels."""

    def __init__(self, n_tokens: int, dim: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.token_norm, self.channel_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.across_tokens = perceptron(n_tokens, max(dim // 2, 1), dropout)
        self.across_channels = perceptron(dim, hidden, dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.across_tokens(self.token_norm(x).transpose(1, 2)).transpose(1, 2)
        out: Tensor = x + self.across_channels(self.channel_norm(x))
        return out


class Mixer(nn.Module):
    """Classifies images (B, channels, height, width) that its patches fill."""

    def __init__(
        self, info: DataInfo, *, dim: int, hidden: int, depth: int, patch_size: int, dropout: float
    ) -> None:
        super().__init__()
        channels, height, width = info.sample_shape
        rows, columns = patch_grid(height, width, patch_size)
        self.patches = nn.Conv2d(channels, dim, patch_size, stride=patch_size)
        self.blocks = nn.Sequential(
            *(MixerBlock(rows * columns, dim, hidden, dropout) for _ in range(depth))
        )
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, info.classes_for("mixer"))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits (B, classes)."""
        no_mask("mixer", mask)
        tokens = self.blocks(self.patches(x).flatten(2).transpose(1, 2))
        logits: Tensor = self.head(self.norm(tokens).mean(1))
        return logits


def perceptron(n_features: int, hidden: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(n_features, hidden),
        nn.GELU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, n_features),
        nn.Dropout(dropout),
    )


def mixer(config: ImageConfig, info: DataInfo, size: Size) -> Mixer:
    """The mixer of a size, as deep as the model it is compared with."""
    return Mixer(
        info,
        dim=size.width,
        hidden=size.hidden,
        depth=max(config.n_layers, 1),
        patch_size=config.patch_size,
        dropout=config.dropout,
    )


MIXER = Baseline(mixer, Size(64, 256), step=4)
