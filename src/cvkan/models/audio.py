"""Audio: one token a frame of the spectrogram, for a class or for the waveform itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cvkan.config import AudioConfig
from cvkan.info import DataInfo
from cvkan.layers.embedding import ComplexSequence
from cvkan.layers.positions import make_positions
from cvkan.layers.spectrogram import (
    SpectralEmbedding,
    SpectralFeatures,
    Spectrogram,
    as_spectrogram,
    heard,
)
from cvkan.layers.waveform import BinsFromTokens, InverseSpectrogram, level
from cvkan.models.backbone import Backbone
from cvkan.models.base import Classifier
from cvkan.models.makers import Kan
from cvkan.polar import Polar


class AudioModel(Classifier):
    """Classifies waveforms (B, samples), or their spectrograms (B, frames, bins, 2).

    `model.spectrogram(waveforms)` makes the second from the first; results are the same. Zeros
    behind the end of a clip have no say in them.
    """

    def __init__(self, config: AudioConfig, info: DataInfo) -> None:
        n_frames = info.lookback // config.hop + 1
        super().__init__(config, info, n_tokens=n_frames)
        self.spectrogram = Spectrogram(config.n_fft, config.hop)
        self.features = SpectralFeatures(config.n_fft, config.hop)
        self.embedding = SpectralEmbedding(self.spectrogram.n_bins, config.d_complex)
        self.positions = make_positions(config.positions, config.d_complex, n_tokens=n_frames)

    def embed(self, x: Tensor, mask: Tensor | None = None) -> Polar:
        bins = as_spectrogram(x, self.spectrogram)
        features = self.features(bins, heard(bins, mask))
        tokens: Polar = self.positions(self.embedding(features))
        return tokens

    def token_mask(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return heard(as_spectrogram(x, self.spectrogram), mask)

    def pooled(self, x: Tensor, mask: Tensor | None = None) -> Polar:
        return super().pooled(as_spectrogram(x, self.spectrogram), mask)  # once for both of these


class AudioReconstructor(nn.Module):
    """Waveforms (B, samples), or their spectrograms, to waveforms (B, samples).

    Tokens are the raw complex bins through one complex linear map, phases and all: what classes
    must not depend on is what a waveform is made of. Blocks see every dimension at one loudness;
    what centring takes off is put back behind them, so that a recording twice as loud comes back
    twice as loud. The positions' turns are undone before the way back to the bins.
    """

    def __init__(self, config: AudioConfig, info: DataInfo) -> None:
        super().__init__()
        self.samples = info.lookback
        n_frames = info.lookback // config.hop + 1
        self.spectrogram = Spectrogram(config.n_fft, config.hop)
        self.embedding = ComplexSequence(self.spectrogram.n_bins, config.d_complex)
        self.positions = make_positions(config.positions, config.d_complex, n_tokens=n_frames)
        self.backbone = Backbone(config, n_tokens=n_frames)
        self.bins = BinsFromTokens(
            config.d_complex,
            self.spectrogram.n_bins,
            hidden=2 * config.kan_hidden,
            dropout=config.dropout,
        )
        self.waveform = InverseSpectrogram(config.n_fft, config.hop)

    def embed(self, x: Tensor, mask: Tensor | None = None) -> Polar:
        """Tokens (B, frames, D), each dimension of root mean square 1."""
        bins = as_spectrogram(x, self.spectrogram)
        return self._tokens(bins, heard(bins, mask))[0]

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        bins_in = as_spectrogram(x, self.spectrogram)
        mask = heard(bins_in, mask)
        tokens, loudness = self._tokens(bins_in, mask)
        tokens = self.backbone(tokens, mask).masked(mask)
        whole = loudness.square().mean(-1, keepdim=True).sqrt()  # of the recording
        tokens = tokens.scale(loudness / (whole * level(tokens, mask)))
        turned_back = _conjugate(self.positions(_conjugate(tokens)))
        bins = self.bins(turned_back).scale(whole).masked(mask)
        waveform: Tensor = self.waveform(bins.pair.transpose(-1, -2), self.samples, mask)
        return waveform

    def token_mask(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Which of the tokens of `trace` are of the clip, and not of the zeros behind it."""
        return heard(as_spectrogram(x, self.spectrogram), mask)

    @torch.no_grad()
    def trace(self, x: Tensor, mask: Tensor | None = None) -> list[Polar]:
        """The tokens (B, frames, D) after the embedding and after each layer, for pictures."""
        real = self.token_mask(x, mask)
        return [state.detach() for state in self.backbone.states(self.embed(x, mask), real)]

    def _tokens(self, spectrogram: Tensor, mask: Tensor | None) -> tuple[Polar, Tensor]:
        embedded: Polar = self.embedding(spectrogram)
        tokens: Polar = self.positions(embedded.masked(mask))
        loudness = level(tokens, mask)
        return tokens.scale(1 / loudness), loudness


def _conjugate(z: Polar) -> Polar:
    return Polar.of(z.re, -z.im)


def audio_model(config: AudioConfig, info: DataInfo) -> nn.Module:
    """The model of the configuration's task."""
    if config.task == "reconstruction":
        return AudioReconstructor(config, info)
    return AudioModel(config, info)


KAN = Kan(audio_model)
