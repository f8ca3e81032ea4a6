"""Waveforms: synthesized spoken tones (embedded), spoken digits (FSDD), Speech Commands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from cvkan.config import AudioConfig
from cvkan.data import folders
from cvkan.data.registry import DATASETS
from cvkan.data.speech import WORDS, synthesize
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

_FULL_SCALE = torch.tensor(32768.0)  # 16-bit samples become [-1, 1)


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
    """The lists that come with the data say which recordings are for validation and test."""
    path = DATASETS["speech_commands"].require()
    words = tuple(sorted(p.name for p in path.iterdir() if p.is_dir() and p.name[0] != "_"))
    listed = {
        name: (path / f"{name}_list.txt").read_text(encoding="utf-8").split()
        for name in ("validation", "testing")
    }
    held_out = {name for names in listed.values() for name in names}
    everything = sorted(f"{word}/{file.name}" for word in words for file in (path / word).iterdir())
    train = [name for name in everything if name.endswith(".wav") and name not in held_out]
    chosen = [
        _choose(train, words, config.train_size),
        _choose(sorted(listed["validation"]), words, config.validation_size),
        _choose(sorted(listed["testing"]), words, config.test_size),
    ]
    splits = (_speech_split(config, path, names, words) for names in chosen)
    info = DataInfo(
        "speech_commands", "audio", (16000,), "Speech Commands", len(words), words, None, 16000
    )
    # the recordings are named by a hash of their speaker: the lists stand for 2 GB of sound
    lists = ("testing_list.txt", "validation_list.txt")
    source = Source("speech_commands", path, folders.sha256(path, lists))
    return Splits.of(splits, info, source)


def _speech_split(
    config: AudioConfig, path: Path, names: Sequence[str], words: tuple[str, ...]
) -> Split:
    waves = _read(path, names)
    return _split(waves, waves if config.task == "reconstruction" else _labels(names, words))


def _labels(names: Sequence[str], words: tuple[str, ...]) -> IntArray:
    number = {word: label for label, word in enumerate(words)}
    return np.asarray([number[name.split("/")[0]] for name in names], dtype=np.int64)


def _choose(names: list[str], words: tuple[str, ...], size: int | None) -> list[str]:
    return [names[i] for i in balanced_first(_labels(names, words), size)]


def _read(folder: Path, names: Sequence[str]) -> npt.NDArray[np.int16]:
    import soundfile  # torchaudio 2.11 decodes only with another package, torchcodec

    waves = np.zeros((len(names), 16000), dtype=np.int16)
    for row, name in zip(waves, names, strict=True):
        samples, _ = soundfile.read(folder / name, dtype="int16", frames=len(row))
        row[: len(samples)] = samples
    return waves


def _split(waves: npt.NDArray[np.int16], truths: IntArray | npt.NDArray[np.int16]) -> Split:
    """Waveforms beside classes, or beside the waveforms that are to come back (16 bit both)."""
    targets = torch.from_numpy(truths)
    if targets.dtype == torch.int16:
        targets = targets / _FULL_SCALE
    return Split(torch.from_numpy(waves), targets, scale=_FULL_SCALE)
