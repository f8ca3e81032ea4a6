"""Waveforms: synthesized spoken tones (embedded), spoken digits (FSDD), Speech Commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from cvkan.config import AudioConfig
from cvkan.data import folders
from cvkan.data.registry import DATASETS
from cvkan.data.spectrograms import FULL_SCALE, spectrograms, waveforms
from cvkan.data.speech import WORDS, synthesize
from cvkan.data.speech_commands import LISTS, SAMPLE_RATE, SAMPLES, recordings
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

_HEAR_WAVEFORMS = ("m5",)  # models that no spectrogram can be given to


def load(config: AudioConfig) -> Splits:
    """Waveforms (samples,) in [-1, 1), one length for all.

    Targets are classes, or for a reconstruction the waveforms themselves: those of spoken tones
    are the voice without the noise.
    """
    if config.dataset == "spoken_tones":
        return _spoken_tones(config)
    return _fsdd(config) if config.dataset == "fsdd" else _speech_commands(config)


def _spoken_tones(config: AudioConfig) -> Splits:
    """Each split is synthesized from its own random stream."""
    sizes = (config.train_size or 800, config.validation_size or 200, config.test_size or 200)
    labels = [np.arange(size) % len(WORDS) for size in sizes]
    waves = [
        synthesize(classes, stream(config.data_seed, purpose), noise=config.noise)
        for purpose, classes in enumerate(labels)
    ]
    info = DataInfo(
        "spoken_tones", "audio", waves[0].shape[1:], "Spoken tones", len(WORDS), WORDS, None, 8000
    )
    truths: Sequence[IntArray | npt.NDArray[np.int16]] = labels
    if config.task == "reconstruction":
        truths = [  # the same words from the same streams
            synthesize(classes, stream(config.data_seed, purpose), noise=0.0)
            for purpose, classes in enumerate(labels)
        ]
    splits = (_split(*pair) for pair in zip(waves, truths, strict=True))
    return Splits.of(splits, info, generated_source("spoken_tones", *waves))


def _fsdd(config: AudioConfig) -> Splits:
    """The repository's own test recordings (index < 5); validation is a tenth of the others."""
    path = DATASETS["fsdd"].require()
    with np.load(path) as arrays:
        waves, labels, is_test = arrays["x"], arrays["y"].astype(np.int64), arrays["is_test"]
    fit, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    validation = config.validation_size or len(fit) // 10
    sizes = (config.train_size or len(fit) - validation, validation)
    parts = [fit[part] for part in stratified(labels[fit], sizes, stream(config.data_seed, 0))]
    parts.append(test[balanced_first(labels[test], config.test_size)])
    names = tuple(str(digit) for digit in range(10))
    shape = waves.shape[1:]
    info = DataInfo("fsdd", "audio", shape, "Spoken digits (FSDD)", 10, names, None, 8000)
    truths = waves if config.task == "reconstruction" else labels
    splits = (_split(waves[index], truths[index]) for index in parts)
    return Splits.of(splits, info, Source("fsdd", path, folders.sha256(path)))


def _speech_commands(config: AudioConfig) -> Splits:
    """The lists that come with the data say which recordings are for validation and test.

    What `lab data precompute speech_commands` wrote is used where it fits: mapped, not read.
    """
    path = DATASETS["speech_commands"].require()
    parts = recordings(path)
    stored = waveforms().find(path, parts)
    bins = None
    if config.model not in _HEAR_WAVEFORMS:
        bins = spectrograms(config.n_fft, config.hop).find(path, parts)

    def split(name: str, size: int | None) -> Split:
        part = parts[name]
        index = None if size is None else balanced_first(part.labels, size)
        labels = part.labels if index is None else part.labels[index]
        if bins is not None and config.task == "classification":
            return Split(_rows(bins[name], index), torch.from_numpy(labels))
        waves = part.waves(index) if stored is None else _rows(stored[name], index).numpy()
        plain = _split(waves, waves if config.task == "reconstruction" else labels)
        return plain if bins is None else Split(_rows(bins[name], index), plain.targets)

    words = parts["train"].words
    info = DataInfo(
        "speech_commands",
        "audio",
        (SAMPLES,),
        "Speech Commands",
        len(words),
        words,
        None,
        SAMPLE_RATE,
    )
    sizes = (config.train_size, config.validation_size, config.test_size)
    # the recordings are named by a hash of their speaker: the lists stand for 2 GB of sound
    source = Source("speech_commands", path, folders.sha256(path, LISTS))
    return Splits.of(map(split, parts, sizes), info, source)


def _rows(array: npt.NDArray[Any], index: IntArray | None) -> Tensor:
    """The samples of a mapped array at `index`, read now, or all of them, read when used."""
    return torch.from_numpy(array if index is None else array[index])


def _split(waves: npt.NDArray[np.int16], truths: IntArray | npt.NDArray[np.int16]) -> Split:
    """Waveforms beside classes, or beside the waveforms that are to come back (16 bit both)."""
    targets = torch.from_numpy(truths)
    if targets.dtype == torch.int16:
        targets = targets / FULL_SCALE
    return Split(torch.from_numpy(waves), targets, scale=torch.tensor(FULL_SCALE))
