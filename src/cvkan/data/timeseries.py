"""Multivariate hourly series cut into windows: generated cycles (embedded) and ETTh1."""

from __future__ import annotations

import itertools
import math

import numpy as np
import numpy.typing as npt
import torch

from cvkan.config import TimeSeriesConfig
from cvkan.data import folders
from cvkan.data.registry import DATASETS
from cvkan.data.splits import Source, Split, Splits, evenly_spaced, generated_source, stream
from cvkan.errors import DataError
from cvkan.info import DataInfo

Float = npt.NDArray[np.float64]

_DAY, _WEEK = 24, 168  # hours
# 12, 4 and 4 months of 30 days, as in the literature (Zhou et al. 2021, arXiv:2012.07436)
_ETT_BORDERS = (0, 8640, 11520, 14400)
_CYCLES_BORDERS = (0, 2880, 3840, 4800)  # 120, 40 and 40 days
_CYCLES_SIZES = (600, 200, 200)  # windows, unless asked otherwise: a pilot takes seconds
_CHANNELS = 7


def load(config: TimeSeriesConfig) -> Splits:
    """Windows of (lookback, channels) and the (horizon, channels) after them.

    Channels are standardised by the training rows. Targets of the three splits share no row;
    the first inputs of validation and test reach back into the rows before them, as usual.
    """
    sizes: tuple[int | None, ...] = (config.train_size, config.validation_size, config.test_size)
    if config.dataset == "cycles":
        sizes = tuple(size or usual for size, usual in zip(sizes, _CYCLES_SIZES, strict=True))
        rows = _cycles(_CYCLES_BORDERS[-1], stream(config.data_seed, 0))
        source, borders, title = generated_source("cycles", rows), _CYCLES_BORDERS, "Cycles"
        names = tuple(f"series {number}" for number in range(1, _CHANNELS + 1))
    else:
        path = DATASETS["etth1"].require()
        names, rows = _read_csv(path.read_text(encoding="utf-8"))
        source = Source("etth1", path, folders.sha256(path))
        borders, title = _ETT_BORDERS, "ETTh1"
    rows = (rows - rows[: borders[1]].mean(axis=0)) / rows[: borders[1]].std(axis=0)
    series = torch.from_numpy(rows.astype(np.float32))
    splits = [
        _windows(series, max(0, start - config.lookback), stop, config, size)
        for start, stop, size in zip(borders[:-1], borders[1:], sizes, strict=True)
    ]
    shape = (config.lookback, rows.shape[1])
    info = DataInfo(config.dataset, "timeseries", shape, title, None, names, config.horizon, None)
    return Splits.of(splits, info, source)


def _windows(
    series: torch.Tensor, start: int, stop: int, config: TimeSeriesConfig, size: int | None
) -> Split:
    """All windows inside the rows [start, stop), or `size` of them spread evenly."""
    length = config.lookback + config.horizon
    if stop - start < length:
        raise DataError(
            f"a window is longer than the {stop - start} hours of a split",
            seen=length,
            do="Lower lookback or horizon.",
        )
    windows = series[start:stop].unfold(0, length, 1).transpose(1, 2)  # a view: no copies yet
    windows = windows[torch.from_numpy(evenly_spaced(len(windows), size))]
    return Split(windows[:, : config.lookback], windows[:, config.lookback :])


def _read_csv(text: str) -> tuple[tuple[str, ...], Float]:
    head, *lines = text.splitlines()
    rows = np.array([line.split(",")[1:] for line in lines], dtype=np.float64)  # less the date
    return tuple(head.split(",")[1:]), rows


def _cycles(length: int, rng: np.random.Generator) -> Float:
    """Series (length, 7): a daily and a weekly cycle each, slow drift and noise that persists.

    The cycles' shapes (three harmonics a day, two a week) and sizes differ by series; the noise
    is autoregressive, the drift a random walk, both partly shared between series.
    """
    hours = np.arange(length)[:, None]
    rows: Float = np.zeros((length, _CHANNELS))
    for period, harmonics, size in ((_DAY, 3, 1.0), (_WEEK, 2, 0.5)):
        for k in range(1, harmonics + 1):
            strength = size * rng.uniform(0.4, 1.0, _CHANNELS) / k
            offset = rng.uniform(0, 2 * np.pi, _CHANNELS)
            rows += strength * np.sin(2 * np.pi * k * hours / period + offset)
    shocks = _mixed(rng.standard_normal((length, _CHANNELS)), rng)
    rows += 0.3 * _autoregressive(shocks, 0.8)
    steps = _mixed(rng.standard_normal((length, _CHANNELS)), rng)
    return rows + 0.6 * _autoregressive(steps, 0.998)


def _mixed(values: Float, rng: np.random.Generator) -> Float:
    """Half of the variance comes from one series common to all."""
    common = rng.standard_normal((len(values), 1))
    return math.sqrt(0.5) * (values + common)


def _autoregressive(shocks: Float, memory: float) -> Float:
    """An autoregressive process of unit variance: x_t = memory x_(t-1) + shock."""
    values: Float = shocks * np.sqrt(1 - memory**2)
    for before, now in itertools.pairwise(values):  # scipy.signal.lfilter, but for its slow import
        now += memory * before
    return values
