"""Do the phases of tokens form groups, and are the groups classes or places?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from cvkan.diagnostics.style import AMBER, SLATE, TEAL
from cvkan.errors import UnknownNameError
from cvkan.polar import Polar

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Over = Literal["dimensions", "features"]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Purity:
    """The share of tokens whose label is the most frequent one of their cluster."""

    value: float
    chance: tuple[float, ...]  # with labels shuffled among samples, or places among a sample's


@dataclass(frozen=True)
class PhaseClusters:
    """Clusters of the phases of one state's tokens."""

    sizes: tuple[int, ...]  # tokens of each cluster
    silhouette: float  # -1 to 1: how much nearer the own cluster is than the next; 0 overlapping
    by_class: Purity  # the class of a token's sample
    by_place: Purity  # the token's position


def phase_clusters(
    state: Polar,
    labels: Tensor,
    mask: Tensor | None = None,
    *,
    n_clusters: int = 8,
    over: Over = "features",
    most: int = 4000,
    shuffles: int = 20,
    seed: int = 0,
) -> PhaseClusters:
    """k-means of the tokens (B, N, D) by phase; labels (B,) are the classes of the samples.

    A token is its unit phases, a cosine and a sine a dimension (`over="features"`), or the angle of
    its circular mean over dimensions (`over="dimensions"`), which no cut at pi tears apart either.
    At most `most` tokens are taken, at random. Purity grows with the number of clusters even where
    there is nothing to find: read it against `chance`.
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    rng = np.random.default_rng(seed)
    batch, tokens = state.shape[:2]
    real = torch.ones(batch, tokens) if mask is None else mask
    sample, place = real.cpu().numpy().nonzero()
    if len(sample) > most:
        taken = np.sort(rng.choice(len(sample), most, replace=False))
        sample, place = sample[taken], place[taken]
    values = _phases(state, over).cpu().double().numpy()[sample, place]
    found = KMeans(n_clusters, n_init=4, random_state=seed).fit_predict(values)
    counts = np.bincount(found, minlength=n_clusters)
    known = labels.cpu().numpy()
    by_class = [purity(found, rng.permutation(known)[sample]) for _ in range(shuffles)]
    by_place = [purity(found, _shuffled_within(place, sample, rng)) for _ in range(shuffles)]
    return PhaseClusters(
        sizes=tuple(counts.tolist()),
        silhouette=float(silhouette_score(values, found)),
        by_class=Purity(purity(found, known[sample]), tuple(by_class)),
        by_place=Purity(purity(found, place), tuple(by_place)),
    )


def purity(clusters: Labels, labels: Labels) -> float:
    """The share of members whose label is the most frequent one of their cluster."""
    table = np.zeros((clusters.max() + 1, labels.max() + 1), dtype=np.int64)
    np.add.at(table, (clusters, labels), 1)
    return float(table.max(axis=1).sum() / len(labels))


def _phases(state: Polar, over: Over) -> Tensor:
    """Real features (B, N, F) that are near where phases are."""
    unit = state.unit()
    if over == "features":
        return unit.features()
    if over == "dimensions":
        return Polar(unit.pair.mean(-1, keepdim=True)).unit().features()
    raise UnknownNameError("kind of phase", over, ("features", "dimensions"))


def _shuffled_within(values: Labels, groups: Labels, rng: np.random.Generator) -> Labels:
    """Values in another order within each group; groups are sorted."""
    return values[np.lexsort((rng.random(len(values)), groups))]


def draw_clusters(layers: Sequence[PhaseClusters], axes: Axes) -> Axes:
    """Over layers (0 is the embedding): silhouette, and purities beside what chance gives."""
    places = range(len(layers))
    axes.plot(
        places, [layer.silhouette for layer in layers], "s--", color=SLATE, label="silhouette"
    )
    for name, colour in (("class", TEAL), ("place", AMBER)):
        purities: list[Purity] = [getattr(layer, f"by_{name}") for layer in layers]
        axes.plot(
            places, [p.value for p in purities], "o-", color=colour, label=f"purity by {name}"
        )
        low, high = [min(p.chance) for p in purities], [max(p.chance) for p in purities]
        axes.fill_between(places, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.set(xlabel="layer (0 = embedding)", xticks=list(places))
    axes.set_title("Clusters of phases (bands: chance)")
    axes.legend()
    return axes
