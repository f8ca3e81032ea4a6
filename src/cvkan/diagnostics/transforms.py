"""The functions of one variable inside a trained polarizing block.

A block makes the log-magnitude and the phase of its update from those of the context. With
`per_dim` false that is one shared function of one dimension, drawn as it is. A dense block has a
function of all dimensions: here one of them is swept, the others rest at their mean over the data.
With interaction `pointwise` the swept value is the token's own, and the context rests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cvkan.diagnostics.style import FAINT, TEAL
from cvkan.errors import CvkanError
from cvkan.layers.aggregation import uniform_weights
from cvkan.layers.polarizing import PolarizingBlock
from cvkan.models.base import TokenModel
from cvkan.polar import Polar

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STEPS = 181


@dataclass(frozen=True)
class Response:
    """A curve, and what can be said about it in numbers."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    rising: float  # share of steps upwards: 1 and 0 are monotone
    slope: float  # mean over the range; of an angle, turns a turn
    from_identity: float  # root mean square of y - x
    from_line: float  # root mean square around the best line; of an angle, around x + a constant


@dataclass(frozen=True)
class Transform:
    """What a block makes of one dimension, the size of the update (mag_scale) left out."""

    dimension: int | None  # None: one function for all
    magnitude: Response  # log-magnitude in, log-magnitude out
    phase: Response  # radians in, radians out, without jumps


@torch.no_grad()
def transforms(
    model: TokenModel,
    inputs: Tensor,
    mask: Tensor | None = None,
    *,
    layer: int = 0,
    dimensions: int = 4,
) -> tuple[Transform, ...]:
    """The first dimensions of the first polarizing block of a layer, counted from 0.

    `inputs` is a batch of samples: it says where the values lie (log-magnitudes are swept from
    their 1st to their 99th percentile). CvkanError where the layer has no polarizing block.
    """
    block = _block(model, layer)
    seen: list[tuple[Polar, Polar]] = []
    handle = block.register_forward_pre_hook(lambda _, given: seen.append(given))
    was_training = model.training
    try:
        model.eval()(inputs, mask=mask)
    finally:
        handle.remove()
        model.train(was_training)
    token, context = (_flat(Polar(torch.cat([given[i].pair for given in seen]))) for i in (0, 1))
    swept = token if block.pointwise else context
    chosen = range(min(dimensions, swept.shape[-1])) if block.per_dim else (None,)
    return tuple(_transform(block, swept, context, dimension) for dimension in chosen)


def _block(model: TokenModel, layer: int) -> PolarizingBlock:
    layers = model.backbone.layers
    if not 0 <= layer < len(layers):
        raise CvkanError("the model has no such layer", seen=layer, do=f"It has {len(layers)}.")
    for part in layers[layer].modules():
        if isinstance(part, PolarizingBlock):
            return part
    kinds = ", ".join(type(part).__name__ for part in layers[layer].children())
    raise CvkanError(
        "this layer has no polarizing block, so no function of one variable",
        seen=kinds,
        do="Choose a model with interaction broadcast or pointwise.",
    )


def _flat(state: Polar) -> Polar:
    """Tokens of all samples that are not padding (exactly zero), as (M, D)."""
    pair = state.pair.flatten(0, -3)
    return Polar(pair[pair.flatten(1).any(1)])


def _transform(
    block: PolarizingBlock, swept: Polar, context: Polar, dimension: int | None
) -> Transform:
    rest, rest_context = _resting(swept), _resting(context)
    if dimension is None:  # one shared function: any dimension shows it
        values, dimension_in = swept.log_magnitude().flatten(), 0
    else:
        values, dimension_in = swept.log_magnitude()[:, dimension], dimension
    low, high = values.double().quantile(torch.tensor([0.01, 0.99]).to(values.device).double())
    logs = torch.linspace(float(low), float(high), STEPS)
    angles = torch.linspace(-math.pi, math.pi, STEPS)
    size = _answers(block, rest, rest_context, dimension_in, log=logs)
    turned = _answers(block, rest, rest_context, dimension_in, angle=angles)
    magnitude = size.log_magnitude()[:, 0] - block.mag_scale.abs().log()
    turned = Polar(turned.pair * block.mag_scale.sign())  # a negative size would turn by pi
    phase = turned.phase()[:, 0]
    return Transform(dimension, _line(logs, magnitude.cpu()), _circle(angles, phase.cpu()))


