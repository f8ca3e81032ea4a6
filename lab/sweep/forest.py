"""A random forest over places, and the shares of its variance that lie in single parameters.

Optuna's fANOVA gives the same shares for continuous parameters (a test holds it), ten times more
slowly, no pairs, and takes the columns of a choice as independent of each other.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Any

from lab.sweep.configuration import Factor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

TREES = 16
SEED = 20260102


@dataclass(frozen=True)
class Column:
    """One parameter as a forest sees it.

    `points` are the values it can take, in place, where they can be counted; None for a range from
    `low` to `high`. A choice without an order has a column for each of its `points`.
    """

    points: tuple[float, ...] | None
    ordered: bool
    low: float = 0.0
    high: float = 1.0

    @property
    def width(self) -> int:
        return 1 if self.ordered else len(self.points or ())


def column(factor: Factor) -> Column:
    """The column of a factor; values outside the space, of an older one, widen it."""
    parameter = factor.parameter
    if not parameter.ordered:
        return Column(tuple(float(i) for i in range(len(parameter.choices))), ordered=False)
    low, high = min(0.0, *factor.places), max(1.0, *factor.places)
    if parameter.values is None:
        return Column(None, ordered=True, low=low, high=high)
    known = {float(parameter.scaled(value)) for value in parameter.values} | set(factor.places)
    return Column(tuple(sorted(known)), ordered=True, low=low, high=high)


def encoded(places: Floats, columns: Sequence[Column]) -> Floats:
    """Places, (n, parameters), as the columns of a forest, (n, sum of widths)."""
    import numpy as np

    parts = [
        places[:, [i]] if c.ordered else (places[:, [i]] == np.asarray(c.points)).astype(float)
        for i, c in enumerate(columns)
    ]
    stacked: Floats = np.hstack(parts)
    return stacked


def grown(
    x: Floats, y: Floats, *, trees: int = TREES, leaf: int = 1, seed: int = SEED
) -> list[Any]:
    """The trees of a forest as Optuna's fANOVA grows it, leaves of `leaf` rows or more.

    They are those of scikit-learn's RandomForestRegressor, which takes twice the time.
    """
    import numpy as np
    from sklearn.tree import DecisionTreeRegressor

    single, column_of_y = np.asarray(x, dtype=np.float32, order="C"), y[:, None]
    return [
        DecisionTreeRegressor(max_depth=64, min_samples_leaf=leaf, random_state=own)
        .fit(single, column_of_y, sample_weight=weights, check_input=False)
        .tree_
        for own, weights in _bags(len(y), trees, seed)
    ]


def predicted(trees: Sequence[Any], x: Floats) -> Floats:
    """The mean of what the trees say of each row of `x`."""
    import numpy as np

    single = np.asarray(x, dtype=np.float32, order="C")
    said: Floats = np.mean([tree.predict(single)[:, 0] for tree in trees], axis=0)
    return said


@lru_cache(maxsize=128)
def _bags(n: int, trees: int, seed: int) -> tuple[tuple[int, Floats], ...]:
    """Seed and weights of the bootstrap of each tree."""
    import numpy as np

    generator = np.random.RandomState(seed)
    bags = []
    for _ in range(trees):
        own = int(generator.randint(np.iinfo(np.int32).max))
        drawn = np.random.RandomState(own).randint(0, n, n, dtype=np.int32)
        bags.append((own, np.bincount(drawn, minlength=n).astype(float)))
    return tuple(bags)


def out_of_bag(x: Floats, y: Floats) -> float:
    """R² of a forest on the trials that its trees have not seen."""
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(
        n_estimators=200, oob_score=True, random_state=SEED, min_samples_leaf=2
    )
    return float(forest.fit(x, y).oob_score_)


def shares(trees: Sequence[Any], columns: Sequence[Column]) -> Floats:
    """The share of the variance over the whole space that each parameter alone carries."""
    import numpy as np

    boxes = _Boxes.of(trees, columns)
    whole = boxes.variance
    if not whole.any():
        return np.zeros(len(columns))
    held = whole > 0
    found = [boxes.alone(i)[held] / whole[held] for i in range(len(columns))]
    means: Floats = np.mean(found, axis=1)
    return means


def pair_share(trees: Sequence[Any], columns: Sequence[Column], one: int, other: int) -> float:
    """The share of the variance that two parameters carry together, beyond each alone."""
    import numpy as np

    boxes = _Boxes.of(trees, columns)
    beyond = boxes.together(one, other) - boxes.alone(one) - boxes.alone(other)
    held = boxes.variance > 0
    found = np.maximum(beyond[held], 0.0) / boxes.variance[held]
    return float(found.mean()) if held.any() else 0.0


@dataclass(frozen=True)
class _Boxes:
    """The leaves of all trees, one below the other, `starts` where each tree begins.

    `cells[i]` is (leaves, cells of parameter i) of 0 and 1, `weights[i]` what each cell is of the
    range, and `held[i]` what each leaf covers of it.
    """

    starts: tuple[int, ...]
    values: Floats
    cells: tuple[Floats, ...]
    weights: tuple[Floats, ...]
    held: tuple[Floats, ...]

    @classmethod
    def of(cls, trees: Sequence[Any], columns: Sequence[Column]) -> _Boxes:
        import numpy as np

        parts = [_leaves(tree) for tree in trees]
        low, high, values = (np.concatenate(part) for part in zip(*parts, strict=True))
        ends = np.cumsum([len(part[2]) for part in parts])
        cells, weights, at = [], [], 0
        for c in columns:
            span = slice(at, at + c.width)
            covered, weight = _cells(c, low[:, span], high[:, span])
            cells.append(covered)
            weights.append(weight)
            at += c.width
        held = tuple(covered @ weight for covered, weight in zip(cells, weights, strict=True))
        return cls((0, *map(int, ends[:-1])), values, tuple(cells), tuple(weights), held)

    @property
    def variance(self) -> Floats:
        """Of each tree over the whole space."""
        size = self._rest(())
        mean = self._summed(size * self.values)
        return self._positive(self._summed(size * self.values**2) - mean**2)

    def alone(self, i: int) -> Floats:
        """The variance of the mean over all other parameters, of each tree."""
        means = self._summed((self.values * self._rest((i,)))[:, None] * self.cells[i])
        return self._spread(means, self.weights[i])

    def together(self, i: int, j: int) -> Floats:
        """The variance of the mean over all but two parameters, of each tree."""
        import numpy as np

        size = self.values * self._rest((i, j))
        found = []
        for start, end in itertools.pairwise((*self.starts, len(self.values))):
            own = slice(start, end)
            (one, of_one), (other, of_other) = (self._own(k, own) for k in (i, j))
            means = one.T @ (size[own, None] * other)
            found.append(self._spread(means.ravel()[None], np.outer(of_one, of_other).ravel())[0])
        return np.asarray(found)

    def _own(self, i: int, own: slice) -> tuple[Floats, Floats]:
        """The cells of one parameter that a tree tells apart, and their weights."""
        import numpy as np

        cells = self.cells[i][own]
        first = np.flatnonzero((cells[:, 1:] != cells[:, :-1]).any(axis=0)) + 1
        first = np.concatenate([[0], first])
        return cells[:, first], np.add.reduceat(self.weights[i], first)

    def _rest(self, without: tuple[int, ...]) -> Floats:
        import numpy as np

        kept = [held for k, held in enumerate(self.held) if k not in without]
        return reduce(np.multiply, kept, np.ones(len(self.values)))

    def _summed(self, values: Floats) -> Floats:
        """The sums over the leaves of each tree."""
        import numpy as np

        sums: Floats = np.add.reduceat(values, self.starts, axis=0)
        return sums

    def _spread(self, means: Floats, weights: Floats) -> Floats:
        centre = means @ weights
        return self._positive((means - centre[:, None]) ** 2 @ weights)

    @staticmethod
    def _positive(values: Floats) -> Floats:
        import numpy as np

        kept: Floats = np.maximum(values, 0.0)
        return kept


def _leaves(tree: Any) -> tuple[Floats, Floats, Floats]:
    """The boxes of the leaves, (leaves, columns) twice, and their values."""
    import numpy as np

    low = np.full((tree.node_count, tree.n_features), -np.inf)
    high = np.full((tree.node_count, tree.n_features), np.inf)
    left, right = tree.children_left, tree.children_right
    for node in range(tree.node_count):  # parents come before their children
        if left[node] < 0:
            continue
        for child in (left[node], right[node]):
            low[child], high[child] = low[node], high[node]
        split = tree.feature[node]
        high[left[node], split] = low[right[node], split] = tree.threshold[node]
    leaf = left < 0
    return low[leaf], high[leaf], tree.value[leaf, 0, 0]


def _cells(c: Column, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Which cells of a parameter each leaf covers, and the weight of each cell."""
    import numpy as np

    if not c.ordered:
        # Choice k is a one in column k and zeros elsewhere.
        corners = np.eye(c.width)
        inside = (low[:, None, :] < corners) & (corners <= high[:, None, :])
        return inside.all(axis=2).astype(float), np.full(c.width, 1 / c.width)
    if c.points is not None:
        middles = np.asarray(c.points)
        weight = np.full(len(middles), 1 / len(middles))
    else:
        inner = np.unique(np.concatenate([low[:, 0], high[:, 0]]))
        inner = inner[(inner > c.low) & (inner < c.high)]
        edges = np.concatenate([[c.low], inner, [c.high]])
        middles, weight = (edges[:-1] + edges[1:]) / 2, np.diff(edges) / (c.high - c.low)
    return ((low < middles) & (middles <= high)).astype(float), weight
