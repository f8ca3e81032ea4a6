"""An epoch of audio from WAV files, from precomputed spectrograms, and from samples in memory.

One model is trained on the same recordings, one second long as those of Speech Commands, which
reach it four ways: decoded from WAV files of 16 kHz or, resampled, of 22.05 kHz at every step, with
the Fourier transform in the step; as spectrograms that `lab data precompute` wrote, mapped into
memory; as samples in memory, with the transform in the step. All take turns in this process, on
one thread unless --threads says otherwise; the files are in the page cache, so that times of the
processor, which another program cannot lengthen by taking its turn, are all there is to wait for.
Prints Markdown tables; asserts nothing.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor
from torch.nn import functional as F
from torchaudio.functional import resample

from cvkan import preset
from cvkan.data.spectrograms import FULL_SCALE, spectrograms
from cvkan.data.speech_commands import SAMPLE_RATE, SAMPLES, Recordings
from cvkan.info import DataInfo
from cvkan.layers.spectrogram import Spectrogram
from cvkan.models import build

INFO = DataInfo("speech_commands", "audio", (SAMPLES,), n_classes=35, sample_rate=SAMPLE_RATE)
EPOCH = 84_843  # training recordings of Speech Commands
OTHER_RATE = 22_050
IN_MEMORY = "samples in memory, STFT in the step"

Source = Callable[[Tensor], Tensor]


def record(folder: Path, rate: int, count: int) -> tuple[str, ...]:
    """Noise as 16-bit WAV files of one second; their names."""
    rng = np.random.default_rng(0)
    (folder / "word").mkdir(parents=True)
    names = tuple(f"word/{index}.wav" for index in range(count))
    for name in names:
        soundfile.write(folder / name, rng.integers(-9000, 9000, rate).astype(np.int16), rate)
    return names


def decoded(folder: Path, names: tuple[str, ...], rate: int) -> Source:
    """Decode at every step, and resample where the rate is another."""

    def source(index: Tensor) -> Tensor:
        waves = [soundfile.read(folder / names[i], dtype="float32")[0] for i in index.tolist()]
        batch = torch.from_numpy(np.stack(waves))
        return batch if rate == SAMPLE_RATE else resample(batch, rate, SAMPLE_RATE)

    return source


def sources(folder: Path, count: int, n_fft: int, hop: int) -> dict[str, Source]:
    """The four ways, by what they are called in the table."""
    here, there = folder / "data" / "here", folder / "data" / "there"
    names = record(here, SAMPLE_RATE, count)
    record(there, OTHER_RATE, count)
    parts = {"train": Recordings(here, names, ("word",))}
    store = spectrograms(n_fft, hop)
    store.write(here, parts)
    found = store.find(here, parts)
    assert found is not None
    mapped = torch.from_numpy(found["train"])
    samples = torch.from_numpy(parts["train"].waves())
    return {
        f"WAV files of {OTHER_RATE / 1000:g} kHz, resampled": decoded(there, names, OTHER_RATE),
        f"WAV files of {SAMPLE_RATE // 1000} kHz": decoded(here, names, SAMPLE_RATE),
        "precomputed STFT, memory-mapped": lambda index: mapped[index],
        IN_MEMORY: lambda index: samples[index].to(torch.float32) / FULL_SCALE,
    }


def measure(name: str, count: int, rounds: int, folder: Path) -> None:
    """Print the table of one preset."""
    config = preset(name)
    n_fft, hop, batch = config.n_fft, config.hop, config.batch_size  # type: ignore[attr-defined]
    model = build(config, INFO)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.lr)
    labels = torch.arange(count) % 35
    ways = sources(folder, count, n_fft, hop)
    times: dict[str, list[float]] = {way: [] for way in ways}
    for repeat in range(rounds + 1):
        for index in torch.randperm(count).split(batch):
            for way, source in ways.items():  # step by step in turn: a busy machine is so for all
                began = time.process_time()
                optimizer.zero_grad()
                F.cross_entropy(model(source(index)), labels[index]).backward()
                optimizer.step()
                if repeat:  # the first round warms up
                    times[way].append(time.process_time() - began)
    transform, waves, alone = Spectrogram(n_fft, hop), torch.randn(batch, SAMPLES), []
    for _ in range(20):
        began = time.process_time()
        transform(waves)
        alone.append(time.process_time() - began)
    steps = {way: statistics.median(values) for way, values in times.items()}
    stft = statistics.median(alone)
    print(f"\n{name}: n_fft {n_fft}, hop {hop}, batch {batch}\n")
    print("| data | CPU ms/step | CPU minutes/epoch | against samples in memory |")
    print("|---|---:|---:|---:|")
    for way, step in steps.items():
        print(
            f"| {way} | {1e3 * step:.1f} | {step * EPOCH / batch / 60:.1f} "
            f"| {step / steps[IN_MEMORY]:.2f} |"
        )
    print(f"\nThe STFT alone: {1e3 * stft:.1f} ms, {stft / steps[IN_MEMORY]:.1%} of a step.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--presets", nargs="+", default=("speech_commands", "speech_commands_fast"))
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    for name in options.presets:
        with tempfile.TemporaryDirectory() as folder:
            measure(name, options.recordings, options.rounds, Path(folder))


if __name__ == "__main__":
    main()
