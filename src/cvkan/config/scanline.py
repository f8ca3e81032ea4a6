"""Options of the classifier of tip states from scan lines."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cvkan.config.model import Kan
from cvkan.config.training import ClassifierConfig


class ScanlineConfig(ClassifierConfig):
    """All options of a classifier of tip states from scan lines."""

    domain = "scanline"
    model: Kan | Literal["vit", "lrcn"] = Field(
        "cvkan", description="cvkan, a twin of it, or a baseline"
    )
    dataset: Literal["simulated_tips", "stm_tips"] = Field(
        "simulated_tips", description="simulated_tips is simulated"
    )
    class_weights: bool = True
    epochs: int = Field(5, gt=0, description="passes over the training set")
