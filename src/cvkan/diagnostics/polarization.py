"""Do magnitudes polarize and phases align from layer to layer?

Each figure is drawn from a frozen value that another function computes; tests look at the values.
The states come from a model's `trace`: tokens after the embedding and after each layer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cvkan.diagnostics.style import AMBER, TEAL
from cvkan.polar import Polar

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Polarization:
    """One number a state (the embedding first), each a mean over samples and dimensions.

    All but the first are of magnitudes relative to their mean over tokens, so that a layer that
    scales all tokens alike changes nothing.
    """

    magnitude: tuple[float, ...]  # mean |z|
    variance: tuple[float, ...]  # over tokens, of |z| divided by its mean over tokens
    coherence: tuple[float, ...]  # |mean over tokens of z / |z||: 0 scattered, 1 all in phase
    gini: tuple[float, ...]  # of |z| over tokens: 0 all alike, 1 - 1/N one token has it all
    entropy: tuple[float, ...]  # of the shares of |z|, over log N: 1 all alike, 0 one has it all
    peak: tuple[float, ...]  # the largest |z| over the mean


def polarization(states: Sequence[Polar], mask: Tensor | None = None) -> Polarization:
    """Sum up `model.trace(x)`; mask (batch, tokens) is true where a token is real."""
    rows = [_row(state, mask) for state in states]
    return Polarization(*(tuple(column) for column in zip(*rows, strict=True)))


def _row(state: Polar, mask: Tensor | None) -> tuple[float, ...]:
    batch, tokens = state.shape[:2]
    real = state.pair.new_ones(batch, tokens) if mask is None else mask.to(state.pair.dtype)
    count = real.sum(1).clamp(min=1)
    share = (real / count.unsqueeze(1)).unsqueeze(1)  # (B, 1, N)
    magnitude = state.magnitude()
    mean = share @ magnitude
    relative = torch.where(real.bool().unsqueeze(-1), magnitude / mean, 0.0)  # (B, N, D)
    variance = share @ (relative - 1).square()
    coherence = state.unit().weighted_sum(share).magnitude()
    entropy = share @ (relative * relative.clamp(min=1e-12).log())  # log N - that, over log N
    alike = 1 - entropy.squeeze(1) / count.clamp(min=2).log().unsqueeze(1)
    columns = (mean, variance, coherence, _gini(relative, count), alike, relative.amax(1))
    return tuple(float(column.mean()) for column in columns)


def _gini(relative: Tensor, count: Tensor) -> Tensor:
    """Of (B, N, D) with mean 1 over the `count` (B) real tokens; the others are zero."""
    ordered = relative.sort(1).values  # padding comes first, and weighs nothing
    padding = relative.shape[1] - count
    rank = torch.arange(1, relative.shape[1] + 1, device=relative.device) - padding.unsqueeze(1)
    weight = (2 * rank - count.unsqueeze(1) - 1) / count.square().unsqueeze(1)
    return (weight.unsqueeze(-1) * ordered).sum(1)


def draw_polarization(summary: Polarization, axes: Axes) -> Axes:
    """Both curves over layers, on two scales: variance at the left, coherence at the right."""
    layers = range(len(summary.variance))
    axes.plot(layers, summary.variance, "o-", color=AMBER)
    axes.set_xlabel("layer (0 = embedding)")
    axes.set_xticks(list(layers))
    axes.set_ylabel("magnitude variance over tokens", color=AMBER)
    axes.set_ylim(0, 1.15 * max(summary.variance) or 1)
    right = axes.twinx()
    right.plot(layers, summary.coherence, "s--", color=TEAL)
    right.set_ylabel("phase coherence", color=TEAL)
    right.set_ylim(0, 1)
    right.grid(visible=False)
    right.spines["right"].set_visible(True)
    axes.set_title("Polarization over depth")
    return axes


@dataclass(frozen=True)
class Constellation:
    """The values of one sample in some dimensions: points of the complex plane."""

    re: tuple[float, ...]
    im: tuple[float, ...]
    token: tuple[float, ...]  # position of each point's token, 0 first to 1 last


def constellation(
    state: Polar, mask: Tensor | None = None, *, sample: int = 0, dimensions: int = 8
) -> Constellation:
    """The first dimensions of one sample's tokens, as plain numbers.

    mask (batch, tokens) is true where a token is real; the others are left out.
    """
    chosen = state[sample].detach()
    re, im = (part[:, :dimensions].cpu() for part in (chosen.re, chosen.im))
    if mask is not None:
        real = mask[sample].bool().cpu()
        re, im = re[real], im[real]
    place = torch.linspace(0, 1, re.shape[0])[:, None].expand_as(re)
    return Constellation(*(tuple(values.flatten().tolist()) for values in (re, im, place)))


def draw_constellation(points: Constellation, axes: Axes, *, title: str = "") -> Axes:
    """Angle is phase, distance from the centre is magnitude (circle: 1), colour is the place."""
    axes.scatter(points.re, points.im, c=points.token, cmap="viridis", s=9, alpha=0.7, linewidths=0)
    reach = 1.05 * max(map(abs, (*points.re, *points.im)), default=1.0) or 1.0
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=title)
    axes.axhline(0, color="0.8", linewidth=0.6, zorder=0)
    axes.axvline(0, color="0.8", linewidth=0.6, zorder=0)
    around = [2 * math.pi * step / 90 for step in range(91)]
    axes.plot(*([f(a) for a in around] for f in (math.cos, math.sin)), color="0.5", linewidth=0.8)
    axes.spines[:].set_visible(False)
    axes.set_xticks([])
    axes.set_yticks([])
    return axes
