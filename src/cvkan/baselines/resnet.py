"""A small residual network: three stages of two basic blocks.

He et al. 2015, https://arxiv.org/abs/1512.03385, in the form for 32 x 32 images (a 3 x 3 stem of
stride 1, no max pooling). Stages are 1, 2 and 4 times as wide as the first; the inner width of the
last stage takes up what is left of a parameter budget.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from cvkan.baselines.checks import no_mask
from cvkan.config import ImageConfig
from cvkan.info import DataInfo
from cvkan.models.makers import Baseline, Size

BLOCKS = 2  # a stage


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions around a shortcut, (B, n_in, H, W) to (B, n_out, H/s, W/s)."""

    def __init__(self, n_in: int, n_inner: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(n_in, n_inner, 3, stride, 1, bias=False),
            nn.BatchNorm2d(n_inner),
            nn.ReLU(inplace=True),
            nn.Conv2d(n_inner, n_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(n_out),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or n_in != n_out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.layers(x) + self.shortcut(x))


class ResNet(nn.Module):
    """Classifies images (B, channels, height, width) of any size."""

    def __init__(self, info: DataInfo, *, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv2d(info.channels, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        ]
        n_in = width
        for n_out, n_inner, stride in (
            (width, width, 1),
            (2 * width, 2 * width, 2),
            (4 * width, hidden, 2),
        ):
            for first in (True, *[False] * (BLOCKS - 1)):
                layers.append(BasicBlock(n_in, n_inner, n_out, stride if first else 1))
                n_in = n_out
        self.body = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(n_in, info.classes_for("resnet")))
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits (B, classes)."""
        no_mask("resnet", mask)
        logits: Tensor = self.head(self.body(x).mean((2, 3)))
        return logits


def resnet(config: ImageConfig, info: DataInfo, size: Size) -> ResNet:
    """The residual network of a size."""
    return ResNet(info, width=size.width, hidden=size.hidden, dropout=config.dropout)


RESNET = Baseline(resnet, Size(32, 128), step=4)
