"""From bins back to the waveform, against scipy's inverse and the definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import istft

from cvkan.errors import ConfigError
from cvkan.layers.spectrogram import Spectrogram
from cvkan.layers.waveform import BinsFromTokens, InverseSpectrogram, level
from cvkan.polar import Polar


@pytest.mark.parametrize(
    ("n_fft", "hop", "samples"), [(64, 16, 641), (64, 32, 650), (256, 128, 4000), (512, 200, 3000)]
)
def test_the_inverse_gives_a_waveform_of_exactly_its_length_back(n_fft, hop, samples):
    torch.manual_seed(0)
    waveforms = torch.randn(2, samples, dtype=torch.float64)
    bins = Spectrogram(n_fft, hop).double()(waveforms)
    back = InverseSpectrogram(n_fft, hop).double()(bins, samples)
    torch.testing.assert_close(back, waveforms, rtol=0, atol=1e-10)


def test_any_bins_come_back_as_scipy_says():
    """Bins that are no waveform's spectrogram: both give the nearest waveform."""
    torch.manual_seed(0)
    bins = torch.randn(1, 11, 33, 2, dtype=torch.float64)
    bins[..., [0, -1], 1] = 0  # real at both ends, as of a real waveform
    ours = InverseSpectrogram(64, 16).double()(bins, 160)[0]
    window = np.hanning(65)[:-1]
    spectrum = torch.view_as_complex(bins)[0].T.numpy()
    # scipy divides by the sum of the window on the way there
    _, theirs = istft(spectrum / window.sum(), window=window, nperseg=64, noverlap=48)
    torch.testing.assert_close(ours, torch.from_numpy(theirs)[:160], rtol=0, atol=1e-6)


def test_windows_that_hardly_overlap_are_refused():
    with pytest.raises(ConfigError, match="at most 32"):
        InverseSpectrogram(64, 33)


def test_bins_turn_and_grow_with_the_tokens():
    """At the start the gate is 1 and the map linear; a turn of all tokens is always one of bins."""
    torch.manual_seed(0)
    head = BinsFromTokens(5, 9, hidden=7, dropout=0.0).double()
    tokens = Polar(torch.randn(2, 4, 2, 5, dtype=torch.float64))
    weight = torch.complex(head.project.re.weight, head.project.im.weight)
    torch.testing.assert_close(head(tokens).complex(), tokens.complex() @ weight.T)
    torch.nn.init.normal_(head.gate[-1].weight)
    turn = torch.polar(torch.ones(1, dtype=torch.float64), torch.tensor([0.7]).double())
    turned = head(Polar.from_complex(tokens.complex() * turn))
    torch.testing.assert_close(turned.complex(), head(tokens).complex() * turn)


def test_the_level_is_a_root_mean_square_over_real_tokens():
    z = torch.randn(2, 6, 3, dtype=torch.complex128)
    mask = torch.arange(6) < 4
    expected = z[:, :4].abs().square().mean(1, keepdim=True).sqrt()
    z[:, 4:] = torch.nan
    ours = level(Polar.from_complex(z), mask.expand(2, -1))
    torch.testing.assert_close(ours, expected)
