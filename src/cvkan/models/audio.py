"""Audio: one token a frame of the spectrogram."""

from __future__ import annotations

from torch import Tensor

from cvkan.config import AudioConfig
from cvkan.errors import CvkanError
from cvkan.info import DataInfo
from cvkan.layers.positions import Positions
from cvkan.layers.spectrogram import SpectralEmbedding, SpectralFeatures, Spectrogram
from cvkan.models.base import Classifier
from cvkan.models.makers import Kan
from cvkan.polar import Polar

WAVEFORM_AXES, SPECTROGRAM_AXES = 2, 4


class AudioModel(Classifier):
    """Classifies waveforms (B, samples), or their spectrograms (B, frames, bins, 2).

    `model.spectrogram(waveforms)` makes the second from the first; results are the same.
    """

    def __init__(self, config: AudioConfig, info: DataInfo) -> None:
        super().__init__(config, info, n_tokens=info.lookback // config.hop + 1)
        self.spectrogram = Spectrogram(config.n_fft, config.hop)
        self.features = SpectralFeatures(config.n_fft, config.hop)
        self.embedding = SpectralEmbedding(self.spectrogram.n_bins, config.d_complex)
        self.positions = Positions(config.d_complex)

    def embed(self, x: Tensor, mask: Tensor | None = None) -> Polar:
        if x.dim() == WAVEFORM_AXES:
            x = self.spectrogram(x)
        elif x.dim() != SPECTROGRAM_AXES or x.shape[2:] != (self.spectrogram.n_bins, 2):
            raise CvkanError(
                "audio comes as waveforms or as their spectrograms",
                seen=tuple(x.shape),
                do=f"Give (batch, samples) or (batch, frames, {self.spectrogram.n_bins}, 2).",
            )
        tokens: Polar = self.positions(self.embedding(self.features(x, mask)))
        return tokens


KAN = Kan(AudioModel)
