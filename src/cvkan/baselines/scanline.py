"""What classifiers of scans are compared with: a transformer over lines, and an LRCN.

Both leave out the lines that were not scanned, and read lines normalised as for the model they are
compared with.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvkan.baselines.sequences import masked_mean
from cvkan.baselines.vit import HEADS, TransformerBlock
from cvkan.config import ScanlineConfig
from cvkan.errors import CvkanError
from cvkan.info import DataInfo
from cvkan.layers.line_encoder import make_line_encoder, prepared, scanned
from cvkan.models.makers import Baseline, Size

WINDOW = 20  # lines that an LRCN sees at a time
# lines between two of its windows: every line would cost four times as much
STRIDE = 4


class LineTransformer(nn.Module):
    """A pre-norm transformer with one token a line and learned positions.

    Dosovitskiy et al. 2020, https://arxiv.org/abs/2010.11929, with lines for patches. The head
    reads a class token or the mean of the lines (`vit_pooling`).
    """

    def __init__(self, config: ScanlineConfig, info: DataInfo, size: Size) -> None:
        super().__init__()
        lines, pixels = info.sample_shape
        dim = size.width
        self.line_norm = config.line_norm
        self.encoder = make_line_encoder(config.line_encoder, pixels, dim)
        self.positions = nn.Parameter(torch.randn(1, lines, dim) * 0.02)
        first = torch.randn(1, 1, dim) * 0.02 if config.vit_pooling == "cls" else None
        self.first = None if first is None else nn.Parameter(first)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            TransformerBlock(dim, size.hidden, config.dropout)
            for _ in range(max(config.n_layers, 1))
        )
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, info.classes_for("vit"))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits (B, classes) of scans (B, lines, pixels) of at most as many lines as trained."""
        there, places = scanned(x, mask), self.positions.shape[1]
        if there[:, places:].any():
            raise CvkanError(
                f"this transformer has places for {places} lines",
                seen=x.shape[1],
                do="Give it the first lines, or train one on scans as long as these.",
            )
        x, there = x[:, :places], there[:, :places]  # what is left out has no say
        tokens = self.encoder(prepared(x, there, norm=self.line_norm))
        tokens = tokens + self.positions[:, : x.shape[1]]
        if self.first is not None:
            tokens = torch.cat((self.first.expand(len(x), -1, -1), tokens), dim=1)
            there = F.pad(there, (1, 0), value=True)
        tokens = self.dropout(tokens)
        allowed = there[:, None, None, :]
        for block in self.blocks:
            tokens = block(tokens, allowed)
        logits: Tensor = self.head(self._pooled(self.norm(tokens), there))
        return logits

    def _pooled(self, tokens: Tensor, there: Tensor) -> Tensor:
        if self.first is not None:
            return tokens[:, 0]
        return masked_mean(tokens, there)


class Lrcn(nn.Module):
    """A small VGG on windows of 20 lines, and an LSTM over the windows.

    After Gordon et al. 2019, https://arxiv.org/abs/1907.13401: convolutions 3 x 3 of 32, 64 and
    128 channels (here `width`, twice that and `hidden`), a halving behind each; an LSTM of 256
    (8 times `width`).
    A window begins every fourth line; one that is not full counts only where it is the first.
    Group instead of batch normalisation, so that padding has no say in training either.
    """

    def __init__(self, config: ScanlineConfig, info: DataInfo, size: Size) -> None:
        super().__init__()
        self.line_norm = config.line_norm
        layers: list[nn.Module] = []
        channels = 1
        for width in (size.width, 2 * size.width, size.hidden):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.GroupNorm(1, width)]
            layers += [nn.ReLU(inplace=True), nn.MaxPool2d(2, ceil_mode=True)]
            channels = width
        self.features = nn.Sequential(*layers)
        self.lstm = nn.LSTM(channels, 8 * size.width, batch_first=True)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(8 * size.width, info.classes_for("lrcn"))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits (B, classes) of scans (B, lines, pixels)."""
        there = scanned(x, mask)
        lines = prepared(x, there, norm=self.line_norm)
        lines = F.pad(lines, (0, 0, 0, max(WINDOW - x.shape[1], 0)))
        windows = lines.unfold(1, WINDOW, STRIDE).transpose(2, 3)  # (B, W, WINDOW, pixels)
        seen = self.features(windows.flatten(0, 1).unsqueeze(1)).mean((2, 3))
        states, _ = self.lstm(seen.unflatten(0, windows.shape[:2]))
        # the last window that ends within the lines scanned; later ones cannot change its state
        ends = (torch.arange(1, x.shape[1] + 1, device=x.device) * there).amax(1)
        last = (ends - WINDOW).div(STRIDE, rounding_mode="floor").clamp(min=0)
        chosen = states[torch.arange(len(x), device=x.device), last]
        logits: Tensor = self.head(self.dropout(chosen))
        return logits


VIT = Baseline(LineTransformer, Size(64, 256), step=HEADS)
LRCN = Baseline(Lrcn, Size(32, 128))
