"""A random forest over places, and the shares of its variance that lie in single parameters.

Optuna's fANOVA gives the same shares for continuous parameters (a test holds it), ten times more
slowly, no pairs, and takes the columns of a choice as independent of each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
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


def grown(x: Floats, y: Floats, *, trees: int = TREES) -> Any:
    """A forest as Optuna's fANOVA grows it."""
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(n_estimators=trees, max_depth=64, random_state=SEED).fit(x, y)


def out_of_bag(x: Floats, y: Floats) -> float:
    """R² of a forest on the trials that its trees have not seen."""
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(
        n_estimators=200, oob_score=True, random_state=SEED, min_samples_leaf=2
    )
    return float(forest.fit(x, y).oob_score_)


def shares(forest: Any, columns: Sequence[Column]) -> Floats:
    """The share of the variance over the whole space that each parameter alone carries."""
    import numpy as np

    found = []
    for estimator in forest.estimators_:
        tree = _Tree.of(estimator.tree_, columns)
        if tree.variance > 0:
            found.append([tree.alone(i) / tree.variance for i in range(len(columns))])
    return np.mean(found, axis=0) if found else np.zeros(len(columns))


def pair_share(forest: Any, columns: Sequence[Column], one: int, other: int) -> float:
    """The share of the variance that two parameters carry together, beyond each alone."""
    import numpy as np

    found = []
    for estimator in forest.estimators_:
        tree = _Tree.of(estimator.tree_, columns)
        if tree.variance > 0:
            beyond = tree.together(one, other) - tree.alone(one) - tree.alone(other)
            found.append(max(beyond, 0.0) / tree.variance)
    return float(np.mean(found)) if found else 0.0


@dataclass(frozen=True)
class _Tree:
    """The leaves of a tree: their values, and which cells of each parameter they cover.

    `cells[i]` is (leaves, cells of parameter i) of 0 and 1, `weights[i]` what each cell is of the
    range, and `held[i]` what each leaf covers of it.
    """

    values: Floats
    cells: tuple[Floats, ...]
    weights: tuple[Floats, ...]
    held: tuple[Floats, ...]

    @classmethod
    def of(cls, tree: Any, columns: Sequence[Column]) -> _Tree:
        low, high, values = _leaves(tree)
        cells, weights, at = [], [], 0
        for c in columns:
            span = slice(at, at + c.width)
            covered, weight = _cells(c, low[:, span], high[:, span])
            cells.append(covered)
            weights.append(weight)
            at += c.width
        held = tuple(covered @ weight for covered, weight in zip(cells, weights, strict=True))
        return cls(values, tuple(cells), tuple(weights), held)

    @property
    def variance(self) -> float:
        size = self._rest(())
        mean = float(size @ self.values)
        return max(float(size @ self.values**2) - mean**2, 0.0)

    def alone(self, i: int) -> float:
        """The variance of the mean over all other parameters."""
        mean = (self.values * self._rest((i,))) @ self.cells[i]
        return _variance(mean, self.weights[i])

    def together(self, i: int, j: int) -> float:
        import numpy as np

        size = self.values * self._rest((i, j))
        mean = self.cells[i].T @ (size[:, None] * self.cells[j])
        return _variance(mean.ravel(), np.outer(self.weights[i], self.weights[j]).ravel())

    def _rest(self, without: tuple[int, ...]) -> Floats:
        import numpy as np

        kept = [held for k, held in enumerate(self.held) if k not in without]
        return reduce(np.multiply, kept, np.ones(len(self.values)))


def _variance(values: Floats, weights: Floats) -> float:
    mean = float(weights @ values)
    return max(float(weights @ (values - mean) ** 2), 0.0)


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
