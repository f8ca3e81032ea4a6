"""How much the phase and the magnitude of a dimension say about the class, in bits.

The estimator is that of Ross 2014 (https://doi.org/10.1371/journal.pone.0087357), by distances to
neighbours of the same class. A phase is a point on the circle, its cosine and sine taken together:
an angle cut open at pi would have neighbours that are far apart, and sine and cosine one by one
each know only half of it.

An estimate from few samples scatters about zero; `null` is what shuffled classes give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from torch import Tensor

from cvkan.diagnostics.style import AMBER, TEAL
from cvkan.layers.aggregation import uniform_weights
from cvkan.polar import Polar

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NEIGHBOURS = 3

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Bits:
    """Information of one quantity about the class, a number a dimension."""

    values: tuple[float, ...]  # bits; below zero by chance alone
    null: tuple[float, ...]  # means over dimensions with shuffled classes, one a shuffle

    @property
    def mean(self) -> float:
        """Over dimensions; to be read against the largest of `null`."""
        return sum(self.values) / len(self.values)

    @property
    def above_chance(self) -> bool:
        """Whether no shuffle came as far."""
        return self.mean > max(self.null)


@dataclass(frozen=True)
class Information:
    """What one state says about the class."""

    phase: Bits  # of the mean over tokens of z / |z|
    magnitude: Bits  # of the mean over tokens of log |z|
    classes: float  # bits that name the class: the most there can be


def information(
    state: Polar,
    labels: Tensor,
    mask: Tensor | None = None,
    *,
    dimensions: int = 16,
    shuffles: int = 20,
    seed: int = 0,
) -> Information:
    """Of the first dimensions of a state (B, N, D) about labels (B,).

    A few hundred samples are enough; time grows with their square.
    """
    weights = uniform_weights(state, mask)
    direction = state.unit().weighted_sum(weights)[:, 0].unit()
    size = (weights @ state.masked(mask).log_magnitude())[:, 0]
    rng = np.random.default_rng(seed)
    known = labels.cpu().numpy()
    shuffled = [rng.permutation(known) for _ in range(shuffles)]
    chosen = range(min(dimensions, state.shape[-1]))
    points = direction.pair.double().cpu().numpy()  # (B, 2, D)
    sizes = size.double().cpu().numpy()[:, None]
    counts = np.unique(known, return_counts=True)[1] / len(known)
    return Information(
        phase=_bits([points[..., d] for d in chosen], known, shuffled),
        magnitude=_bits([sizes[..., d] for d in chosen], known, shuffled),
        classes=float(-(counts * np.log2(counts)).sum()),
    )


def mutual_information(
    points: Array, labelings: Sequence[npt.NDArray[np.int64]], *, neighbours: int = NEIGHBOURS
) -> list[float]:
    """Bits that points (samples, features) share with each labelling of the samples.

    Not cut off at zero, so that its mean over chance is about zero. Classes of one sample are left
    out.
    """
    from scipy.spatial.distance import cdist

    order = cdist(points, points, "chebyshev").argsort(axis=1, kind="stable")
    # equal points: everyone is its own nearest
    itself = order == np.arange(len(points))[:, None]
    order = order[~itself].reshape(len(points), -1)
    return [_ross(order, np.asarray(labels), neighbours) for labels in labelings]


def _ross(order: npt.NDArray[np.int64], labels: npt.NDArray[np.int64], neighbours: int) -> float:
    """The estimate from every sample's neighbours, the nearest first."""
    from scipy.special import digamma

    _, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    size = counts[inverse]  # of each sample's class
    kept = size > 1
    k = np.minimum(neighbours, size - 1)
    same = (inverse[order] == inverse[:, None]).cumsum(axis=1)
    # how many samples of any class lie up to the k-th of the own; those left out are not counted
    within = (same == k[:, None]).argmax(axis=1)
    reached = kept[order].cumsum(axis=1)[np.arange(len(order)), within]
    terms = digamma(k[kept]) - digamma(size[kept]) - digamma(reached[kept])
    return float((digamma(kept.sum()) + terms.mean()) / np.log(2))


def _bits(
    columns: Sequence[Array],
    labels: npt.NDArray[np.int64],
    shuffled: Sequence[npt.NDArray[np.int64]],
) -> Bits:
    rows = [mutual_information(column, [labels, *shuffled]) for column in columns]
    values, *null = zip(*rows, strict=True)
    return Bits(tuple(values), tuple(sum(row) / len(row) for row in null))


def draw_information(layers: Sequence[Information], axes: Axes) -> Axes:
    """Mean bits over layers (0 is the embedding); the bands are what shuffled classes gave."""
    places = range(len(layers))
    for name, colour in (("phase", TEAL), ("magnitude", AMBER)):
        bits: list[Bits] = [getattr(layer, name) for layer in layers]
        axes.plot(places, [b.mean for b in bits], "o-", color=colour, label=name)
        low, high = [min(b.null) for b in bits], [max(b.null) for b in bits]
        axes.fill_between(places, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.set(xlabel="layer (0 = embedding)", ylabel="bits a dimension", xticks=list(places))
    axes.set_title(f"What a dimension says about the class ({layers[0].classes:.2f} bits)")
    axes.legend()
    return axes
