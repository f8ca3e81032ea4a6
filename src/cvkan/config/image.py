"""Options of the image classifier."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from cvkan.config.model import KANS, Aggregation, Kan
from cvkan.config.options import Needs
from cvkan.config.training import ClassifierConfig

Embedding = Literal["linear", "deep"]

_PATCHES = Needs("model", (*KANS, "vit", "mixer"))


class ImageConfig(ClassifierConfig):
    """All options of an image classifier."""

    domain = "image"
    model: Kan | Literal["vit", "resnet", "mixer"] = Field(
        "cvkan", description="cvkan, a twin of it, or a baseline"
    )
    dataset: Literal["digits", "cifar10"] = Field(
        "digits", description="digits come with scikit-learn"
    )
    normalise: Literal["dataset", "image", "none"] = Field(
        "dataset", description="by the training set's moments, by an image's own, or to 0 to 1"
    )
    aggregation: Aggregation = Field(
        "local_window", description="how a block sums up the tokens it lets interact"
    )
    window: int = Field(3, gt=0, description="tokens across the window of aggregation local_window")
    # the interference block normalises what it reads
    center_magnitudes: bool = Field(
        False,
        description="divide each dimension by its geometric mean over tokens after each layer",
    )
    embedding: Embedding = Field("deep", description="linear patches, or a convolutional stem")
    patch_size: int = Field(4, gt=0, description="pixels across a token; deep needs a power of 2")
    epochs: int = Field(5, gt=0, description="passes over the training set")
    flip: bool = Field(False, description="mirror half of the training images left to right")
    shift: int = Field(0, ge=0, description="move training images by up to this many pixels")

    of_kans: ClassVar = (*ClassifierConfig.of_kans, "embedding")

    needs: ClassVar = {"n_layers": _PATCHES, "patch_size": _PATCHES}
