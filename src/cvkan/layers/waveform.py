"""From complex tokens back to spectrogram bins, and from bins back to the waveform."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvkan.errors import ConfigError
from cvkan.layers.embedding import ComplexSequence
from cvkan.polar import EPSILON, Polar

_NO_WINDOW = 1e-6  # of a sum of squared windows: nothing to divide by


class InverseSpectrogram(nn.Module):
    """Spectrograms (B, frames, bins, 2) to waveforms (B, samples): `Spectrogram` undone.

    Least squares (Griffin and Lim 1984, https://doi.org/10.1109/TASSP.1984.1164317): frames are
    windowed again, added where they overlap, and divided by the sum of the squared windows.
    ConfigError where frames are so far apart that a recording's last samples are in none.
    """

    def __init__(self, n_fft: int, hop: int) -> None:
        super().__init__()
        if hop > n_fft // 2:
            raise ConfigError(
                "a waveform comes back only from windows that overlap by half or more",
                seen=f"hop {hop}, n_fft {n_fft}",
                do=f"Set hop to at most {n_fft // 2}.",
            )
        self.n_fft, self.hop = n_fft, hop
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        self.window: Tensor

    def forward(self, spectrogram: Tensor, samples: int, mask: Tensor | None = None) -> Tensor:
        """The samples of frames that a mask (B, frames) rules in; zero behind the last of them."""
        bins = torch.view_as_complex(spectrogram.transpose(1, 2).contiguous())
        window = self.window.to(spectrogram.dtype)
        waveforms = torch.istft(bins, self.n_fft, self.hop, window=window, length=samples)
        if mask is None:
            return waveforms
        # what the windows sum up to with all frames, over what they do with those that are there
        every, some = self._overlap(torch.ones_like(mask), window), self._overlap(mask, window)
        ratio = every[:, :samples] / some[:, :samples].clamp(min=_NO_WINDOW)
        ends = mask.sum(1, keepdim=True) * self.hop  # a clip ends before its next frame's centre
        there = torch.arange(samples, device=mask.device) < ends
        return torch.where(there, waveforms * ratio, 0.0)

    def _overlap(self, mask: Tensor, window: Tensor) -> Tensor:
        """The sum of the squared windows of frames (B, frames), from the first one's centre on."""
        frames = mask.to(window.dtype).unsqueeze(1)
        total = F.conv_transpose1d(frames, window.square().view(1, 1, -1), stride=self.hop)
        return total[:, 0, self.n_fft // 2 :]


class BinsFromTokens(nn.Module):
    """Tokens (B, T, D) to bins (B, T, F): a complex linear map, and a real gate a bin.

    The gate is a perceptron of the tokens' log-magnitudes, so phases go through the linear map
    alone and a turn of all tokens is a turn of all bins. It starts at exactly 1; a linear map by
    itself can only filter every frame alike.
    """

    def __init__(self, d_complex: int, n_bins: int, *, hidden: int, dropout: float) -> None:
        super().__init__()
        self.project = ComplexSequence(d_complex, n_bins)
        last = nn.Linear(hidden, n_bins)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.gate = nn.Sequential(
            nn.Linear(d_complex, hidden), nn.GELU(), nn.Dropout(dropout), last
        )

    def forward(self, tokens: Polar) -> Polar:
        bins: Polar = self.project(tokens.pair.transpose(-1, -2))
        gate = self.gate(tokens.log_magnitude())
        return bins.scale(2 * gate.sigmoid())


def level(z: Polar, mask: Tensor | None = None) -> Tensor:
    """Root mean square of each dimension over the real tokens: (B, N, D) to (B, 1, D)."""
    power = z.masked(mask).power().sum(1, keepdim=True)
    count = z.shape[1] if mask is None else mask.sum(1).clamp(min=1).view(-1, 1, 1)
    return (power / count + EPSILON).sqrt()
