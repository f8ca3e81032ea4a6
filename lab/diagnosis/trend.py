"""A straight line through the end of a curve, with the margin that its scatter leaves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_LEVEL_Z = 1.959964  # 97.5% point of the normal distribution: margins hold 95% of the time


@dataclass(frozen=True)
class Trend:
    """How much a fitted line moves over its length, with the 95% margin of that."""

    change: float
    margin: float

    @property
    def certain(self) -> bool:
        return abs(self.change) > self.margin


def trend_of(values: Sequence[float]) -> Trend:
    """The least-squares line through at least three values, one after the other.

    The margin is Student's t times the standard error of the slope, times the length of the line.
    """
    n = len(values)
    size = max(map(abs, values)) or 1.0  # squares of values near the largest floats overflow
    values = [value / size for value in values]
    middle = (n - 1) / 2
    mean = math.fsum(values) / n
    spread = math.fsum((x - middle) ** 2 for x in range(n))
    slope = math.fsum((x - middle) * (y - mean) for x, y in enumerate(values)) / spread
    left = math.fsum((y - mean - slope * (x - middle)) ** 2 for x, y in enumerate(values))
    error = math.sqrt(left / (n - 2) / spread)
    return Trend(size * slope * (n - 1), size * t_quantile(n - 2) * error * (n - 1))


def t_quantile(freedom: int) -> float:
    """The 97.5% point of Student's t, to 0.2%.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5; scipy would take half a
    second to load for this one number.
    """
    if freedom in _FEW:
        return _FEW[freedom]
    z, v = _LEVEL_Z, float(freedom)
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    )


_FEW = {1: 12.7062, 2: 4.30265, 3: 3.18245, 4: 2.77645}  # where the expansion is too short
