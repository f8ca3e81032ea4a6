"""Where the optimum of a space may lie, by forests on resampled configurations.

A range that leaves out the optimum cannot be mended by searching it, so a narrower one has to say
how sure it is: the share of refits whose predicted optimum it still holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lab.sweep import forest
from lab.sweep.association import ranks
from lab.sweep.configuration import Configuration, place
from lab.sweep.space import Parameter, Space

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Random = np.random.Generator

REFITS = 100
CANDIDATES = 1000
_TREES = 16
_LEAF = 3  # configurations, so that a single lucky one is no optimum
_SEED = 20260103
_INACTIVE = -1.0  # outside the scale of every parameter

Params = Mapping[str, Any]


def optima(space: Space, rows: Sequence[Configuration]) -> list[list[Params]]:
    """For each refit, the points of the space that it predicts to be best, equals together.

    A refit is a forest on configurations drawn with replacement, their scores as ranks; it is asked
    about 1,000 points drawn from the space and about the configurations themselves.
    """
    import numpy as np

    random = np.random.default_rng(_SEED)
    x = _encoded(space, [row.params for row in rows])
    y = ranks([row.score for row in rows])
    points = [draw(space, random) for _ in range(CANDIDATES)] + [row.params for row in rows]
    asked = _encoded(space, points)
    found = []
    for refit in range(REFITS):
        chosen = random.integers(len(rows), size=len(rows))
        trees = forest.grown(x[chosen], y[chosen], trees=_TREES, leaf=_LEAF, seed=_SEED + refit)
        predicted = forest.predicted(trees, asked)
        found.append([points[i] for i in np.flatnonzero(predicted >= predicted.max() - 1e-9)])
    return found


def share_held(found: Sequence[Sequence[Params]], holds: Callable[[Params], bool]) -> float:
    """The mean share of the predicted optima that are held; equals of one refit share its vote."""
    shares = [sum(map(holds, points)) / len(points) for points in found]
    return sum(shares) / len(shares)


def draw(space: Space, random: Random) -> dict[str, Any]:
    """A configuration at random, each active parameter uniform in the scale it is sampled in."""
    found: dict[str, Any] = {}
    for parameter in space.in_order():
        if space.is_active(parameter, found):
            values = parameter.values
            if values is None or parameter.log:
                value = parameter.unscaled(float(random.random()))
                found[parameter.name] = round(value) if parameter.kind == "int" else value
            else:
                found[parameter.name] = values[int(random.integers(len(values)))]
    return found


def _encoded(space: Space, points: Sequence[Params]) -> Floats:
    """Points as the columns of a forest, (points, columns); inactive parameters lie outside."""
    import numpy as np

    columns = [
        [_cell(parameter, choice, point) for point in points]
        for parameter in space.params
        for choice in ((None,) if parameter.ordered else parameter.choices)
    ]
    return np.asarray(columns, dtype=float).T


def _cell(parameter: Parameter, choice: Any, point: Params) -> float:
    if parameter.name not in point:
        return _INACTIVE
    value = point[parameter.name]
    if not parameter.ordered:
        return float(value == choice)
    return place(parameter, value)
