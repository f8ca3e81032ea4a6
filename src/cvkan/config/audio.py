"""Options of the audio models."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from cvkan.config.model import KANS, Kan
from cvkan.config.options import Needs
from cvkan.config.training import ClassifierConfig

_SPECTRAL = Needs("model", (*KANS, "lstm", "transformer", "perceptron"))


class AudioConfig(ClassifierConfig):
    """All options of an audio classifier, and of the model that reconstructs waveforms."""

    domain = "audio"
    model: Kan | Literal["m5", "lstm", "transformer", "perceptron"] = Field(
        "cvkan", description="cvkan, a twin of it, or a baseline"
    )
    task: Literal["classification", "reconstruction"] = Field(
        "classification",
        description="say what was said, or give the waveform back, spoken tones denoised",
    )
    dataset: Literal["spoken_tones", "fsdd", "speech_commands"] = Field(
        "spoken_tones", description="spoken_tones is synthesized"
    )
    n_fft: int = Field(256, gt=1, description="samples of a spectrogram window")
    hop: int = Field(128, gt=0, description="samples between two spectrogram frames")
    d_complex: int = Field(32, gt=0, description="complex dimensions of a token")
    epochs: int = Field(2, gt=0, description="passes over the training set")
    batch_size: int = Field(32, gt=0, description="samples in an optimizer step")
    noise: float = Field(1.0, ge=0, description="spoken_tones: noise relative to the voice")

    needs: ClassVar = {
        "n_fft": _SPECTRAL,
        "hop": _SPECTRAL,
        "n_layers": Needs("model", (*KANS, "transformer")),
        "data_seed": Needs("dataset", ("spoken_tones", "fsdd")),
        "noise": Needs("dataset", ("spoken_tones",)),
        # a waveform that is given back has no classes, and all its tokens are kept
        "label_smoothing": Needs("task", ("classification",)),
        "class_weights": Needs("task", ("classification",)),
        "pooling": Needs("task", ("classification",)),
    }
