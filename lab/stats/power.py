"""How many seeds it would take to see a difference."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

from lab.stats import student
from lab.stats.intervals import ALPHA, quantile

POWER = 0.8
MOST = 200  # beyond this many seeds the answer is "not with seeds"


def pairs_needed(
    difference: float,
    sd: float,
    *,
    power: float = POWER,
    alpha: float = ALPHA,
    freedom_per_pair: float = 1.0,
) -> int | None:
    """The fewest pairs with which a two-sided t test finds `difference`; None above MOST.

    `sd` is the standard deviation of the paired differences. For two independent samples of that
    size it is the one of a single difference, and `freedom_per_pair` 2 where they are equally
    spread (1 where all the spread is in one of them).
    """
    if difference == 0 or not math.isfinite(difference) or not math.isfinite(sd):
        return None
    if sd == 0:
        return 2
    effect = abs(difference) / sd
    normal = NormalDist()
    beyond = normal.inv_cdf(1 - alpha / 2)
    # A t test needs more than the normal approximation: about so much (Guenther 1981).
    least = ((beyond + normal.inv_cdf(power)) / effect) ** 2
    if least > MOST:
        return None
    pairs = min(max(2, round(least + beyond**2 / (2 * freedom_per_pair))), MOST)

    def enough(pairs: int) -> bool:
        return _power(effect, pairs, alpha, freedom_per_pair) >= power

    if enough(pairs):
        while pairs > 2 and enough(pairs - 1):
            pairs -= 1
        return pairs
    return next((more for more in range(pairs + 1, MOST + 1) if enough(more)), None)


def _power(effect: float, pairs: int, alpha: float, freedom_per_pair: float) -> float:
    freedom = freedom_per_pair * (pairs - 1)
    edge = quantile(1 - alpha, freedom)
    shift = effect * math.sqrt(pairs)
    if shift > edge + 30:  # certain, and beyond where the noncentral t can be computed
        return 1.0
    at_most = _noncentral(freedom, shift)
    found = 1.0 - at_most(edge)
    # A clear difference the wrong way round is rarer than 1 in 10,000 beyond 4, and not computed.
    return found + at_most(-edge) if shift < 4 else found


def _noncentral(freedom: float, shift: float) -> Callable[[float], float]:
    """The distribution function of the noncentral t."""
    if 0 < freedom <= student.MOST_FREEDOM and 0 <= shift <= student.MOST_SHIFT:
        return lambda t: student.noncentral(t, freedom, shift)
    from scipy.special import nctdtr

    return lambda t: float(nctdtr(freedom, shift, t))
