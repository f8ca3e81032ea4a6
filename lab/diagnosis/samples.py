"""How many samples an accuracy was counted on, and so how much of it is chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from lab.diagnosis.curve import Curve

_MOST = 100_000  # samples; above, fractions lie so dense that any number is near one
_EXACT = 1e-12  # a share of samples in double precision is as exact as that
_VALUES = 3  # distinct values; fewer may share a factor by chance


def accuracy_error(curve: Curve, curves: Sequence[Curve]) -> float | None:
    """The standard error of the last accuracy in `curve`: as logged, else binomial, else None."""
    logged = next((c for c in curves if c.metric == f"{curve.metric}_se"), None)
    if logged is not None and logged.last is not None and math.isfinite(logged.last):
        return abs(logged.last)
    n = samples_of(curve)
    if n is None or curve.last is None:
        return None
    return binomial_error(curve.last, n)


def binomial_error(share: float, n: int) -> float:
    """The standard deviation of a share of `n` independent samples."""
    return math.sqrt(max(share * (1 - share), 0.0) / n)


def samples_of(curve: Curve) -> int | None:
    """The number of samples behind accuracies that are exact shares k / n; None where unknown.

    It is the least common denominator of all values: with three distinct ones, nearly always n
    itself. Averages over batches are no such shares, and give None.
    """
    shares = {value for _, value in curve.finite if 0 < value < 1}
    if len(shares) < _VALUES:
        return None
    n = 1
    for share in shares:
        near = Fraction(share).limit_denominator(_MOST)
        if abs(float(near) - share) > _EXACT:
            return None
        n = math.lcm(n, near.denominator)
        if n > _MOST:
            return None
    return n
