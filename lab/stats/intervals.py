"""Student t intervals of a mean and of a difference of two means.

With 3 to 10 seeds a percentile bootstrap that promises 95% covers 73 to 89%; the t interval covers
95%, and still 93% when the values are skewed. So t is the only one offered.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """The mean of `a - b` with its t interval; `low` and `high` are None where n is too small.

    `n` is the number of pairs, or the size of the smaller sample when unpaired. `sd` is the
    standard deviation of the paired differences, or that of one difference of unpaired values.
    """

    mean: float
    sd: float | None
    low: float | None
    high: float | None
    n: int
    paired: bool
    level: float

    @property
    def excludes_zero(self) -> bool:
        return self.low is not None and self.high is not None and self.low * self.high > 0


def t_interval(values: Sequence[float], *, level: float = 0.95) -> tuple[float, float] | None:
    """The t interval of the mean of `values`; None for fewer than two."""
    if len(values) < 2:
        return None
    half = _quantile(level, len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    mean = statistics.fmean(values)
    return mean - half, mean + half


def paired_difference(a: Sequence[float], b: Sequence[float], *, level: float = 0.95) -> Difference:
    """The difference `a - b` of values that belong together one by one (the same seed)."""
    differences = [x - y for x, y in zip(a, b, strict=True)]
    low, high = t_interval(differences, level=level) or (None, None)
    sd = statistics.stdev(differences) if len(differences) > 1 else None
    return Difference(statistics.fmean(differences), sd, low, high, len(differences), True, level)


def welch_difference(a: Sequence[float], b: Sequence[float], *, level: float = 0.95) -> Difference:
    """The difference `mean(a) - mean(b)` of independent samples whose spreads may differ."""
    mean = statistics.fmean(a) - statistics.fmean(b)
    n = min(len(a), len(b))
    if n < 2:
        return Difference(mean, None, None, None, n, False, level)
    of_a, of_b = statistics.variance(a) / len(a), statistics.variance(b) / len(b)
    sd = math.sqrt(statistics.variance(a) + statistics.variance(b))
    error = of_a + of_b
    if error == 0:
        return Difference(mean, sd, mean, mean, n, False, level)
    # Welch-Satterthwaite degrees of freedom.
    freedom = error**2 / (of_a**2 / (len(a) - 1) + of_b**2 / (len(b) - 1))
    half = _quantile(level, freedom) * math.sqrt(error)
    return Difference(mean, sd, mean - half, mean + half, n, False, level)


def _quantile(level: float, freedom: float) -> float:
    from scipy.stats import t

    return float(t.ppf(0.5 + level / 2, freedom))
