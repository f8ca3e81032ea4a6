"""Text: one token a word."""

from __future__ import annotations

import torch
from torch import Tensor

from cvkan.config import TextConfig
from cvkan.errors import CvkanError
from cvkan.info import DataInfo
from cvkan.layers.positions import make_positions
from cvkan.layers.words import PartsHead, TurningWords, word_vectors
from cvkan.models.base import Classifier
from cvkan.models.makers import Kan
from cvkan.polar import Polar

PADDING = 0


class TextModel(Classifier):
    """Classifies sentences (B, words) of word numbers, 0 where there is no word."""

    def __init__(self, config: TextConfig, info: DataInfo) -> None:
        super().__init__(config, info, n_tokens=info.sample_shape[0])
        self.embedding = word_vectors(vocabulary_of(info), 2 * config.d_complex)
        self.turning = (
            TurningWords(config.d_complex, config.reach) if config.composition == "turn" else None
        )
        self.positions = make_positions(
            config.positions, config.d_complex, n_tokens=info.sample_shape[0]
        )
        if config.readout == "parts" and info.n_classes is not None:
            self.head = PartsHead(self.pool.width, info.n_classes, dropout=config.dropout)

    def embed(self, x: Tensor, mask: Tensor | None = None) -> Polar:
        words = Polar.from_features(self.embedding(x)).masked(mask)
        if self.turning is not None:
            words = self.turning(words)
        tokens: Polar = self.positions(words)
        return tokens

    def token_mask(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return real_words(x, mask)[1]

    def pooled(self, x: Tensor, mask: Tensor | None = None) -> Polar:
        return super().pooled(*real_words(x, mask))

    @torch.no_grad()
    def trace(self, x: Tensor, mask: Tensor | None = None) -> list[Polar]:
        """The tokens after the embedding and each layer, of as many words as the longest has."""
        return super().trace(*real_words(x, mask))


def real_words(x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Sentences (B, words) and where they have words, both cut after the last word of any.

    A word is real where its number is not 0 and the mask, if given, is true.
    """
    real = x != PADDING
    if mask is not None:
        real = real & mask
    places = torch.arange(1, x.shape[1] + 1, device=x.device)
    longest = max(int((real.any(0) * places).max()), 1)
    return x[:, :longest], real[:, :longest]


def vocabulary_of(info: DataInfo) -> int:
    """How many word numbers there are; CvkanError for data that is no text."""
    if info.vocabulary is None:
        raise CvkanError(
            "models of text need to know how many words there are",
            seen=info.name,
            do="Set vocabulary in its DataInfo.",
        )
    return info.vocabulary


KAN = Kan(TextModel)