def _resting(state: Polar) -> tuple[Tensor, Polar]:
    """Mean log-magnitude (D) and mean direction over tokens (M, D)."""
    batch = Polar(state.pair.unsqueeze(0))
    mean = batch.unit().weighted_sum(uniform_weights(batch, None))[0, 0]
    return state.log_magnitude().mean(0), mean.unit()


def _answers(
    block: PolarizingBlock,
    rest: tuple[Tensor, Polar],
    rest_context: tuple[Tensor, Polar],
    dimension: int,
    *,
    log: Tensor | None = None,
    angle: Tensor | None = None,
) -> Polar:
    """The update of one dimension, (STEPS,), while its log-magnitude or its angle is swept."""
    logs, units = rest[0].expand(STEPS, -1).clone(), rest[1].pair.expand(STEPS, -1, -1).clone()
    if log is not None:
        logs[:, dimension] = log.to(logs)
    if angle is not None:
        units[:, 0, dimension], units[:, 1, dimension] = (
            angle.cos().to(units),
            angle.sin().to(units),
        )
    swept = Polar(units).scale(logs.exp())
    resting = rest_context[1].scale(rest_context[0].exp())
    context = Polar(resting.pair.expand(STEPS, -1, -1)) if block.pointwise else swept
    # each step is a sample of one token
    out: Polar = block(Polar(swept.pair.unsqueeze(1)), Polar(context.pair.unsqueeze(1)))
    return Polar(out.pair[:, 0, :, dimension, None])


def _line(x: Tensor, y: Tensor) -> Response:
    design = torch.stack([torch.ones_like(x), x], dim=1).double()
    fitted = design @ torch.linalg.lstsq(design, y.double().unsqueeze(1)).solution
    slope = (y[-1] - y[0]) / (x[-1] - x[0]).clamp(min=1e-12)
    return _response(x, y, slope, y - fitted[:, 0])


def _circle(x: Tensor, phase: Tensor) -> Response:
    """Angles as one curve without jumps; a full turn of x may turn y any whole number of times."""
    steps = phase.diff()
    steps = torch.remainder(steps + math.pi, 2 * math.pi) - math.pi
    y = torch.cat([phase[:1], phase[0] + steps.cumsum(0)])
    turned = y - x
    offset = torch.atan2(turned.sin().mean(), turned.cos().mean())
    around = torch.remainder(turned - offset + math.pi, 2 * math.pi) - math.pi
    return _response(x, y, (y[-1] - y[0]) / (x[-1] - x[0]), around, angles=True)


def _response(
    x: Tensor, y: Tensor, slope: Tensor, residual: Tensor, *, angles: bool = False
) -> Response:
    difference = y - x
    if angles:
        difference = torch.remainder(difference + math.pi, 2 * math.pi) - math.pi
    return Response(
        x=tuple(x.tolist()),
        y=tuple(y.tolist()),
        rising=float((y.diff() > 0).double().mean()),
        slope=float(slope),
        from_identity=float(difference.double().square().mean().sqrt()),
        from_line=float(residual.double().square().mean().sqrt()),
    )


def draw_response(response: Response, axes: Axes, *, title: str = "", label: str = "") -> Axes:
    """The curve, and the identity as a faint line."""
    ends = (response.x[0], response.x[-1])
    axes.plot(ends, ends, color=FAINT, zorder=0)
    axes.plot(response.x, response.y, color=TEAL, label=label)
    axes.set_title(title)
    return axes
