"""What all models share: samples become tokens, tokens interact, are pooled, and answer."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from cvkan.config import ModelConfig
from cvkan.info import DataInfo
from cvkan.layers.aggregation import Grid
from cvkan.layers.heads import ClassificationHead
from cvkan.layers.pooling import make_pooling
from cvkan.models.backbone import Backbone
from cvkan.polar import Polar


class TokenModel(nn.Module, ABC):
    """Embedding (a subclass's), backbone and pooling; a subclass adds the head."""

    def __init__(self, config: ModelConfig, *, n_tokens: int, grid: Grid | None = None) -> None:
        super().__init__()
        self.backbone = Backbone(config, n_tokens=n_tokens, grid=grid)
        self.pool = make_pooling(config.pooling, config.d_complex)

    @abstractmethod
    def embed(self, x: Tensor, mask: Tensor | None) -> Polar:
        """A batch of samples as tokens (B, N, D)."""

    def token_mask(self, x: Tensor, mask: Tensor | None = None) -> Tensor | None:
        """Which tokens of `trace` are real, (B, N); None where all of them are.

        Samples may say so themselves, or a mask that is finer than tokens.
        """
        return mask

    def pooled(self, x: Tensor, mask: Tensor | None = None) -> Polar:
        """The one complex vector (B, pool.width) that the head sees."""
        real = self.token_mask(x, mask)
        tokens = self.embed(x, mask).masked(real)
        vector: Polar = self.pool(self.backbone(tokens, real), real)
        return vector

    @torch.no_grad()
    def trace(self, x: Tensor, mask: Tensor | None = None) -> list[Polar]:
        """The tokens (B, N, D) after the embedding and after each layer, for pictures."""
        real = self.token_mask(x, mask)
        tokens = self.embed(x, mask).masked(real)
        return [state.detach() for state in self.backbone.states(tokens, real)]


class Classifier(TokenModel):
    """A token model that ends in logits (B, classes)."""

    def __init__(
        self, config: ModelConfig, info: DataInfo, *, n_tokens: int, grid: Grid | None = None
    ) -> None:
        super().__init__(config, n_tokens=n_tokens, grid=grid)
        self.head: nn.Module = ClassificationHead(
            self.pool.width,
            info.classes_for(f"{info.domain} model"),
            hidden=2 * config.kan_hidden,
            dropout=config.dropout,
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        logits: Tensor = self.head(self.pooled(x, mask))
        return logits
