"""Losses on the tokens behind the backbone, added to the loss of the task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from cvkan.config import TrainingConfig
from cvkan.errors import ConfigError
from cvkan.layers import losses
from cvkan.polar import Polar

_LOSSES = {
    "diversity_loss": losses.diversity,
    "anchor_loss": losses.anchor,
    "coherence_loss": losses.coherence,
}


class Auxiliary:
    """The auxiliary losses that a configuration gives a weight.

    A model is only ever called as `model(x)`, so the tokens are caught as they leave its
    backbone. Raises ConfigError for a model that has none.
    """

    def __init__(self, model: nn.Module, config: TrainingConfig) -> None:
        weights = {name: getattr(config, name) for name in _LOSSES}
        self._terms = [(weights[name], _LOSSES[name]) for name in weights if weights[name] > 0]
        self._caught: list[tuple[Polar, Tensor | None]] = []
        if not self._terms:
            return
        backbone = getattr(model, "backbone", None)
        if not isinstance(backbone, nn.Module):
            asked = ", ".join(name for name in weights if weights[name] > 0)
            raise ConfigError(
                f"model {config.model} has no complex tokens, so it cannot have the {asked}",
                seen=config.model,
                do="Leave it out, or train cvkan or one of its twins.",
            )
        self._handle = backbone.register_forward_hook(self._catch, with_kwargs=True)

    def loss(self) -> Tensor | float:
        """The weighted sum for what the model was called with last; forgets it."""
        total: Tensor | float = 0.0
        for tokens, mask in self._caught:
            for weight, loss in self._terms:
                total = total + weight / len(self._caught) * loss(tokens, mask)
        self._caught.clear()
        return total

    def remove(self) -> None:
        """Leave the model as it was."""
        if self._terms:
            self._handle.remove()

    def _catch(
        self, module: nn.Module, args: tuple[Any, ...], given: Mapping[str, Any], tokens: Polar
    ) -> None:
        if module.training:
            self._caught.append((tokens, args[1] if len(args) > 1 else given.get("mask")))
