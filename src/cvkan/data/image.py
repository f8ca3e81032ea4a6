"""Images: scikit-learn's digits (embedded) and CIFAR-10."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from cvkan.config import ImageConfig
from cvkan.data import folders
from cvkan.data.registry import DATASETS
from cvkan.data.splits import (
    IntArray,
    Source,
    Split,
    Splits,
    balanced_first,
    generated_source,
    stratified,
    stream,
)
from cvkan.info import DataInfo

_CIFAR_CLASSES = (  # in label order
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
_CIFAR_FILES = (*(f"data_batch_{i}" for i in range(1, 6)), "batches.meta", "test_batch")


@dataclass(frozen=True)
class _Images:
    """Images of one half of a data set, channels last, and their labels."""

    pixels: npt.NDArray[np.uint8]  # (images, height, width) or (images, height, width, 3)
    labels: IntArray


def load(config: ImageConfig) -> Splits:
    """Images as (channels, height, width), normalised as `config.normalise` says."""
    return _digits(config) if config.dataset == "digits" else _cifar10(config)


def _digits(config: ImageConfig) -> Splits:
    data = _read_digits(digits_file())
    held_out = len(data.labels) * 15 // 100
    sizes = _sizes(config, len(data.labels), held_out, test=config.test_size or held_out)
    parts = stratified(data.labels, sizes, stream(config.data_seed, 0))
    info = DataInfo(
        "digits", "image", (1, 8, 8), "Digits", 10, tuple(str(digit) for digit in range(10))
    )
    source = generated_source("digits", data.pixels, data.labels)
    splits = [_split(data, index) for index in parts]
    return Splits.of(_normalised(splits, config), info, source)


def _cifar10(config: ImageConfig) -> Splits:
    path = DATASETS["cifar10"].require()
    train, test = _read_npz(path) if path.is_file() else _read_batches(path)
    total = len(train.labels)
    sizes = _sizes(config, total, total // 10, test=0)[:2]
    parts = stratified(train.labels, sizes, stream(config.data_seed, 0))
    info = DataInfo("cifar10", "image", (3, 32, 32), "CIFAR-10", 10, _CIFAR_CLASSES)
    source = Source("cifar10", path, folders.sha256(path, _CIFAR_FILES))
    splits = [_split(train, index) for index in parts]
    splits.append(_split(test, balanced_first(test.labels, config.test_size)))
    return Splits.of(_normalised(splits, config), info, source)


def digits_file() -> Path:
    """Where scikit-learn keeps its digits, without importing it; the file may be missing."""
    found = find_spec("sklearn")
    folder = Path(found.origin).parent if found and found.origin else Path()
    return folder / "datasets/data/digits.csv.gz"


def _read_digits(file: Path) -> _Images:
    if file.is_file():
        rows = np.loadtxt(file, delimiter=",")
        return _Images(
            rows[:, :-1].reshape(-1, 8, 8).astype(np.uint8), rows[:, -1].astype(np.int64)
        )
    from sklearn.datasets import load_digits  # takes a second, most of it scipy

    digits = load_digits()
    return _Images(digits.images.astype(np.uint8), digits.target.astype(np.int64))


def _sizes(config: ImageConfig, total: int, held_out: int, *, test: int) -> tuple[int, int, int]:
    validation = config.validation_size or held_out
    return config.train_size or total - validation - test, validation, test


def _read_npz(path: Path) -> tuple[_Images, _Images]:
    with np.load(path) as arrays:
        return (
            _Images(arrays["x_train"], arrays["y_train"].astype(np.int64)),
            _Images(arrays["x_test"], arrays["y_test"].astype(np.int64)),
        )


def _read_batches(path: Path) -> tuple[_Images, _Images]:
    from torchvision.datasets import CIFAR10

    halves: list[Any] = [CIFAR10(path.parent, train=train) for train in (True, False)]
    train, test = (_Images(half.data, np.asarray(half.targets)) for half in halves)
    return train, test


def _split(data: _Images, index: IntArray) -> Split:
    pixels = data.pixels[index]
    if pixels.ndim == 3:  # grey: the one plane gets its axis
        pixels = pixels[..., None]
    planes = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    return Split(torch.from_numpy(planes), torch.from_numpy(data.labels[index]))


def _normalised(splits: list[Split], config: ImageConfig) -> list[Split]:
    if config.normalise == "image":  # as float32: every image has its own mean and deviation
        return [replace(split, inputs=_standardised(split.inputs)) for split in splits]
    if config.normalise == "none":
        center, scale = None, splits[0].inputs.max().float()
    else:
        center, scale = _channel_moments(splits[0].inputs)
    return [replace(split, center=center, scale=scale) for split in splits]


def _standardised(images: Tensor) -> Tensor:
    values = images.float()
    spread, mean = torch.std_mean(values, dim=(1, 2, 3), keepdim=True, correction=0)
    return (values - mean) / spread.clamp(min=1.0)  # an even image stays even


def _channel_moments(images: Tensor) -> tuple[Tensor, Tensor]:
    values = images.double()
    center = values.mean(dim=(0, 2, 3), keepdim=True)
    scale = values.std(dim=(0, 2, 3), keepdim=True, correction=0)
    return center.float(), scale.float()
