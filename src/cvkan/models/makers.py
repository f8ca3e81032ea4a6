"""How a model of a name is made, in its own size or in that of another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from torch import nn

from cvkan.baselines.matching import count_parameters, largest, nearest_in_size, shape_only
from cvkan.errors import CvkanError
from cvkan.info import DataInfo

TOLERANCE = 0.03  # of the parameters to be matched


@dataclass(frozen=True)
class Size:
    """The two numbers by which a model grows: its width, and that of the layers inside."""

    width: int
    hidden: int


class Maker(Protocol):
    """Makes one kind of model from a configuration and a data set's shape."""

    def own(self, config: Any, info: DataInfo) -> nn.Module:
        """The model in its own size."""

    def matched(self, config: Any, info: DataInfo, target: int) -> nn.Module:
        """The model with `target` parameters, to 3%; CvkanError where it cannot have them."""


@dataclass(frozen=True)
class Kan:
    """A cvkan model or a twin; it grows by the hidden width of its blocks alone."""

    make: Callable[[Any, DataInfo], nn.Module]

    def own(self, config: Any, info: DataInfo) -> nn.Module:
        return self.make(config, info)

    def matched(self, config: Any, info: DataInfo, target: int) -> nn.Module:
        def of(hidden: int) -> nn.Module:
            return self.make(config.model_copy(update={"mlp_hidden": hidden}), info)

        hidden = largest(lambda hidden: count_parameters(shape_only(lambda: of(hidden))), target)
        return _checked(of(hidden), target)


@dataclass(frozen=True)
class Baseline:
    """A model that grows by width, a multiple of `step`, and fills up by its hidden width."""

    make: Callable[[Any, DataInfo, Size], nn.Module]
    size: Size  # where no other model is matched
    step: int = 1

    def own(self, config: Any, info: DataInfo) -> nn.Module:
        return self.make(config, info, self.size)

    def matched(self, config: Any, info: DataInfo, target: int) -> nn.Module:
        def count(width: int, hidden: int) -> int:
            return count_parameters(
                shape_only(lambda: self.make(config, info, Size(width, hidden)))
            )

        size = Size(*nearest_in_size(count, target, step=self.step, tolerance=TOLERANCE))
        return self.make(config, info, size)


@dataclass(frozen=True)
class Fixed:
    """A model whose size follows from the data alone."""

    make: Callable[[Any, DataInfo], nn.Module]

    def own(self, config: Any, info: DataInfo) -> nn.Module:
        return self.make(config, info)

    def matched(self, config: Any, info: DataInfo, target: int) -> nn.Module:
        raise CvkanError(
            f"the size of model {config.model} follows from the data, so it cannot match another",
            seen=config.match_params_of,
            do="Leave match_params_of out.",
        )


def _checked(model: nn.Module, target: int) -> nn.Module:
    reached = count_parameters(model)
    if abs(reached - target) > TOLERANCE * target:
        raise CvkanError(
            f"no hidden width brings this model within {TOLERANCE:.0%} of {target} parameters",
            seen=reached,
            do="Change d_complex or n_layers.",
        )
    return model
