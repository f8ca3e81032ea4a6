"""What is particular to one domain's model."""

from __future__ import annotations

import pytest
import torch

from cvkan.config import AudioConfig, ImageConfig, TimeSeriesConfig
from cvkan.errors import CvkanError
from cvkan.info import DataInfo
from cvkan.models import build

SERIES = DataInfo("x", "timeseries", (24, 3), horizon=12)


def test_a_precomputed_spectrogram_gives_the_same_output():
    torch.manual_seed(0)
    info = DataInfo("x", "audio", (1600,), n_classes=4)
    model = build(AudioConfig(d_complex=16), info).eval()
    waveforms = torch.randn(3, 1600)
    stored = model.spectrogram(waveforms).contiguous().clone()
    assert stored.shape == (3, 13, 129, 2)
    torch.testing.assert_close(model(stored), model(waveforms), rtol=0, atol=1e-6)


def test_a_spectrogram_of_another_size_is_an_error():
    model = build(AudioConfig(), DataInfo("x", "audio", (1600,), n_classes=4))
    with pytest.raises(CvkanError, match="129"):
        model(torch.zeros(3, 13, 65, 2))


def test_a_forecast_starts_as_the_last_value():
    torch.manual_seed(0)
    model = build(TimeSeriesConfig(d_complex=16), SERIES)
    x = torch.randn(4, 24, 3)
    assert torch.equal(model(x), x[:, -1:].expand(4, 12, 3))


@pytest.mark.parametrize("linear_path", [True, False])
def test_a_shift_of_a_channel_shifts_its_forecast(linear_path):
    torch.manual_seed(0)
    model = build(TimeSeriesConfig(d_complex=16, linear_path=linear_path), SERIES).double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    x, shift = torch.randn(4, 24, 3).double(), torch.tensor([5.0, -3.0, 100.0]).double()
    torch.testing.assert_close(model(x + shift), model(x) + shift)


def test_the_linear_path_learns_a_linear_forecast():
    """A straight line continues; the least-squares solution exists, so the error goes to zero."""
    torch.manual_seed(0)
    model = build(TimeSeriesConfig(d_complex=8, n_layers=0), SERIES).linear
    slopes = torch.randn(64, 1, 3)
    line = slopes * torch.arange(-23, 13)[None, :, None] / 12
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(200):
        optimizer.zero_grad()
        loss = (model(line[:, :24]) - line[:, 24:]).square().mean()
        loss.backward()
        optimizer.step()
    assert loss < 1e-3


def test_patches_must_fill_the_image():
    with pytest.raises(CvkanError, match=r"fill a 8 x 10 image: 4.*divides both"):
        build(ImageConfig(), DataInfo("x", "image", (1, 8, 10), n_classes=4))
