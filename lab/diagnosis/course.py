"""How far a curve that falls to its best and rises from there may stray by slow wander.

Noise of single epochs shows in the bends of a curve; noise that hangs together over epochs does
not. It shows in what is left of the curve when a course is taken off it: a cubic down to its best
and a straight line from there, by least squares. What is left is taken for a first-order
autoregression, whose mean over w values has the variance s^2 / w * (1 + r) / (1 - r).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

_STEADIEST = 0.95  # correlation of neighbours; closer to 1 nothing can be told from a trend
_NOTHING = 1e-9  # of a column's length, below which it adds nothing to those before it


def wander_error(values: Sequence[float], best: int, window: int) -> float:
    """The standard error of a mean of `window` values of a curve that is best at index `best`.

    The correlation that a fitted course leaves is too low; its bias is added back (Marriott and
    Pope 1954, for a line). Never above the error of a single value.
    """
    size = max(map(abs, values), default=0.0) or 1.0  # squares of the largest floats overflow
    left, free = _left_over([value / size for value in values], best)
    squares = math.fsum(value * value for value in left)
    if not squares or free < 1:
        return 0.0
    n = len(values)
    shared = math.fsum(a * b for a, b in itertools.pairwise(left)) / squares
    held = min(max(shared + (2 + 4 * shared) / n, 0.0), _STEADIEST)
    share = min((1 + held) / (1 - held) / window, 1.0)
    return size * math.sqrt(squares / free * share)


def _left_over(values: Sequence[float], best: int) -> tuple[list[float], int]:
    """What the course leaves of a curve, and the degrees of freedom of that."""
    n = len(values)
    before = [max(best - i, 0) / n for i in range(n)]
    columns = [[1.0] * n, [max(i - best, 0) / n for i in range(n)]]
    columns += [[part**power for part in before] for power in (1, 2, 3)]
    left = list(values)
    basis: list[list[float]] = []
    for column in columns:
        length = math.hypot(*column)
        for known in (*basis, *basis):  # twice, since one pass leaves rounding errors
            column = _without(column, known)
        rest = math.hypot(*column)
        if rest > _NOTHING * length:
            basis.append([value / rest for value in column])
            left = _without(left, basis[-1])
    return left, n - len(basis)


def _without(values: Sequence[float], unit: Sequence[float]) -> list[float]:
    """`values` without their part along a vector of length 1."""
    along = math.fsum(a * b for a, b in zip(values, unit, strict=True))
    return [a - along * b for a, b in zip(values, unit, strict=True)]
