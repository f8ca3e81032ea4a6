"""Scans: one token a line."""

from __future__ import annotations

import torch
from torch import Tensor

from cvkan.config import ScanlineConfig
from cvkan.errors import CvkanError
from cvkan.info import DataInfo
from cvkan.layers.line_encoder import make_line_encoder, prepared, scanned
from cvkan.layers.positions import make_positions
from cvkan.models.base import Classifier
from cvkan.models.makers import Kan
from cvkan.polar import Polar

SCAN_AXES = 3


class ScanlineModel(Classifier):
    """Classifies scans (B, lines, pixels) of any number of lines; lines with a NaN are left out.

    Lines that a mask (B, lines) rules out are left out as well. What is left out has no say in
    the result, and neither has the number of lines that do.
    """

    def __init__(self, config: ScanlineConfig, info: DataInfo) -> None:
        lines, self.pixels = info.sample_shape
        super().__init__(config, info, n_tokens=lines)
        self.line_norm = config.line_norm
        self.encoder = make_line_encoder(config.line_encoder, self.pixels, 2 * config.d_complex)
        self.positions = make_positions(config.positions, config.d_complex, n_tokens=lines)
        self.causal = config.aggregation == "causal" or config.n_layers == 0

    def embed(self, x: Tensor, mask: Tensor | None = None) -> Polar:
        if x.dim() != SCAN_AXES or x.shape[-1] != self.pixels:
            raise CvkanError(
                "scans come as (batch, lines, pixels)",
                seen=tuple(x.shape),
                do=f"This model was made for lines of {self.pixels} pixels.",
            )
        lines = prepared(x, scanned(x, mask), norm=self.line_norm)
        tokens: Polar = self.positions(Polar.from_features(self.encoder(lines)))
        return tokens

    def token_mask(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return scanned(x, mask)

    def decisions(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """The logits (B, lines, classes) after each line, as if the scan had ended with it.

        A causal model sees every line once; any other starts again for every line.
        """
        mask = scanned(x, mask)
        ends = range(1, x.shape[1] + 1)
        if not self.causal:
            return torch.stack([self(x[:, :end], mask[:, :end]) for end in ends], dim=1)
        tokens = self.backbone(self.embed(x, mask).masked(mask), mask)
        prefixes = [self.pool(tokens[:, :end], mask[:, :end]).pair for end in ends]
        logits: Tensor = self.head(Polar(torch.stack(prefixes, dim=1)))
        return logits


KAN = Kan(ScanlineModel)
