"""Samples as tensors, and how they are divided."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from cvkan.errors import DataError
from cvkan.info import DataInfo

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Source:
    """Where data came from: what a run records as its fingerprint."""

    name: str
    path: Path | None  # None: generated, or part of a library
    sha256: str


@dataclass(frozen=True)
class Split:
    """Samples and targets; indexing with a tensor or slice gives a batch ready for a model.

    Inputs may be stored in a small integer type: a batch is `(inputs - center) / scale` in
    float32, so that a data set of bytes takes bytes. Inputs of int64 are numbers of words: they
    stay as they are.
    """

    inputs: Tensor  # (samples, ...)
    targets: Tensor  # (samples,) int64 classes, or (samples, horizon, channels) float32
    center: Tensor | None = None  # broadcasts against a batch of inputs
    scale: Tensor | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: Tensor | slice) -> tuple[Tensor, Tensor]:
        if self.inputs.dtype == torch.int64:
            return self.inputs[index], self.targets[index]
        batch = self.inputs[index].to(torch.float32)
        if self.center is not None:
            batch = batch - self.center
        if self.scale is not None:
            batch = batch / self.scale
        return batch, self.targets[index]

    def take(self, index: Tensor | IntArray) -> Split:
        """The samples at `index`, in that order."""
        index = torch.as_tensor(index)
        return replace(self, inputs=self.inputs[index], targets=self.targets[index])

    def to(self, device: torch.device) -> Split:
        """The same samples on another device."""
        center, scale = (None if t is None else t.to(device) for t in (self.center, self.scale))
        return Split(self.inputs.to(device), self.targets.to(device), center, scale)


@dataclass(frozen=True)
class Splits:
    """Three sets without a common sample; training sees `train`, decisions see `validation`."""

    train: Split
    validation: Split
    test: Split  # for the one evaluation at the end
    info: DataInfo
    sources: tuple[Source, ...]

    @classmethod
    def of(cls, parts: Iterable[Split], info: DataInfo, *sources: Source) -> Splits:
        """From the three parts in the order train, validation, test."""
        train, validation, test = parts
        return cls(train, validation, test, info, sources)


def stratified(
    labels: npt.ArrayLike, sizes: Sequence[int], rng: np.random.Generator
) -> list[IntArray]:
    """Disjoint index sets of the given sizes, in each of which classes keep their shares.

    Every class is shuffled and dealt out evenly along one common order, so any stretch of that
    order holds each class within one sample of its share. Each set is sorted.
    """
    labels = np.asarray(labels)
    _check(sum(sizes), len(labels))
    position = np.empty(len(labels))
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        # a random offset per class keeps short stretches from favouring the same classes
        position[members] = (np.arange(len(members)) + rng.random()) / len(members)
    order = np.argsort(position, kind="stable")
    bounds = np.cumsum([0, *sizes])
    return [np.sort(order[start:stop]) for start, stop in itertools.pairwise(bounds)]


def balanced_first(labels: npt.ArrayLike, size: int | None) -> IntArray:
    """Indices of the first `size` samples that keep the classes' shares; None keeps all."""
    labels = np.asarray(labels)
    if size is None:
        return np.arange(len(labels))
    _check(size, len(labels))
    position = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        position[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.sort(np.argsort(position, kind="stable")[:size])


def evenly_spaced(count: int, size: int | None) -> IntArray:
    """`size` indices spread evenly over `count`, both ends included; None keeps all."""
    if size is None:
        return np.arange(count)
    _check(size, count)
    return np.linspace(0, count - 1, size).round().astype(np.int64)


def stream(seed: int, purpose: int) -> np.random.Generator:
    """An independent random stream for one purpose of one seed; no two pairs share numbers."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(purpose,)))


def _check(asked: int, count: int) -> None:
    if asked > count:
        raise DataError(
            f"more samples asked for than the {count} there are",
            seen=asked,
            do="Lower train_size, validation_size or test_size.",
        )


def generated_source(name: str, *arrays: npt.NDArray[Any]) -> Source:
    """The source of data without a file: the digest of the values themselves."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return Source(name, None, digest.hexdigest())
