"""Student t intervals and tests of a mean and of a difference of two means.

With 3 to 10 seeds a percentile bootstrap that promises 95% covers 73 to 89%; the t interval covers
95%, and still 93% when the values are skewed. So t is the only one offered.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from lab.stats import student

ALPHA = 0.05
_ROUNDING = 1e-12  # of the largest value: spread below it is the arithmetic's, not the data's


@dataclass(frozen=True)
class Difference:
    """The mean of `a - b` with its t interval; `low` and `high` are None where n is too small.

    `n` is the number of pairs, or the size of the smaller sample when unpaired. `sd` is the
    standard deviation of the paired differences, or that of one difference of unpaired values;
    `error` is the standard error of the mean difference, with `freedom` degrees of freedom.
    `p` is of the two-sided t test of no difference, `adjusted` that p after Holm over every
    difference that was looked at with it.
    """

    mean: float
    sd: float | None
    low: float | None
    high: float | None
    n: int
    paired: bool
    level: float
    error: float | None = None
    freedom: float | None = None
    p: float | None = None
    adjusted: float | None = None

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval, taken alone, does."""
        return self.low is not None and self.high is not None and self.low * self.high > 0

    @property
    def clear(self) -> bool:
        """Whether the difference holds at the 5% level among all looked at with it."""
        return self.adjusted is not None and self.adjusted <= ALPHA

    def reversed(self) -> Difference:
        """The difference `b - a`."""
        low = None if self.high is None else -self.high
        high = None if self.low is None else -self.low
        return replace(self, mean=-self.mean, low=low, high=high)


def mean_of(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def variance_of(values: Sequence[float]) -> float:
    """The variance of at least two values, with n - 1; exactly 0 where they are equal."""
    if max(values) - min(values) <= _ROUNDING * max(abs(value) for value in values):
        return 0.0
    mean = mean_of(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)


def t_interval(values: Sequence[float], *, level: float = 0.95) -> tuple[float, float] | None:
    """The t interval of the mean of `values`; None for fewer than two."""
    if len(values) < 2:
        return None
    error = math.sqrt(variance_of(values) / len(values))
    half = quantile(level, len(values) - 1) * error
    mean = mean_of(values)
    return mean - half, mean + half


def paired_difference(a: Sequence[float], b: Sequence[float], *, level: float = 0.95) -> Difference:
    """The difference `a - b` of values that belong together one by one (the same seed)."""
    differences = [x - y for x, y in zip(a, b, strict=True)]
    n = len(differences)
    mean = mean_of(differences)
    if n < 2:
        return Difference(mean, None, None, None, n, True, level)
    rounding = _ROUNDING * max(map(abs, (*a, *b)))
    same = max(differences) - min(differences) <= rounding
    sd = 0.0 if same else math.sqrt(variance_of(differences))
    mean = 0.0 if same and abs(mean) <= rounding else mean
    return _tested(mean, sd, sd / math.sqrt(n), n - 1, n, level, paired=True)


def welch_difference(a: Sequence[float], b: Sequence[float], *, level: float = 0.95) -> Difference:
    """The difference `mean(a) - mean(b)` of independent samples whose spreads may differ.

    Degrees of freedom of Welch (1947) and Satterthwaite (1946).
    """
    mean = mean_of(a) - mean_of(b)
    n = min(len(a), len(b))
    if n < 2:
        return Difference(mean, None, None, None, n, False, level)
    of_a, of_b = variance_of(a), variance_of(b)
    part_a, part_b = of_a / len(a), of_b / len(b)
    total = part_a + part_b
    if not total and abs(mean) <= _ROUNDING * abs(a[0]):
        mean = 0.0
    spread = part_a**2 / (len(a) - 1) + part_b**2 / (len(b) - 1)
    freedom = total**2 / spread if spread else float(len(a) + len(b) - 2)
    return _tested(mean, math.sqrt(of_a + of_b), math.sqrt(total), freedom, n, level, paired=False)


def _tested(
    mean: float, sd: float, error: float, freedom: float, n: int, level: float, *, paired: bool
) -> Difference:
    half = quantile(level, freedom) * error
    p = tail(abs(mean), error, freedom)
    return Difference(
        mean, sd, mean - half, mean + half, n, paired, level, error, freedom, min(2 * p, 1.0)
    )


def tail(distance: float, error: float, freedom: float) -> float:
    """The chance that a t statistic exceeds `distance / error`; without error it is certain."""
    if error == 0:
        return 0.0 if distance > 0 else 0.5 if distance == 0 else 1.0
    t = distance / error
    if 0 < freedom <= student.MOST_FREEDOM:
        above = student.upper_tail(abs(t), freedom)
        return above if t >= 0 else 1.0 - above
    from scipy.special import stdtr

    return float(stdtr(freedom, -t))


@lru_cache(maxsize=1024)
def quantile(level: float, freedom: float) -> float:
    """Where the middle `level` of Student's t ends: 2.776 for 0.95 with 4 degrees of freedom."""
    if 0 < level < 1 and 0 < freedom <= student.MOST_FREEDOM:
        return student.quantile(level, freedom)
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + level / 2))
