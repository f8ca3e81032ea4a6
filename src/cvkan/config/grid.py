"""Options of the classifier of grid tasks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cvkan.config.model import Kan
from cvkan.config.training import ClassifierConfig


class GridConfig(ClassifierConfig):
    """All options of a classifier of grid tasks by what their demonstrations do."""

    domain = "grid"
    model: Kan | Literal["cnn", "context"] = Field(
        "cvkan", description="cvkan, a twin of it, or a baseline"
    )
    dataset: Literal["rules", "arc"] = Field("rules", description="rules is generated")
    epochs: int = Field(5, gt=0, description="passes over the training set")
