"""From a waveform to what its spectrogram says regardless of when the recording began.

Raw phases of a spectrogram depend on the sample at which a recording starts, and a linear map over
bins mixes them before any magnitude is taken. So each bin enters as its log-magnitude, and as the
turn of its phase since the previous frame (beyond the turn of the bin's own frequency): how far
the sound is off the bin's centre, which does not depend on the start.

Clips shorter than their array are followed by exact zeros. Those are no sound: a clip has the
frames that it would have alone, and zeros after them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvkan.errors import CvkanError
from cvkan.polar import Polar

FLOOR = 1e-3  # of the mean power: where silence begins
WAVEFORM_AXES, SPECTROGRAM_AXES = 2, 4


class Spectrogram(nn.Module):
    """Hann-windowed, centred short-time Fourier transform: (B, samples) to (B, frames, bins, 2).

    Reflected at both ends, the later of which is the last sample that is not zero. Frames centred
    behind it are zero: `heard` tells them from the others.
    """

    def __init__(self, n_fft: int, hop: int) -> None:
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        self.window: Tensor

    def forward(self, waveforms: Tensor) -> Tensor:
        if waveforms.shape[-1] <= self.n_fft // 2:
            raise CvkanError(
                "a waveform shorter than half a window has no spectrogram",
                seen=waveforms.shape[-1],
                do=f"Give more samples, or n_fft below {self.n_fft}.",
            )
        window = self.window.to(waveforms.dtype)
        lengths = clip_lengths(waveforms)
        bins = torch.stft(
            self._reflected(waveforms, lengths),
            self.n_fft,
            self.hop,
            window=window,
            center=False,
            return_complex=True,
        )
        frames = torch.arange(bins.shape[-1], device=bins.device) * self.hop <= lengths
        return torch.view_as_real(bins).transpose(1, 2) * frames[..., None, None]

    def _reflected(self, waveforms: Tensor, lengths: Tensor) -> Tensor:
        """Half a window more at either end of each clip, and zeros behind that."""
        half = self.n_fft // 2
        behind = torch.arange(half, device=waveforms.device)
        before = waveforms[:, 1 : half + 1].flip(-1)
        clips = torch.cat((before, waveforms, torch.zeros_like(before)), dim=-1)
        mirrored = waveforms.gather(-1, (lengths - 2 - behind).clamp(min=0))
        return clips.scatter(-1, half + lengths + behind, mirrored)

    @property
    def n_bins(self) -> int:
        return self.n_fft // 2 + 1


def clip_lengths(waveforms: Tensor) -> Tensor:
    """How many samples of (B, samples) there are until only zeros follow, (B, 1)."""
    sounds = (waveforms != 0).flip(-1).to(torch.uint8)
    lengths: Tensor = waveforms.shape[-1] - sounds.argmax(-1, keepdim=True)
    return lengths * sounds.any(-1, keepdim=True)


def heard(spectrogram: Tensor, mask: Tensor | None = None) -> Tensor:
    """Which frames (B, T) of (B, T, bins, 2) a clip has: those until only zeros follow.

    Of a silent clip the first. Where a mask is given, a frame must be true in it as well.
    """
    low, high = spectrogram.amin((2, 3)), spectrogram.amax((2, 3))  # faster than comparing bins
    lengths = clip_lengths((low != 0) | (high != 0)).clamp(min=1)
    there = torch.arange(spectrogram.shape[1], device=spectrogram.device) < lengths
    return there if mask is None else there & mask


def as_spectrogram(x: Tensor, spectrogram: Spectrogram) -> Tensor:
    """Waveforms (B, samples) as spectrograms; spectrograms as they are, if they are of its kind."""
    if x.dim() == WAVEFORM_AXES:
        transformed: Tensor = spectrogram(x)
        return transformed
    if x.dim() != SPECTROGRAM_AXES or x.shape[2:] != (spectrogram.n_bins, 2):
        raise CvkanError(
            "audio comes as waveforms or as their spectrograms",
            seen=tuple(x.shape),
            do=f"Give (batch, samples) or (batch, frames, {spectrogram.n_bins}, 2).",
        )
    return x


class SpectralFeatures(nn.Module):
    """Per frame and bin the log-magnitude and the phase's turn, (B, frames, 3 * bins).

    Log-magnitudes are standardised over the recording, so that loudness does not matter.
    A turn is a vector of length below 1, short where the bin is silent.
    """

    def __init__(self, n_fft: int, hop: int) -> None:
        super().__init__()
        expected = torch.arange(n_fft // 2 + 1) * (2 * math.pi * hop / n_fft)
        self.register_buffer("cos", expected.cos(), persistent=False)
        self.register_buffer("sin", expected.sin(), persistent=False)
        self.cos: Tensor
        self.sin: Tensor

    def forward(self, spectrogram: Tensor, mask: Tensor | None = None) -> Tensor:
        bins = Polar.from_trailing(spectrogram).masked(mask)  # (B, T, F)
        power = bins.power()
        real = power.new_ones(power.shape[:2]) if mask is None else mask.to(power.dtype)
        share = (real / (real.sum(1, keepdim=True) * power.shape[-1]).clamp(min=1)).unsqueeze(-1)
        floor = FLOOR * (power * share).sum((1, 2), keepdim=True) + torch.finfo(power.dtype).tiny
        log = (power + floor).log()
        log = log - (log * share).sum((1, 2), keepdim=True)
        spread = (log.square() * share).sum((1, 2), keepdim=True)
        log = log * (spread + 1e-5).rsqrt()
        turn = self._turn(bins, floor)
        features = torch.cat((log, turn.re, turn.im), dim=-1)
        return features * real.unsqueeze(-1)

    def _turn(self, bins: Polar, floor: Tensor) -> Polar:
        step = bins[:, 1:].times_conj(bins[:, :-1]).rotate(self.cos, -self.sin)
        step = step.scale(1 / (step.magnitude() + floor))
        return Polar(F.pad(step.pair, (0, 0, 0, 0, 1, 0)))  # the first frame has no previous one


class SpectralEmbedding(nn.Module):
    """Features of a frame and its neighbours through one linear layer: (B, T, D) tokens."""

    def __init__(self, n_bins: int, d_complex: int, *, frames: int = 5) -> None:
        super().__init__()
        self.project = nn.Conv1d(3 * n_bins, 2 * d_complex, frames, padding=frames // 2)

    def forward(self, features: Tensor) -> Polar:
        return Polar.from_features(self.project(features.transpose(1, 2)).transpose(1, 2))
