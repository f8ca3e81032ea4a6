"""Options of the text classifier."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cvkan.config.model import Kan
from cvkan.config.training import ClassifierConfig


class TextConfig(ClassifierConfig):
    """All options of a text classifier."""

    domain = "text"
    model: Kan | Literal["textcnn", "bag_of_words", "lstm", "transformer"] = Field(
        "cvkan", description="cvkan, a twin of it, or a baseline"
    )
    dataset: Literal["opinions", "sst2"] = Field("opinions", description="opinions is generated")
    max_words: int = Field(64, gt=0, description="words of a sentence that are read")
    min_count: int = Field(1, gt=0, description="occurrences in training that make a known word")
    epochs: int = Field(5, gt=0, description="passes over the training set")
