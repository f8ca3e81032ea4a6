"""Classifiers of word numbers (B, words): what a model of text has to beat.

All of them read real words only, as cvkan does: padding never changes an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from cvkan.baselines.matching import count_parameters, shape_only
from cvkan.baselines.sequences import gathered, masked_mean
from cvkan.config import TextConfig
from cvkan.errors import CvkanError
from cvkan.info import DataInfo
from cvkan.layers.words import word_vectors
from cvkan.models.makers import TOLERANCE, Baseline, Size
from cvkan.models.text import real_words, vocabulary_of

HEADS = 4
WIDTHS = (3, 4, 5)  # words that a filter of textcnn sees


class BagOfWords(nn.Module):
    """A linear layer on the mean of the words' vectors: blind to their order."""

    def __init__(self, config: TextConfig, info: DataInfo, width: int) -> None:
        super().__init__()
        self.embedding = word_vectors(vocabulary_of(info), width)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(width, info.classes_for("bag of words"))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits (B, classes); mask (B, words) is true where a word is real."""
        x, mask = real_words(x, mask)
        logits: Tensor = self.head(self.dropout(masked_mean(self.embedding(x), mask)))
        return logits


class TextCNN(nn.Module):
    """Filters over 3, 4 and 5 words, the largest answer of each.

    Kim 2014, https://arxiv.org/abs/1408.5882, with one randomly initialised channel.
    """

    def __init__(self, config: TextConfig, info: DataInfo, size: Size) -> None:
        super().__init__()
        self.embedding = word_vectors(vocabulary_of(info), size.width)
        self.filters = nn.ModuleList(
            nn.Conv1d(size.width, size.hidden, width, padding=width - 1) for width in WIDTHS
        )
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(len(WIDTHS) * size.hidden, info.classes_for("textcnn"))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits (B, classes); mask (B, words) is true where a word is real."""
        x, mask = real_words(x, mask)
        words = (self.embedding(x) * mask.unsqueeze(-1)).transpose(1, 2)
        best = torch.cat([self._best(part, words, mask) for part in self.filters], dim=-1)
        logits: Tensor = self.head(self.dropout(best))
        return logits

    def _best(self, convolution: nn.Module, words: Tensor, mask: Tensor) -> Tensor:
        """A filter's largest answer, at least 0, among the windows that hold a real word."""
        answers = convolution(words).relu()  # (B, filters, words + width - 1)
        reach = answers.shape[-1] - mask.shape[-1]
        holds = F.max_pool1d(F.pad(mask.float(), (reach, reach)), reach + 1, stride=1)
        largest: Tensor = (answers * holds.unsqueeze(1)).amax(-1)
        return largest


class BiLSTM(nn.Module):
    """An LSTM in each direction, the mean over words of both, a perceptron."""

    def __init__(self, config: TextConfig, info: DataInfo, size: Size) -> None:
        super().__init__()
        width = size.width
        self.embedding = word_vectors(vocabulary_of(info), width)
        self.lstm = nn.LSTM(width, width, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Sequential(
            nn.Linear(2 * width, size.hidden),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(size.hidden, info.classes_for("lstm")),
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits (B, classes); mask (B, words) is true where a word is real."""
        x, mask = gathered(*real_words(x, mask))
        words = self.dropout(self.embedding(x))
        lengths = mask.sum(1).clamp(min=1).cpu()
        packed = pack_padded_sequence(words, lengths, batch_first=True, enforce_sorted=False)
        read, _ = pad_packed_sequence(
            self.lstm(packed)[0], batch_first=True, total_length=x.shape[1]
        )
        logits: Tensor = self.head(self.dropout(masked_mean(read, mask)))
        return logits


class TextTransformer(nn.Module):
    """Pre-norm encoder layers on vectors with sinusoidal positions, the mean over words.

    Vaswani et al. 2017, https://arxiv.org/abs/1706.03762; norms first as in Xiong et al. 2020,
    https://arxiv.org/abs/2002.04745.
    """

    def __init__(self, config: TextConfig, info: DataInfo, size: Size) -> None:
        super().__init__()
        width = size.width
        self.embedding = word_vectors(vocabulary_of(info), width)
        self.register_buffer("places", _sinusoids(info.sample_shape[0], width), persistent=False)
        self.places: Tensor
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width,
                HEADS,
                size.hidden,
                dropout=config.dropout,
                activation="gelu",
                batch_first=True,
                norm_first=True,
            )
            for _ in range(max(config.n_layers, 1))
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, info.classes_for("transformer"))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits (B, classes); mask (B, words) is true where a word is real."""
        x, mask = real_words(x, mask)
        if x.shape[1] > len(self.places):
            raise CvkanError(
                f"this transformer has places for {len(self.places)} words",
                seen=x.shape[1],
                do="Raise max_words.",
            )
        # as large as the places, which would drown vectors that begin small
        words = self.embedding(x) * self.embedding.embedding_dim**0.5
        tokens = self.dropout(words + self.places[: x.shape[1]])
        # attention over nothing is not a number: a sentence without words looks at its padding
        hidden = ~mask & mask.any(1, keepdim=True)
        for layer in self.layers:
            tokens = layer(tokens, src_key_padding_mask=hidden)
        logits: Tensor = self.head(masked_mean(self.norm(tokens), mask))
        return logits


@dataclass(frozen=True)
class ByWidth:
    """Makes a model that grows by the width of its word vectors alone."""

    make: Callable[[Any, DataInfo, int], nn.Module]
    width: int  # where no other model is matched

    def own(self, config: Any, info: DataInfo) -> nn.Module:
        return self.make(config, info, self.width)

    def matched(self, config: Any, info: DataInfo, target: int) -> nn.Module:
        def count(width: int) -> int:
            return count_parameters(shape_only(lambda: self.make(config, info, width)))

        width = max(1 + round((target - count(1)) / (count(2) - count(1))), 1)
        if abs(count(width) - target) > TOLERANCE * target:
            raise CvkanError(
                f"no width of word vectors comes within {TOLERANCE:.0%} of {target} parameters",
                seen=count(width),
                do="Compare with a larger model (d_complex), or raise min_count.",
            )
        return self.make(config, info, width)


def _sinusoids(places: int, width: int) -> Tensor:
    speeds = 10_000.0 ** (-torch.arange(0, width, 2) / width)
    angles = torch.outer(torch.arange(float(places)), speeds)
    return torch.cat((angles.sin(), angles.cos()), dim=1)


BAG_OF_WORDS = ByWidth(BagOfWords, 64)
TEXTCNN = Baseline(TextCNN, Size(64, 64))
LSTM = Baseline(BiLSTM, Size(64, 64))
TRANSFORMER = Baseline(TextTransformer, Size(64, 256), step=HEADS)
