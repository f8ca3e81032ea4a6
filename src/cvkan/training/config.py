"""Every option of data and training, with its default; the models' options come from theirs.

The defaults are the pilot: the embedded data set, seconds on one core.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, ValidationError

from cvkan.errors import ConfigError, UnknownNameError
from cvkan.info import Domain
from cvkan.models.config import (
    AudioModelConfig,
    ImageModelConfig,
    ModelConfig,
    SyntheticModelConfig,
    TimeSeriesModelConfig,
)

Optimizer = Literal["adamw", "sgd"]
Schedule = Literal["cosine", "plateau", "constant"]
Device = Literal["auto", "cpu", "cuda"]


class TrainingConfig(ModelConfig):
    """Options of every domain.

    `ImageConfig(epochs=3)` raises UnknownNameError for an option that does not exist and
    ConfigError for a value it cannot have.
    """

    domain: ClassVar[Domain]

    dataset: str = Field(description="name of the data set")
    train_size: int | None = Field(
        None, gt=0, description="training samples; null: all, or as many as usual"
    )
    validation_size: int | None = Field(
        None, gt=0, description="validation samples; null: as usual"
    )
    test_size: int | None = Field(
        None, gt=0, description="test samples; null: all, or as many as usual"
    )
    data_seed: int = Field(0, ge=0, description="what is generated and how it is split")

    epochs: int = Field(10, gt=0, description="passes over the training set")
    batch_size: int = Field(64, gt=0, description="samples in an optimizer step")
    optimizer: Optimizer = Field("adamw", description="sgd has Nesterov momentum 0.9")
    lr: float = Field(3e-3, gt=0, description="learning rate at its peak")
    weight_decay: float = Field(1e-2, ge=0, description="decoupled for adamw, L2 for sgd")
    schedule: Schedule = Field("cosine", description="learning rate after warm-up")
    warmup: float = Field(0.0, ge=0, description="epochs of linear warm-up, may be a fraction")
    plateau_patience: int = Field(
        3, gt=0, description="schedule plateau: halve after this many epochs without improvement"
    )
    clip: float | None = Field(1.0, gt=0, description="largest gradient norm; null: no clipping")
    patience: int | None = Field(
        None, gt=0, description="stop after this many epochs without improvement; null: never"
    )
    device: Device = Field("auto", description="auto: the accelerator where there is one")

    def __init__(self, **values: Any) -> None:
        for name in values:
            if name not in type(self).model_fields:
                raise UnknownNameError("option", name, type(self).model_fields)
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _readable(error) from None


class ClassifierConfig(TrainingConfig):
    """Options of the domains whose targets are classes."""

    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of the target spread evenly")
    class_weights: bool = Field(
        False, description="weigh class k by n / (K n_k), counted on the training split"
    )


class ImageConfig(ImageModelConfig, ClassifierConfig):
    """All options of an image classifier."""

    domain = "image"
    dataset: Literal["digits", "cifar10"] = "digits"
    epochs: int = Field(5, gt=0, description="passes over the training set")
    flip: bool = Field(False, description="mirror half of the training images left to right")
    shift: int = Field(0, ge=0, description="move training images by up to this many pixels")


class AudioConfig(AudioModelConfig, ClassifierConfig):
    """All options of an audio classifier."""

    domain = "audio"
    dataset: Literal["spoken_tones", "fsdd", "speech_commands"] = "spoken_tones"
    d_complex: int = Field(32, gt=0, description="complex dimensions of a token")
    epochs: int = Field(3, gt=0, description="passes over the training set")
    batch_size: int = Field(32, gt=0, description="samples in an optimizer step")
    noise: float = Field(1.0, ge=0, description="spoken_tones: noise relative to the voice")


class TimeSeriesConfig(TimeSeriesModelConfig, TrainingConfig):
    """All options of a forecaster."""

    domain = "timeseries"
    dataset: Literal["cycles", "etth1"] = "cycles"
    lookback: int = Field(96, gt=0, description="hours the model sees")
    d_complex: int = Field(32, gt=0, description="complex dimensions of a token")
    n_layers: int = Field(1, ge=0, description="polarizing blocks")
    epochs: int = Field(3, gt=0, description="passes over the training set")
    batch_size: int = Field(32, gt=0, description="samples in an optimizer step")
    horizon: int = Field(96, gt=0, description="hours it forecasts")


class SyntheticConfig(SyntheticModelConfig, ClassifierConfig):
    """All options of a classifier of signal-versus-noise tokens."""

    domain = "synthetic"
    dataset: Literal["signal_noise"] = "signal_noise"
    epochs: int = Field(4, gt=0, description="passes over the training set")
    n_tokens: int = Field(16, gt=0, description="tokens of a sample")
    token_dim: int = Field(32, gt=0, description="complex features of a token")
    n_signal: int = Field(4, gt=0, description="tokens that carry the signal where there is one")
    n_patterns: int = Field(1, gt=0, description="different signals; classes are noise and these")
    coherence: float = Field(0.4, ge=0, le=1, description="phase alignment of the signal: 1 exact")
    common_phase: Literal["fixed", "random"] = Field(
        "random", description="random: a sample's signal is turned as a whole; defeats the mean"
    )


_CONFIGS: dict[str, type[TrainingConfig]] = {
    kind.domain: kind for kind in (ImageConfig, AudioConfig, TimeSeriesConfig, SyntheticConfig)
}


def config_for(domain: str, **values: Any) -> TrainingConfig:
    """The configuration of a domain with `values` over its defaults.

    config_for("image", dataset="cifar10", epochs=5)
    """
    if domain not in _CONFIGS:
        raise UnknownNameError("domain", domain, _CONFIGS)
    return _CONFIGS[domain](**values)


def _readable(error: ValidationError) -> ConfigError:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"]) or "configuration"
    return ConfigError(f"option {name} cannot be that", seen=first["input"], do=f"{first['msg']}.")
