"""The audio front end: what changes its features and what does not."""

from __future__ import annotations

import math

import pytest
import torch

from cvkan.errors import CvkanError
from cvkan.layers.spectrogram import SpectralFeatures, Spectrogram

N_FFT, HOP = 64, 16
N_BINS = N_FFT // 2 + 1


def tone(cycles: float, samples: int = 640, start: float = 0.0) -> torch.Tensor:
    """A tone of `cycles` bins, as waveforms (1, samples)."""
    time = torch.arange(samples, dtype=torch.float64) + start
    return torch.sin(2 * math.pi * cycles / N_FFT * time)[None]


def features(waveform: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-magnitudes and turns, away from the ends of the recording."""
    bins = Spectrogram(N_FFT, HOP).double()(waveform)
    log, re, im = SpectralFeatures(N_FFT, HOP).double()(bins).chunk(3, dim=-1)
    return log[:, 4:-4], torch.complex(re, im)[:, 4:-4]


def test_a_spectrogram_is_a_windowed_fourier_transform():
    waveform = torch.randn(1, 640, dtype=torch.float64)
    ours = torch.view_as_complex(Spectrogram(N_FFT, HOP).double()(waveform).contiguous())
    assert ours.shape == (1, 41, N_BINS)
    window = torch.hann_window(N_FFT, dtype=torch.float64)
    frame = waveform[0, 10 * HOP - N_FFT // 2 : 10 * HOP + N_FFT // 2] * window
    torch.testing.assert_close(ours[0, 10], torch.fft.rfft(frame), atol=1e-5, rtol=1e-5)


def test_a_tone_peaks_at_its_bin_and_its_turn_says_how_far_off_the_centre_it_is():
    for cycles in (8.0, 8.25, 7.8):
        log, turn = features(tone(cycles))
        assert log.mean(1).argmax() == 8
        advance = 2 * math.pi * (cycles - 8) * HOP / N_FFT
        expected = torch.full_like(turn[0, :, 8].real, advance)
        torch.testing.assert_close(turn[0, :, 8].angle(), expected, atol=1e-3, rtol=0)


def test_loudness_does_not_matter():
    waveform = torch.randn(1, 640, dtype=torch.float64)
    for quiet, loud in zip(features(waveform), features(50 * waveform), strict=True):
        torch.testing.assert_close(loud, quiet, rtol=1e-6, atol=1e-6)


def test_the_start_of_a_tone_does_not_matter():
    """Up to what the ends of the recording add to its mean; raw phases would differ by up to pi."""
    (log, turn), (late_log, late_turn) = features(tone(8.3)), features(tone(8.3, start=7.3))
    torch.testing.assert_close(late_log[..., 6:11], log[..., 6:11], rtol=0, atol=0.1)
    torch.testing.assert_close(late_turn[..., 6:11], turn[..., 6:11], rtol=0, atol=5e-3)


def test_silence_has_finite_features_and_no_turn():
    log, turn = features(torch.zeros(1, 640, dtype=torch.float64))
    assert torch.isfinite(log).all()
    assert turn.abs().max() == 0


def test_too_short_a_waveform_is_an_error():
    with pytest.raises(CvkanError, match="shorter than half a window"):
        Spectrogram(N_FFT, HOP)(torch.zeros(1, 20))
