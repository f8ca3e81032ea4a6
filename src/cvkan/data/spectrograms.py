"""Spectrograms and samples of recordings, written once and mapped into memory by every training.

A store is a folder with one array a split and meta.json, which says what they were made from. It
is written beside its place and renamed, so a store that is there is whole; one that was made from
other recordings than there are now is refused.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from cvkan.data.speech_commands import SAMPLES, Recordings, Waves, recordings
from cvkan.errors import DataError
from cvkan.layers.spectrogram import Spectrogram

FULL_SCALE = 32768.0  # 16-bit samples become [-1, 1)
_FORMAT = 2  # 1: spectrograms in which the zeros behind a clip were sound

Array = npt.NDArray[Any]
Parts = Mapping[str, Recordings]


@dataclass(frozen=True)
class Store:
    """What is kept of every recording: a name for the folder, and how an array is made."""

    name: str
    shape: tuple[int, ...]  # of one recording
    dtype: str
    make: Callable[[Waves], Array]

    def folder(self, data: Path) -> Path:
        """Where it is kept, in the data folder that holds the recordings' own folder `data`."""
        return data.parents[1] / self.name

    def bytes(self, parts: Parts) -> int:
        """What the arrays of all recordings take."""
        each = int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize
        return each * sum(len(part) for part in parts.values())

    def find(self, data: Path, parts: Parts) -> dict[str, Array] | None:
        """The arrays by split, mapped and not read; None where there are none.

        DataError where they were made from other recordings, or are damaged.
        """
        folder = self.folder(data)
        if not folder.exists():
            return None
        try:
            meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
            # copy on write: torch warns of arrays that cannot be written to
            arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="c") for name in parts}
        except (OSError, ValueError) as error:
            raise _unusable("are damaged", folder, error) from None
        shapes = {name: (len(part), *self.shape) for name, part in parts.items()}
        if meta != self._meta(parts) or shapes != {n: a.shape for n, a in arrays.items()}:
            raise _unusable("were made from other recordings or otherwise", folder, meta)
        return arrays

    def write(self, data: Path, parts: Parts) -> Path:
        """Make and keep the arrays, in place of any that are there; their folder."""
        folder = self.folder(data)
        beside = folder.with_name(f".{folder.name}.partial")  # one name: a kill leaves one at most
        for leftover in (beside, _aside(folder)):
            shutil.rmtree(leftover, ignore_errors=True)
        self._check_room(folder.parent, parts)
        beside.mkdir(parents=True)
        try:
            self._fill(beside, parts)
        except BaseException:  # half a store takes gigabytes and is of no use to anyone
            shutil.rmtree(beside, ignore_errors=True)
            raise
        if folder.exists():
            folder.rename(_aside(folder))
        beside.rename(folder)
        shutil.rmtree(_aside(folder), ignore_errors=True)
        return folder

    def _fill(self, folder: Path, parts: Parts) -> None:
        for name, part in parts.items():
            shape = (len(part), *self.shape)
            array = np.lib.format.open_memmap(
                folder / f"{name}.npy", mode="w+", dtype=self.dtype, shape=shape
            )
            start = 0
            for waves in part.chunks():
                array[start : start + len(waves)] = self.make(waves)
                start += len(waves)
            array.flush()
        text = json.dumps(self._meta(parts), indent=2)
        (folder / "meta.json").write_text(text + "\n", encoding="utf-8")

    def _meta(self, parts: Parts) -> dict[str, Any]:
        digest = hashlib.sha256()
        for name, part in parts.items():
            digest.update("\n".join((name, *part.names, "")).encode())
        return {
            "format": _FORMAT,
            "store": self.name,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "recordings": {name: len(part) for name, part in parts.items()},
            "sha256_of_names": digest.hexdigest(),
        }

    def _check_room(self, folder: Path, parts: Parts) -> None:
        needed, free = self.bytes(parts), shutil.disk_usage(folder).free
        if needed > free:
            raise DataError(
                f"{self.name} takes {needed / 1e9:.1f} GB, more than there is room for",
                seen=f"{free / 1e9:.1f} GB free in {folder}",
                do="Make room, or take a larger hop; training also works without it.",
            )


def waveforms() -> Store:
    """The samples as they are (16 bit), so that no training decodes WAV files."""
    return Store("speech_commands_waveforms", (SAMPLES,), "int16", lambda waves: waves)


def spectrograms(n_fft: int, hop: int) -> Store:
    """Spectrograms (frames, bins, 2) in float32: on the CPU the very numbers of the raw path."""
    transform = Spectrogram(n_fft, hop)

    def make(waves: Waves) -> Array:
        spectrogram: Array = transform(torch.from_numpy(waves) / FULL_SCALE).numpy()
        return spectrogram

    shape = (SAMPLES // hop + 1, transform.n_bins, 2)
    return Store(f"speech_commands_stft_{n_fft}_{hop}", shape, "float32", make)


def precompute_speech_commands(data: Path, *, n_fft: int, hop: int) -> list[Path]:
    """Write samples and spectrograms of all Speech Commands in the folder `data`; their folders.

    What is there already and up to date stays. `cvkan.load` finds both by itself, the spectrograms
    where n_fft and hop are the configuration's.
    """
    parts = recordings(data)
    return [_up_to_date(store, data, parts) for store in (waveforms(), spectrograms(n_fft, hop))]


def _up_to_date(store: Store, data: Path, parts: Parts) -> Path:
    try:
        if store.find(data, parts) is not None:
            return store.folder(data)
    except DataError:  # stale: made again
        pass
    return store.write(data, parts)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


def _unusable(what: str, folder: Path, seen: object) -> DataError:
    return DataError(
        f"precomputed recordings in {folder} {what}",
        seen=seen,
        do="Run `lab data precompute speech_commands` with their n_fft and hop again, "
        "or delete the folder.",
    )
