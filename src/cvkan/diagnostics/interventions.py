"""What happens to the answers when phases or magnitudes are destroyed on the way.

Tokens are changed where they enter a layer (or, after the last, the pooling) of a trained model;
whatever then gets worse was carried by what was destroyed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from cvkan.config import TrainingConfig
from cvkan.data.splits import Split
from cvkan.diagnostics.style import FAINT, TEAL
from cvkan.errors import CvkanError, UnknownNameError
from cvkan.layers.aggregation import uniform_weights
from cvkan.models.base import TokenModel
from cvkan.polar import Polar
from cvkan.training.metrics import are_classes
from cvkan.training.predict import predict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Change = Callable[[Polar, Tensor | None, torch.Generator], Polar]


@dataclass(frozen=True)
class Effect:
    """The answers with one thing destroyed, beside those of the model as it is.

    Standard errors are over samples; that of the difference is smaller than both, as the samples
    are the same.
    """

    intervention: str
    place: str  # before layer k, counted from 1, or before the pooling
    metric: str  # accuracy, or mse where targets are no classes
    value: float
    error: float
    change: float  # value - value of the model as it is
    change_error: float
    n_samples: int


def intervene(
    model: TokenModel,
    split: Split,
    config: TrainingConfig,
    *,
    layers: Sequence[int] | None = None,
    interventions: Sequence[str] | None = None,
    seed: int = 0,
) -> tuple[Effect, ...]:
    """Every intervention (default: all) before every layer (default: all, and the pooling).

    Layers count from 0, and their number stands for the pooling.
    """
    depth = len(model.backbone.layers)
    places = range(depth + 1) if layers is None else layers
    names = INTERVENTIONS if interventions is None else interventions
    for name in names:
        if name not in INTERVENTIONS:
            raise UnknownNameError("intervention", name, INTERVENTIONS)
    for place in places:
        if not 0 <= place <= depth:
            raise CvkanError(
                f"the model has {depth} layers",
                seen=place,
                do=f"Layers are 0 to {depth} (pooling).",
            )
    # a copy: compiled models do not look at hooks
    model = copy.deepcopy(model)
    config = config.model_copy(update={"compile": False})
    plain, metric = _scores(model, split, config)
    effects = []
    for place in places:
        part = model.backbone.layers[place] if place < depth else model.pool
        for name in names:
            with _changed(part, INTERVENTIONS[name], seed):
                scores, _ = _scores(model, split, config)
            where = f"before layer {place + 1}" if place < depth else "before the pooling"
            effects.append(_effect(name, where, metric, scores, plain))
    return tuple(effects)


def _scores(model: nn.Module, split: Split, config: TrainingConfig) -> tuple[Tensor, str]:
    """One number a sample: right or wrong, or the mean squared error."""
    said = predict(model, split, config)
    if are_classes(said.targets):
        return (said.classes == said.targets).double(), "accuracy"
    squares = (said.outputs - said.targets).double().square()
    return squares.flatten(1).mean(1), "mse"


def _effect(name: str, place: str, metric: str, scores: Tensor, plain: Tensor) -> Effect:
    n_samples = len(scores)

    def error(values: Tensor) -> float:
        return float(values.std() / n_samples**0.5) if n_samples > 1 else float("nan")

    change = scores - plain
    return Effect(
        name,
        place,
        metric,
        float(scores.mean()),
        error(scores),
        float(change.mean()),
        error(change),
        n_samples,
    )


@contextmanager
def _changed(part: nn.Module, change: Change, seed: int) -> Iterator[None]:
    """Within, `part` gets changed tokens."""
    generator = torch.Generator().manual_seed(seed)

    def hook(_: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        z, mask = (*inputs, None)[:2]
        return (change(z, mask, generator).masked(mask), *inputs[1:])

    handle = part.register_forward_pre_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def _permuted(z: Polar, mask: Tensor | None, generator: torch.Generator) -> Polar:
    """The tokens of every sample in another order; padding stays where it is."""
    batch, tokens = z.shape[:2]
    keys = torch.rand(batch, tokens, generator=generator).to(z.pair.device)
    if mask is None:
        order = keys.argsort(1)
    else:
        # the i-th real place gets the real token with the i-th smallest key
        drawn = keys.masked_fill(~mask, 2.0).argsort(1)
        places = (~mask).to(torch.int8).argsort(dim=1, stable=True)
        order = torch.empty_like(drawn).scatter_(1, places, drawn)
    return z[torch.arange(batch, device=order.device)[:, None], order]


def _uniform(z: Polar, generator: torch.Generator) -> Polar:
    """Unit numbers of random angles."""
    turn = torch.rand(z.shape, generator=generator).to(z.pair) * (2 * torch.pi)
    return Polar.of(turn.cos(), turn.sin())


def _zero(z: Polar) -> Polar:
    return Polar.of(torch.ones_like(z.re), torch.zeros_like(z.im))


def _mean_magnitude(z: Polar, mask: Tensor | None) -> Tensor:
    return (uniform_weights(z, mask) @ z.magnitude()).expand(z.shape)


# scrambled: those of another token of the same sample, all dimensions together
INTERVENTIONS: dict[str, Change] = {
    "phases scrambled": lambda z, m, g: _permuted(z, m, g).unit().scale(z.magnitude()),
    "phases zero": lambda z, m, g: _zero(z).scale(z.magnitude()),
    "phases uniform": lambda z, m, g: _uniform(z, g).scale(z.magnitude()),
    "magnitudes scrambled": lambda z, m, g: z.unit().scale(_permuted(z, m, g).magnitude()),
    "magnitudes one": lambda z, m, g: z.unit(),
    "magnitudes mean": lambda z, m, g: z.unit().scale(_mean_magnitude(z, m)),
}


def draw_effects(effects: Sequence[Effect], axes: Axes) -> Axes:
    """The change by each intervention, a bar a layer, two standard errors either way."""
    names = list(dict.fromkeys(effect.intervention for effect in effects))
    places = list(dict.fromkeys(effect.place for effect in effects))
    height = 0.8 / len(places)
    for number, place in enumerate(places):
        own = [effect for effect in effects if effect.place == place]
        axes.barh(
            [names.index(effect.intervention) + (number + 0.5) * height - 0.4 for effect in own],
            [effect.change for effect in own],
            height,
            xerr=[2 * effect.change_error for effect in own],
            color=TEAL,
            alpha=(number + 1) / len(places),
            label=place,
        )
    axes.axvline(0, color=FAINT, zorder=0)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel(f"change of {effects[0].metric} ({effects[0].n_samples} samples)")
    axes.legend()
    return axes
