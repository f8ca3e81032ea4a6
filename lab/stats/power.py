"""How many seeds it would take to see a difference."""

from __future__ import annotations

import math

ALPHA = 0.05
POWER = 0.8
MOST = 200  # beyond this many seeds the answer is "not with seeds"


def pairs_needed(
    difference: float, sd: float, *, power: float = POWER, alpha: float = ALPHA
) -> int | None:
    """The fewest pairs with which a two-sided paired t test finds `difference`; None above MOST.

    `sd` is the standard deviation of the paired differences.
    """
    if difference == 0 or not math.isfinite(difference) or not math.isfinite(sd):
        return None
    if sd == 0:
        return 2
    for pairs in range(2, MOST + 1):
        if _power(abs(difference) / sd, pairs, alpha) >= power:
            return pairs
    return None


def _power(effect: float, pairs: int, alpha: float) -> float:
    from scipy.stats import nct, t

    freedom = pairs - 1
    edge = float(t.ppf(1 - alpha / 2, freedom))
    shift = effect * math.sqrt(pairs)
    return float(nct.sf(edge, freedom, shift) + nct.cdf(-edge, freedom, shift))
