"""Speech Commands on disk: which recordings there are, and their samples.

Warden 2018, https://arxiv.org/abs/1804.03209: WAV files of at most one second in a folder a word;
two lists say which are for validation and test.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cvkan.data.splits import IntArray

SAMPLE_RATE = 16000
SAMPLES = 16000  # shorter recordings are followed by silence
LISTS = ("testing_list.txt", "validation_list.txt")
_AT_ONCE = 256  # recordings: bounds the memory

Waves = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Recordings:
    """The recordings of one split by name ("word/file.wav"), in a fixed order."""

    folder: Path
    names: tuple[str, ...]
    words: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def labels(self) -> IntArray:
        """The number of each recording's word."""
        number = {word: label for label, word in enumerate(self.words)}
        return np.asarray([number[name.split("/")[0]] for name in self.names], dtype=np.int64)

    def waves(self, index: IntArray | None = None) -> Waves:
        """Samples (recordings, 16000) of those at `index`, or of all."""
        chosen = self.names if index is None else [self.names[i] for i in index]
        return _read(self.folder, chosen)

    def chunks(self) -> Iterator[Waves]:
        """All samples in order, some recordings at a time."""
        for start in range(0, len(self), _AT_ONCE):
            yield _read(self.folder, self.names[start : start + _AT_ONCE])


def recordings(folder: Path) -> dict[str, Recordings]:
    """The recordings of `train`, `validation` and `test`, as the lists in `folder` divide them."""
    words = tuple(sorted(p.name for p in folder.iterdir() if p.is_dir() and p.name[0] != "_"))
    test, validation = (
        sorted((folder / name).read_text(encoding="utf-8").split()) for name in LISTS
    )
    held_out = {*test, *validation}
    everything = sorted(
        f"{word}/{file.name}" for word in words for file in (folder / word).iterdir()
    )
    train = [name for name in everything if name.endswith(".wav") and name not in held_out]
    parts = {"train": train, "validation": validation, "test": test}
    return {part: Recordings(folder, tuple(names), words) for part, names in parts.items()}


def _read(folder: Path, names: Sequence[str]) -> Waves:
    import soundfile  # torchaudio 2.11 decodes only with another package, torchcodec

    waves = np.zeros((len(names), SAMPLES), dtype=np.int16)
    for row, name in zip(waves, names, strict=True):
        samples, _ = soundfile.read(folder / name, dtype="int16", frames=len(row))
        row[: len(samples)] = samples
    return waves
