"""What audio is compared with: a CNN on the waveform, three models on its spectrogram.

Spectrograms enter as log-magnitudes, standardised over the recording as for the model they are
compared with, in mel bands (Stevens et al. 1937) where the model reads frame after frame. Like that
model, none of them hears the zeros behind the end of a clip.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torchaudio.functional import melscale_fbanks

from cvkan.baselines.checks import no_mask
from cvkan.baselines.sequences import gathered, masked_mean
from cvkan.baselines.vit import HEADS, TransformerBlock
from cvkan.config import AudioConfig
from cvkan.errors import ConfigError, CvkanError
from cvkan.info import DataInfo
from cvkan.layers.spectrogram import (
    FLOOR,
    WAVEFORM_AXES,
    Spectrogram,
    as_spectrogram,
    clip_lengths,
    heard,
)
from cvkan.models.makers import Baseline, Size
from cvkan.polar import EPSILON

Make = Callable[[AudioConfig, DataInfo, Size], nn.Module]

_BANDS = 40  # mel bands, or fewer where the spectrogram is too coarse for them


class LogBands(nn.Module):
    """Waveforms or spectrograms to standardised log-power (B, frames, bands), and what is heard.

    Bands are mel bands up to half the sample rate, or without one the bins themselves. Frames
    that are not heard (B, frames), nor true in a mask where there is one, are 0.
    """

    def __init__(self, n_fft: int, hop: int, sample_rate: int | None) -> None:
        super().__init__()
        self.spectrogram = Spectrogram(n_fft, hop)
        self.n_bands = self.spectrogram.n_bins
        bank = None
        if sample_rate is not None:
            self.n_bands = min(_BANDS, n_fft // 8)
            with torch.device("cpu"):  # torchaudio reads its values, which meta has not
                bank = melscale_fbanks(
                    self.spectrogram.n_bins, 0.0, sample_rate / 2, self.n_bands, sample_rate
                )
        self.register_buffer("bank", bank, persistent=False)
        self.bank: Tensor | None

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        bins = as_spectrogram(x, self.spectrogram)
        real = heard(bins, mask)
        power = torch.where(real[..., None, None], bins, 0.0).square().sum(-1)
        if self.bank is not None:
            power = power @ self.bank
        mean_power = masked_mean(power, real).mean(-1)[:, None, None]
        log = (power + FLOOR * mean_power + torch.finfo(power.dtype).tiny).log()
        log = log - masked_mean(log, real).mean(-1)[:, None, None]
        spread = masked_mean(log.square(), real).mean(-1)[:, None, None]
        return log * (spread + 1e-5).rsqrt() * real.unsqueeze(-1), real


class M5Net(nn.Module):
    """A CNN on the waveform (Dai et al. 2016, https://arxiv.org/abs/1610.00087, model M5).

    The first kernel spans 10 ms and steps by half a millisecond, 80 and 4 samples at 8 kHz as
    published; three more of width 3 follow, each behind a pooling by 4. Published widths are
    128, 128, 256 and 512; here `width`, `width`, twice that and `hidden`.
    """

    def __init__(self, config: AudioConfig, info: DataInfo, size: Size) -> None:
        super().__init__()
        rate = _sample_rate(info, "m5")
        kernel, stride = max(rate // 100, 3), max(rate // 2000, 1)
        widths = (size.width, size.width, 2 * size.width, size.hidden)
        layers: list[nn.Module] = []
        channels = 1
        for width in widths:
            if layers:
                layers.append(nn.MaxPool1d(4, ceil_mode=True))
            layers.append(nn.Conv1d(channels, width, kernel, stride, kernel // 2, bias=False))
            layers += [nn.BatchNorm1d(width), nn.ReLU(inplace=True)]
            channels, kernel, stride = width, 3, 1
        self.layers = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Dropout(config.dropout), nn.Linear(channels, info.classes_for("m5"))
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits of waveforms (B, samples)."""
        no_mask("m5", mask)
        if x.dim() != WAVEFORM_AXES:
            raise CvkanError(
                "an m5 hears waveforms", seen=tuple(x.shape), do="Give (batch, samples)."
            )
        lengths = clip_lengths(x).clamp(min=1)
        # whatever the loudness, as for the spectrograms of the others
        x = x / (x.square().sum(-1, keepdim=True) / lengths + 1e-10).sqrt()
        x = x.unsqueeze(1)
        for layer in self.layers:
            x = layer(x)
            if isinstance(layer, nn.Conv1d):
                (stride,) = layer.stride
                lengths = lengths.sub(1).div(stride, rounding_mode="floor").add(1)
            elif isinstance(layer, nn.MaxPool1d):
                lengths = -(-lengths).div(4, rounding_mode="floor")
            # behind the end of a clip is what is behind the end of an array
            x = x * (torch.arange(x.shape[-1], device=x.device) < lengths).unsqueeze(1)
        logits: Tensor = self.head(x.sum(-1) / lengths)
        return logits


class Lstm(nn.Module):
    """A bidirectional LSTM over mel bands; a perceptron reads its mean over the frames."""

    def __init__(self, config: AudioConfig, info: DataInfo, size: Size) -> None:
        super().__init__()
        self.bands = LogBands(config.n_fft, config.hop, _sample_rate(info, "lstm"))
        self.lstm = nn.LSTM(self.bands.n_bands, size.width, batch_first=True, bidirectional=True)
        self.head = _perceptron(2 * size.width, size.hidden, info.classes_for("lstm"), config)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits (B, classes)."""
        bands, real = self.bands(x, mask)
        bands, real = gathered(bands, real)
        packed = pack_padded_sequence(
            bands, real.sum(1).clamp(min=1).cpu(), batch_first=True, enforce_sorted=False
        )
        states, _ = pad_packed_sequence(
            self.lstm(packed)[0], batch_first=True, total_length=bands.shape[1]
        )
        logits: Tensor = self.head(masked_mean(states, real))
        return logits


class AudioTransformer(nn.Module):
    """A pre-norm transformer with one token a frame of mel bands and learned positions."""

    def __init__(self, config: AudioConfig, info: DataInfo, size: Size) -> None:
        super().__init__()
        n_frames = info.lookback // config.hop + 1
        self.bands = LogBands(config.n_fft, config.hop, _sample_rate(info, "transformer"))
        self.embed = nn.Linear(self.bands.n_bands, size.width)
        self.positions = nn.Parameter(torch.randn(1, n_frames, size.width) * 0.02)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            TransformerBlock(size.width, size.hidden, config.dropout)
            for _ in range(max(config.n_layers, 1))
        )
        self.norm = nn.LayerNorm(size.width)
        self.head = nn.Linear(size.width, info.classes_for("transformer"))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits (B, classes)."""
        bands, real = self.bands(x, mask)
        places = self.positions.shape[1]
        if real[:, places:].any():
            raise CvkanError(
                f"this transformer has places for {places} frames",
                seen=tuple(x.shape),
                do="Train one on clips as long as these.",
            )
        bands, real = bands[:, :places], real[:, :places]
        tokens = self.dropout(self.embed(bands) + self.positions[:, : bands.shape[1]])
        for block in self.blocks:
            tokens = block(tokens, real[:, None, None, :])
        logits: Tensor = self.head(masked_mean(self.norm(tokens), real))
        return logits


class SpectralPerceptron(nn.Module):
    """A perceptron of each bin's mean and standard deviation over time: blind to order."""

    def __init__(self, config: AudioConfig, info: DataInfo, size: Size) -> None:
        super().__init__()
        self.bands = LogBands(config.n_fft, config.hop, None)
        n_inputs = 2 * self.bands.n_bands
        self.layers = nn.Sequential(
            nn.BatchNorm1d(n_inputs),
            nn.Linear(n_inputs, size.width),
            nn.GELU(),
            _perceptron(size.width, size.hidden, info.classes_for("perceptron"), config),
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits (B, classes)."""
        bands, real = self.bands(x, mask)
        mean = masked_mean(bands, real)
        spread = (masked_mean((bands - mean.unsqueeze(1)).square(), real) + EPSILON).sqrt()
        logits: Tensor = self.layers(torch.cat((mean, spread), dim=-1))
        return logits


def _perceptron(n_inputs: int, hidden: int, n_outputs: int, config: AudioConfig) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(n_inputs, hidden),
        nn.GELU(),
        nn.Dropout(config.dropout),
        nn.Linear(hidden, n_outputs),
    )


def _sample_rate(info: DataInfo, model: str) -> int:
    if info.sample_rate is None:
        raise CvkanError(
            f"the {model} hears in Hertz and milliseconds, but the data set has no sample rate",
            seen=info.name,
            do="Set sample_rate in its DataInfo.",
        )
    return info.sample_rate


def _classifier(kind: Make) -> Make:
    """Refuses the task that the kind cannot do."""

    def make(config: AudioConfig, info: DataInfo, size: Size) -> nn.Module:
        if config.task != "classification":
            raise ConfigError(
                f"model {config.model} has no {config.task}",
                seen=config.task,
                do="Set model to cvkan, real_cartesian or real_polar, or task to classification.",
            )
        return kind(config, info, size)

    return make


M5 = Baseline(_classifier(M5Net), Size(32, 128))
LSTM = Baseline(_classifier(Lstm), Size(64, 64))
TRANSFORMER = Baseline(_classifier(AudioTransformer), Size(64, 128), step=HEADS)
PERCEPTRON = Baseline(_classifier(SpectralPerceptron), Size(128, 64))
