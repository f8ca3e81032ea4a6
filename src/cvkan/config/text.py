"""Options of the text classifier."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from cvkan.config.model import KANS, Aggregation, Kan, Pooling, Positions
from cvkan.config.options import Needs
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
    word_dropout: float = Field(
        0.0, ge=0, lt=1, description="share of training words that are made unknown"
    )
    composition: Literal["none", "turn"] = Field(
        "turn", description="turn: words turn and scale the words that follow them"
    )
    reach: int = Field(2, gt=0, description="how many following words composition turn reaches")
    readout: Literal["parts", "magnitude"] = Field(
        "parts", description="what the head sees: real and imaginary parts, or magnitudes only"
    )
    d_complex: int = Field(16, gt=0, description="complex dimensions of a token")
    n_layers: int = Field(1, ge=0, description="layers in which tokens interact; 0: the control")
    kan_hidden: int = Field(8, gt=0, description="base width of the perceptrons")
    # a word sees those before it: what a "but" has ended
    aggregation: Aggregation = Field(
        "causal", description="how a block sums up the tokens it lets interact"
    )
    # the geometric mean over words would take away how strongly a sentence speaks
    center_magnitudes: bool = Field(
        False,
        description="divide each dimension by its geometric mean over tokens after each layer",
    )
    positions: Positions = Field("none", description="how a token is turned by its place")
    pooling: Pooling = Field("mean", description="how tokens become one feature vector")
    epochs: int = Field(3, gt=0, description="passes over the training set")
    batch_size: int = Field(32, gt=0, description="samples in an optimizer step")
    lr: float = Field(1e-2, gt=0, description="learning rate at its peak")

    of_kans: ClassVar = (*ClassifierConfig.of_kans, "composition", "reach", "readout")

    needs: ClassVar = {
        "reach": Needs("composition", ("turn",)),
        "n_layers": Needs("model", (*KANS, "transformer")),
        "data_seed": Needs("dataset", ("opinions",)),
    }

    def _contradictions(self) -> Iterator[tuple[bool, str, str, str]]:
        yield from super()._contradictions()
        blocks_have_own = (
            self.mlp_hidden is not None or self.layer == "phase_attention" or self.n_layers == 0
        )
        yield (
            blocks_have_own and self.readout == "parts" and self._changed("kan_hidden"),
            "kan_hidden",
            "has no effect: no block has that width, and readout parts has no hidden layer",
            "Leave it out, or set readout to magnitude.",
        )
