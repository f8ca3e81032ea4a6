"""Spectrograms as pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cvkan.diagnostics.style import AMBER
from cvkan.layers.spectrogram import Spectrogram, as_spectrogram

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

_RANGE = 60.0  # dB below the loudest bin that are drawn, or fewer: half of all bins are background


@dataclass(frozen=True)
class Spectrum:
    """Loudness in dB below the loudest bin, (bins, frames), and how far its axes reach."""

    decibels: Tensor
    seconds: float
    kilohertz: float


@torch.no_grad()
def spectrum(sample: Tensor, *, n_fft: int, hop: int, sample_rate: int) -> Spectrum:
    """One waveform (samples,) as the model's front end sees it, or its (frames, bins, 2)."""
    bins = as_spectrogram(sample[None], Spectrogram(n_fft, hop))[0]
    power = bins.square().sum(-1).T
    decibels = 10 * (power / power.max().clamp(min=1e-20)).clamp(min=1e-20).log10()
    floor = max(-_RANGE, float(decibels.median()))
    samples = len(sample) if sample.dim() == 1 else (len(sample) - 1) * hop
    return Spectrum(decibels.clamp(min=floor), samples / sample_rate, sample_rate / 2000)


def draw_spectrum(values: Spectrum, axes: Axes, *, title: str = "") -> Axes:
    """Time to the right, frequency upwards, dark is loud."""
    axes.imshow(
        values.decibels.numpy(),
        origin="lower",
        aspect="auto",
        cmap="GnBu",
        extent=(0, values.seconds, 0, values.kilohertz),
    )
    axes.set_title(title)
    axes.grid(visible=False)
    return axes


def draw_shares(shares: Sequence[float], values: Spectrum, axes: Axes) -> Axes:
    """Over a spectrum, what each frame weighs in the pooled vector (its peak at the top)."""
    frames = len(shares)
    times = [values.seconds * i / max(1, frames - 1) for i in range(frames)]
    peak = max(shares) or 1.0
    axes.plot(times, [share / peak * 0.95 * values.kilohertz for share in shares], color=AMBER)
    return axes
