"""Scans of STM tips: simulated (embedded), or real ones from an .npz file.

A scan is (lines, pixels). A line that was not scanned is NaN; models leave such lines out.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from cvkan.config import ScanlineConfig
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
from cvkan.data.tips import CLASSES, labels_of, simulate
from cvkan.errors import ConfigError, DataError
from cvkan.info import DataInfo

_HELD_OUT = 0.15  # of the real scans for validation, and again for the test
_ARRAYS = 2  # axes of scans side by side, and of one-hot labels


def load(config: ScanlineConfig) -> Splits:
    """Scans (lines, pixels) in the unit of their source; `simulated_tips` or `stm_tips`."""
    splits = _simulated(config) if config.dataset == "simulated_tips" else _real(config)
    lines = splits.info.sample_shape[0]
    if config.min_lines is not None and config.min_lines > lines:
        raise ConfigError(
            f"a scan has only {lines} lines", seen=config.min_lines, do="Lower min_lines."
        )
    return splits


def augmented(inputs: Tensor, config: ScanlineConfig, generator: torch.Generator) -> Tensor:
    """Training scans (B, lines, pixels), changed as `config` asks; lines taken away are NaN.

    A scan is never turned upside down: lines are in the order of time, and the first one says
    which state it shows.
    """
    batch, lines = inputs.shape[:2]
    device = inputs.device

    def random(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator).to(device)

    if config.flip:
        inputs = torch.where(random(batch, 1, 1) < 0.5, inputs.flip(-1), inputs)
    if config.added_noise:
        size = config.added_noise * inputs.flatten(1).std(1)[:, None, None]
        inputs = inputs + size * torch.randn(inputs.shape, generator=generator).to(device)
    if config.line_dropout:
        inputs = _without(inputs, random(batch, lines) < config.line_dropout)
    if config.min_lines is not None:
        ends = torch.randint(config.min_lines, lines + 1, (batch, 1), generator=generator)
        inputs = _without(inputs, torch.arange(lines, device=device) >= ends.to(device))
    return inputs


def _without(inputs: Tensor, lost: Tensor) -> Tensor:
    """NaN in the lines `lost` (B, lines); the first one stays, or nothing might be left."""
    lost = torch.cat((torch.zeros_like(lost[:, :1]), lost[:, 1:]), dim=1)
    return inputs.masked_fill(lost[..., None], float("nan"))


def _simulated(config: ScanlineConfig) -> Splits:
    """Each split is simulated from its own random stream."""
    sizes = (config.train_size or 1200, config.validation_size or 400, config.test_size or 400)
    scans, labels = [], []
    for purpose, size in enumerate(sizes):
        rng = stream(config.data_seed, purpose)
        labels.append(labels_of(size, rng))
        scans.append(
            simulate(
                labels[-1],
                rng,
                lines=config.lines,
                pixels=config.pixels,
                noise=config.noise,
                tip_changes=config.tip_changes,
            )
        )
    info = _info("simulated_tips", "Simulated tips", (config.lines, config.pixels), CLASSES)
    splits = (_split(*pair) for pair in zip(scans, labels, strict=True))
    return Splits.of(splits, info, generated_source("simulated_tips", *scans))


def _real(config: ScanlineConfig) -> Splits:
    """70, 15 and 15% of the scans, or as many as asked for, with equal shares of the classes."""
    path = DATASETS["stm_tips"].require()
    scans, labels = read_tips(path)
    held_out = round(_HELD_OUT * len(labels))
    parts = stratified(
        labels, (len(labels) - 2 * held_out, held_out, held_out), stream(config.data_seed, 0)
    )
    wanted = (config.train_size, config.validation_size, config.test_size)
    chosen = [part[balanced_first(labels[part], n)] for part, n in zip(parts, wanted, strict=True)]
    n_classes = int(labels.max()) + 1
    names = CLASSES if n_classes == len(CLASSES) else tuple(f"state {k}" for k in range(n_classes))
    info = _info("stm_tips", "STM tips", scans.shape[1:], names)
    splits = (_split(scans[index], labels[index]) for index in chosen)
    return Splits.of(splits, info, Source("stm_tips", path, folders.sha256(path)))


def read_tips(path: Path) -> tuple[npt.NDArray[np.float32], IntArray]:
    """Scans (n, lines, pixels) and labels (n,) of an .npz file in either of two forms.

    `images` (n, lines, pixels) with `labels` (n,); or `x_raw` (lines, pixels * n), scans side by
    side, with `y` one-hot for every line of every scan, (lines * n, classes) or its transpose:
    a scan has the label of its first line, and all its lines must agree.
    """
    with np.load(path) as arrays:
        if {"images", "labels"} <= set(arrays.files):
            scans, labels = arrays["images"], arrays["labels"]
        elif {"x_raw", "y"} <= set(arrays.files):
            scans, labels = _side_by_side(arrays["x_raw"], arrays["y"])
        else:
            raise DataError(
                f"{path.name} has not the arrays of scans",
                seen=arrays.files,
                do="It needs images and labels, or x_raw and y.",
            )
    scans = scans.astype(np.float32)
    if scans.ndim != 3 or labels.shape != scans.shape[:1] or not np.isfinite(scans).all():
        raise DataError(
            f"{path.name} needs finite images (n, lines, pixels) and labels (n,)",
            seen=(scans.shape, labels.shape),
            do="Write the file again.",
        )
    return scans, labels.astype(np.int64)


def _side_by_side(
    raw: npt.NDArray[np.floating], one_hot: npt.NDArray[np.generic]
) -> tuple[npt.NDArray[np.floating], IntArray]:
    """Square scans from one wide array, and their labels."""
    if raw.ndim != _ARRAYS or raw.shape[1] % raw.shape[0]:
        raise DataError(
            "x_raw must be square scans side by side",
            seen=raw.shape,
            do="Write (lines, lines * scans).",
        )
    lines = raw.shape[0]
    scans = raw.reshape(lines, -1, lines).swapaxes(0, 1)
    return scans, labels_of_lines(one_hot, lines)


def labels_of_lines(one_hot: npt.NDArray[np.generic], lines: int) -> IntArray:
    """Labels (n,) from one-hot rows or columns, one for each of `lines` lines of n scans."""
    if one_hot.ndim == _ARRAYS and one_hot.shape[0] < one_hot.shape[1]:
        one_hot = one_hot.T  # classes are fewer than lines
    if one_hot.ndim != _ARRAYS or len(one_hot) % lines or not (one_hot.sum(axis=1) == 1).all():
        raise DataError(
            f"labels must be one-hot, one for each of the {lines} lines of every scan",
            seen=one_hot.shape,
            do="Write (lines * scans, classes) with a single 1 in every row.",
        )
    each = one_hot.argmax(axis=1).reshape(-1, lines)
    mixed = np.flatnonzero((each != each[:, :1]).any(axis=1))
    if len(mixed):
        raise DataError(
            "lines of one scan have different labels, first in scan",
            seen=int(mixed[0]),
            do="Leave such scans out, or give every line the label of the first.",
        )
    first: IntArray = each[:, 0].astype(np.int64)
    return first


def _info(name: str, title: str, shape: tuple[int, ...], classes: tuple[str, ...]) -> DataInfo:
    return DataInfo(name, "scanline", shape, title, len(classes), classes)


def _split(scans: npt.NDArray[np.float32], labels: IntArray) -> Split:
    return Split(torch.from_numpy(scans), torch.from_numpy(labels))
