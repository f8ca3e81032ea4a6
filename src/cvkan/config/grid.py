"""Options of the classifier of grid tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from cvkan.config.model import KANS, Kan
from cvkan.config.options import Needs
from cvkan.config.training import ClassifierConfig

_CONVOLUTIONAL = Needs("model", (*KANS, "cnn"))
_CONTEXT = Needs("model", ("context",))


class GridConfig(ClassifierConfig):
    """All options of a classifier of grid tasks by what their demonstrations do."""

    domain = "grid"
    extra_metrics = ("majority", "accuracy_se", "balanced_accuracy")
    model: Kan | Literal["cnn", "context"] = Field(
        "cvkan", description="cvkan, a twin of it, or a baseline"
    )
    dataset: Literal["rules", "arc"] = Field("rules", description="rules is generated")
    resplit: bool = Field(
        False, description="draw and split by seed too: one test set of 78 tasks says little"
    )
    n_demonstrations: int = Field(
        3, gt=0, description="demonstrations of a task that are looked at"
    )
    random_demonstrations: bool = Field(
        True, description="train on any of a task's demonstrations; false: on its first ones"
    )
    permute_colours: Literal["none", "nonzero", "all"] = Field(
        "nonzero", description="exchange colours of a training task; nonzero leaves the background"
    )
    symmetries: bool = Field(False, description="turn and mirror training tasks as a whole")
    tokens: Literal["grids", "relation", "both"] = Field(
        "both", description="a token is a patch of a grid, how its two grids differ, or either"
    )
    patch_size: Literal[1, 2, 4, 8] = Field(4, description="cells across a token or feature")
    depth: int = Field(3, gt=0, description="convolutions; the first ones halve the grid")
    width: float = Field(1.0, gt=0, description="multiplies channels of convolutions")
    colours: Literal["one_hot", "shares", "both"] = Field(
        "both", description="convolutions see which colour a cell has, how common it is, or both"
    )
    coordinates: bool = Field(False, description="convolutions see row and column")
    demo_aggregation: Literal["flatten", "mean", "cvkan"] = Field(
        "mean", description="how demonstrations join; cvkan: as tokens that interact"
    )
    pixel_layers: int = Field(1, ge=0, description="self-attention layers within each grid")
    grid_layers: int = Field(1, gt=0, description="cross-attention layers from outputs to inputs")
    head: Literal["linear", "class_vectors", "cosine"] = Field(
        "linear", description="class_vectors: products with learned vectors; cosine: their angles"
    )
    temperature: float = Field(10.0, gt=0, description="multiplies cosines, at first if learned")
    learn_temperature: bool = Field(True, description="false: it stays as it is")
    d_complex: int = Field(32, gt=0, description="complex dimensions of a token")
    n_layers: int = Field(2, ge=0, description="layers in which tokens interact; 0: the control")
    epochs: int = Field(2, gt=0, description="passes over the training set")
    batch_size: int = Field(32, gt=0, description="samples in an optimizer step")

    of_kans: ClassVar = (*ClassifierConfig.of_kans, "n_layers")

    needs: ClassVar = {
        "tokens": Needs("model", KANS),
        "positions": Needs("model", KANS),
        "depth": _CONVOLUTIONAL,
        "width": _CONVOLUTIONAL,
        "colours": _CONVOLUTIONAL,
        "coordinates": _CONVOLUTIONAL,
        "demo_aggregation": _CONVOLUTIONAL,
        "pixel_layers": _CONTEXT,
        "grid_layers": _CONTEXT,
        "temperature": Needs("head", ("cosine",)),
        "learn_temperature": Needs("head", ("cosine",)),
    }

    @property
    def _has_layers(self) -> bool:
        # its demonstrations are then complex tokens
        joins = self.demo_aggregation == "cvkan" and "cnn" in self._all_of("model")
        return joins or super()._has_layers

    def _contradictions(self) -> Iterator[tuple[bool, str, str, str]]:
        yield from super()._contradictions()
        yield (
            self.colours == "shares" and self.permute_colours == "nonzero",
            "permute_colours",
            "has no effect with colours shares, which no exchange of them changes",
            "Set permute_colours to none, or to all, which exchanges the background too.",
        )
