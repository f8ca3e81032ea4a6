"""Every option of every model, with its default; the training configuration inherits these.

A full configuration puts the model half first, so that its defaults win:

    class ImageConfig(ImageModelConfig, TrainingConfig): ...
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

ModelName = Literal["cvkan", "vit"]
Aggregation = Literal["mean", "magnitude_weighted", "local_window", "causal", "attention"]
Interaction = Literal["broadcast", "pointwise"]
Norm = Literal["none", "layer", "rms"]
Pooling = Literal["mean", "max", "attention", "last"]
Embedding = Literal["linear", "deep"]


class ModelConfig(BaseModel):
    """Options that every domain's model has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: ModelName = Field("cvkan", description="which model; vit is a baseline for images")
    seed: int = Field(0, ge=0, description="initial weights; order of batches and dropout too")
    d_complex: int = Field(64, gt=0, description="complex dimensions of a token")
    n_layers: int = Field(2, ge=0, description="polarizing blocks")
    interaction: Interaction = Field(
        "broadcast", description="broadcast: tokens see the context only; pointwise: and themselves"
    )
    aggregation: Aggregation = Field(
        "magnitude_weighted", description="how a block sums up the tokens it lets interact"
    )
    window: int = Field(7, gt=0, description="tokens across the window of aggregation local_window")
    kan_hidden: int = Field(32, gt=0, description="base width of the perceptrons")
    mlp_expansion: int = Field(4, gt=0, description="a block's hidden width is kan_hidden times it")
    per_dim: bool = Field(
        True, description="dense over all dimensions; false: one shared 1-D function (KAN-like)"
    )
    # small, so that blocks begin near the identity and grow as far as they help
    mag_scale: float = Field(0.01, description="initial size of a block's update (it is learned)")
    norm: Norm = Field("none", description="normalisation after each block")
    center_magnitudes: bool = Field(
        True, description="divide each dimension by its geometric mean over tokens after each block"
    )
    dropout: float = Field(0.0, ge=0.0, lt=1.0, description="rate inside perceptrons and heads")
    pooling: Pooling = Field("attention", description="how tokens become one feature vector")


class ImageModelConfig(ModelConfig):
    """Options of the image model."""

    embedding: Embedding = Field("deep", description="linear patches, or a convolutional stem")
    patch_size: int = Field(4, gt=0, description="pixels across a token; deep needs a power of 2")


class AudioModelConfig(ModelConfig):
    """Options of the audio model."""

    n_fft: int = Field(256, gt=1, description="samples of a spectrogram window")
    hop: int = Field(128, gt=0, description="samples between two spectrogram frames")


class TimeSeriesModelConfig(ModelConfig):
    """Options of the forecasting model."""

    aggregation: Aggregation = "causal"
    pooling: Pooling = "last"
    linear_path: bool = Field(
        True, description="add a linear forecast per channel (trend and remainder), as in DLinear"
    )


class SyntheticModelConfig(ModelConfig):
    """Options of the model for bare token sequences: all common to every domain."""
