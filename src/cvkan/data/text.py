"""Sentences as word numbers: generated opinions (embedded), and the film reviews of SST-2.

0 is padding, 1 every word that the training split does not know, 2 and up the words it knows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from cvkan.config import TextConfig
from cvkan.data import folders
from cvkan.data.opinions import Sentence, draw_opinions
from cvkan.data.registry import DATASETS
from cvkan.data.splits import (
    IntArray,
    Source,
    Split,
    Splits,
    balanced_first,
    generated_source,
    stream,
)
from cvkan.errors import DataError
from cvkan.info import DataInfo

PADDING, UNKNOWN = 0, 1
CLASSES = ("negative", "positive")
_FILES = ("train.tsv", "dev.tsv", "test.tsv")


@dataclass(frozen=True)
class Vocabulary:
    """The words of a training split; `words[i]` is number i."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, sentences: Iterable[Sentence], *, min_count: int = 1) -> Self:
        """The words that occur at least `min_count` times, the most frequent first."""
        counts = Counter(word for sentence in sentences for word in sentence)
        kept = [word for word, count in counts.items() if count >= min_count]
        return cls(("<padding>", "<unknown>", *sorted(kept, key=lambda w: (-counts[w], w))))

    def encode(self, sentences: Sequence[Sentence], max_words: int) -> IntArray:
        """Word numbers (sentences, max_words); longer sentences lose their end."""
        numbers = {word: number for number, word in enumerate(self.words)}
        ids = np.full((len(sentences), max_words), PADDING, dtype=np.int64)
        for row, sentence in zip(ids, sentences, strict=True):
            read = sentence[:max_words]
            row[: len(read)] = [numbers.get(word, UNKNOWN) for word in read]
        return ids

    def decode(self, ids: Iterable[int]) -> Sentence:
        """The words of one row of numbers, without padding."""
        return tuple(self.words[number] for number in ids if number != PADDING)


@dataclass(frozen=True)
class _Corpus:
    """The sentences and labels of the three splits, and where they come from."""

    sentences: tuple[Sequence[Sentence], ...]
    labels: tuple[IntArray, ...]
    source: Source
    title: str


def load(config: TextConfig) -> Splits:
    """Word numbers (max_words,) int64, filled up with 0."""
    corpus = _corpus(config)
    words = _vocabulary(corpus, config)
    info = DataInfo(
        config.dataset,
        "text",
        (config.max_words,),
        corpus.title,
        len(CLASSES),
        CLASSES,
        vocabulary=len(words.words),
    )
    splits = (
        Split(torch.from_numpy(words.encode(part, config.max_words)), torch.from_numpy(labels))
        for part, labels in zip(corpus.sentences, corpus.labels, strict=True)
    )
    return Splits.of(splits, info, corpus.source)


def augmented(inputs: Tensor, config: TextConfig, generator: torch.Generator) -> Tensor:
    """Training sentences in which `word_dropout` of the words are unknown.

    It is also how the vector of unknown words learns what to expect of one.
    """
    if not config.word_dropout:
        return inputs
    dropped = torch.rand(inputs.shape, generator=generator) < config.word_dropout
    return inputs.masked_fill(dropped.to(inputs.device) & (inputs != PADDING), UNKNOWN)


def vocabulary(config: TextConfig) -> Vocabulary:
    """The words behind the numbers that `load` gives."""
    return _vocabulary(_corpus(config), config)


def _vocabulary(corpus: _Corpus, config: TextConfig) -> Vocabulary:
    return Vocabulary.of(corpus.sentences[0], min_count=config.min_count)


def _corpus(config: TextConfig) -> _Corpus:
    return _opinions(config) if config.dataset == "opinions" else _sst2(config)


def _opinions(config: TextConfig) -> _Corpus:
    """Each split is written from its own random stream."""
    sizes = (config.train_size or 3000, config.validation_size or 500, config.test_size or 500)
    drawn = [
        draw_opinions(size, purpose, stream(config.data_seed, purpose))
        for purpose, size in enumerate(sizes)
    ]
    text = "\n".join(" ".join(sentence) for sentences, _ in drawn for sentence in sentences)
    source = generated_source("opinions", np.frombuffer(text.encode(), dtype=np.uint8))
    labels = tuple(np.asarray(labels, dtype=np.int64) for _, labels in drawn)
    return _Corpus(tuple(sentences for sentences, _ in drawn), labels, source, "Opinions")


def _sst2(config: TextConfig) -> _Corpus:
    """The official splits; a size takes the first sentences that keep the classes' shares."""
    path = DATASETS["sst2"].require()
    sizes = (config.train_size, config.validation_size, config.test_size)
    parts = [_read(path / name, size) for name, size in zip(_FILES, sizes, strict=True)]
    source = Source("sst2", path, folders.sha256(path, _FILES))
    sentences, labels = zip(*parts, strict=True)
    return _Corpus(sentences, labels, source, "Film reviews (SST-2)")


def _read(path: Path, size: int | None) -> tuple[list[Sentence], IntArray]:
    if not path.is_file():
        raise DataError(
            f"{path.parent} lacks one of the files {', '.join(_FILES)}",
            seen=path.name,
            do="Use the files of the official binary sentence splits.",
        )
    sentences, labels = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text, tab, label = line.rpartition("\t")
        if not tab or label not in ("0", "1"):
            raise DataError(
                f"line {number} of {path.name} is no sentence, tab and label 0 or 1",
                seen=line,
                do="Use the files of the official binary sentence splits.",
            )
        sentences.append(tuple(text.split()))
        labels.append(int(label))
    chosen = balanced_first(labels, size)
    return [sentences[i] for i in chosen], np.asarray(labels, dtype=np.int64)[chosen]
