"""Configurations of a size in parameters."""

from __future__ import annotations

from typing import TypeVar

from cvkan.baselines.matching import count_parameters, largest, shape_only
from cvkan.config import ModelConfig
from cvkan.errors import CvkanError
from cvkan.info import DataInfo
from cvkan.models import build

Config = TypeVar("Config", bound=ModelConfig)


def sized(config: Config, info: DataInfo, parameters: int) -> Config:
    """The configuration with the largest `d_complex` at which its model has at most `parameters`.

    So that deep and shallow models can be compared at equal size. Heads divide the dimensions it
    finds. Raises CvkanError where one complex dimension (of each head) is already too large, and
    for a baseline, whose size has nothing to do with it.
    """

    def at(width: int) -> Config:
        return config.model_copy(update={"d_complex": width * config.n_groups})

    def count(width: int) -> int:
        return count_parameters(shape_only(lambda: build(at(width), info)))

    if count(1) == count(2):
        raise CvkanError(
            "this model does not grow with d_complex, so it cannot be sized by it",
            seen=config.model,
            do="Size cvkan or a twin, and set match_params_of for the others.",
        )
    if count(1) > parameters:
        raise CvkanError(
            f"the model has {count(1)} parameters at d_complex {config.n_groups}",
            seen=parameters,
            do="Raise the budget, or lower n_layers or kan_hidden.",
        )
    return at(largest(count, parameters))
