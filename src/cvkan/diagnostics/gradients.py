"""How gradients flow back through the layers."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from cvkan.config import TrainingConfig
from cvkan.data.splits import Splits
from cvkan.diagnostics.style import AMBER, TEAL
from cvkan.models.base import TokenModel
from cvkan.training.device import device_of
from cvkan.training.objective import objective_for
from cvkan.training.precision import precision_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class GradientFlow:
    """Norms of gradients of the training loss; means over batches."""

    tokens: tuple[float, ...]  # of a sample's loss by its tokens: the embedding, each layer's
    parameters: tuple[float, ...]  # of the loss by all parameters of a layer, one a layer
    relative: tuple[float, ...]  # the same, over the norm of the parameters themselves
    total: float  # by all parameters of the model, before clipping


def gradient_flow(
    model: TokenModel, splits: Splits, config: TrainingConfig, *, batches: int = 4
) -> GradientFlow:
    """From the first batches of the training split, in training mode; nothing is changed.

    The precision is that of `config`; gradients that float16 loses are lost here too, as nothing is
    scaled up.

    A layer that passes gradients on keeps the norms of tokens level; one that shrinks or swells
    them shows as a step.
    """
    device = device_of(config)
    model = copy.deepcopy(model).to(device).train()  # a copy: batch norms keep running statistics
    loss_of = objective_for(config, splits, device)
    rows = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        size = config.batch_size
        for start in range(0, min(batches * size, len(splits.train)), size):
            inputs, targets = splits.train[start : start + size]
            with _Entering(model) as entered, precision_of(config, device):
                outputs = model(inputs.to(device)).float()
            model.zero_grad(set_to_none=True)
            loss_of(outputs, targets.to(device)).backward()  # type: ignore[no-untyped-call]
            rows.append(_row(model, entered, len(inputs)))
    tokens, parameters, relative, (total,) = (_means(column) for column in zip(*rows, strict=True))
    return GradientFlow(tokens, parameters, relative, total)


class _Entering:
    """Within, collects what enters each layer and the pooling; the tensors keep their gradients."""

    def __init__(self, model: TokenModel) -> None:
        self._parts = [*model.backbone.layers, model.pool]

    def __enter__(self) -> list[Tensor]:
        self.tokens: list[Tensor] = []
        self._handles = [part.register_forward_pre_hook(self._keep) for part in self._parts]
        return self.tokens

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _keep(self, _: nn.Module, inputs: tuple[Any, ...]) -> None:
        pair: Tensor = inputs[0].pair
        pair.retain_grad()
        self.tokens.append(pair)


def _row(
    model: TokenModel, tokens: list[Tensor], n_samples: int
) -> tuple[list[float], list[float], list[float], list[float]]:
    # the loss is a mean over samples, so a sample's own gradient is n_samples times as large
    of_tokens = [
        float(pair.grad.flatten(1).norm(dim=1).mean()) * n_samples if pair.grad is not None else 0.0
        for pair in tokens
    ]
    gradients = [_norm(p.grad for p in layer.parameters()) for layer in model.backbone.layers]
    weights = [_norm(layer.parameters()) for layer in model.backbone.layers]
    relative = [g / w if w else 0.0 for g, w in zip(gradients, weights, strict=True)]
    return of_tokens, gradients, relative, [_norm(p.grad for p in model.parameters())]


def _norm(tensors: Iterable[Tensor | None]) -> float:
    squares = (float(t.detach().double().square().sum()) for t in tensors if t is not None)
    return math.sqrt(sum(squares))


def _means(rows: Sequence[Sequence[float]]) -> tuple[float, ...]:
    return tuple(sum(column) / len(column) for column in zip(*rows, strict=True))


def draw_gradients(flow: GradientFlow, axes: Axes) -> Axes:
    """Norms over layers, on one logarithmic scale."""
    places = range(len(flow.tokens))
    axes.plot(places, flow.tokens, "o-", color=TEAL, label="by tokens, a sample")
    axes.plot(places[1:], flow.parameters, "s--", color=AMBER, label="by a layer's parameters")
    axes.set_yscale("log")
    axes.set(xlabel="layer (0 = embedding)", ylabel="gradient norm", xticks=list(places))
    axes.set_title(f"Gradients over depth (all parameters: {flow.total:.3g})")
    axes.legend()
    return axes
