"""Student's t in the sizes that seeds have, without the time it takes to load scipy.

Tests hold each function against scipy's to ten digits; what is larger is left to scipy.
"""

from __future__ import annotations

import math
from statistics import NormalDist

MOST_FREEDOM = 1000.0  # more, and `lgamma` loses digits
MOST_SHIFT = 8.0  # more, and the sum of `noncentral` would begin with nothing
_TINY = 1e-300
_STEPS = 10_000


def upper_tail(t: float, freedom: float) -> float:
    """The chance of more than `t`, at least 0, with 0 < `freedom` <= MOST_FREEDOM.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 26.5.27.
    """
    whole = freedom + t * t
    return 0.5 * _beta(freedom / 2, 0.5, freedom / whole, t * t / whole)


def quantile(level: float, freedom: float) -> float:
    """Where the middle 0 < `level` < 1 ends, by Newton's method on the logarithms of tail and t.

    The one is a concave function of the other, so that it converges from every start.
    """
    wanted = (1 - level) / 2
    constant = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    constant -= math.log(freedom * math.pi) / 2
    at = math.log(NormalDist().inv_cdf(0.5 + level / 2))
    for _ in range(100):
        t = math.exp(at)
        tail = upper_tail(t, freedom)
        density = math.exp(constant - (freedom + 1) / 2 * math.log1p(t * t / freedom))
        step = math.log(tail / wanted) * tail / (density * t)
        at += step
        if abs(step) < 1e-15 * max(1.0, abs(at)):
            break
    return math.exp(at)


def noncentral(t: float, freedom: float, shift: float) -> float:
    """The chance of at most `t` of the noncentral t, with 0 <= `shift` <= MOST_SHIFT.

    Lenth (1989), Cumulative distribution function of the non-central t distribution, AS 243.
    """
    if t < 0:
        return 1.0 - _at_most(-t, freedom, -shift)
    return _at_most(t, freedom, shift)


def _at_most(t: float, freedom: float, shift: float) -> float:
    whole = freedom + t * t
    x, y, b = t * t / whole, freedom / whole, freedom / 2
    half = shift * shift / 2
    even = math.exp(-half)  # weights of a Poisson distribution, and what is between them
    odd = math.copysign(math.sqrt(half), shift) * math.exp(-half) / math.gamma(1.5)
    first, second = _beta(0.5, b, x, y), _beta(1.0, b, x, y)
    fall, drop = _term(0.5, b, x, y), _term(1.0, b, x, y)
    total, left = 0.0, 1.0
    for j in range(_STEPS):
        total += even * first + odd * second
        left -= even
        if left < 1e-15 and j > half:
            break
        first, second = max(first - fall, 0.0), max(second - drop, 0.0)
        fall *= x * (j + 0.5 + b) / (j + 1.5)
        drop *= x * (j + 1.0 + b) / (j + 2.0)
        even *= half / (j + 1)
        odd *= half / (j + 1.5)
    return min(max(NormalDist().cdf(-shift) + total / 2, 0.0), 1.0)


def _term(a: float, b: float, x: float, y: float) -> float:
    """x^a y^b / (a B(a, b)): by how much the incomplete beta function falls from `a` to `a + 1`."""
    if x == 0 or y == 0:
        return 0.0
    beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return math.exp(a * math.log(x) + b * math.log(y) - beta) / a


def _beta(a: float, b: float, x: float, y: float) -> float:
    """The regularized incomplete beta function of `x` = 1 - `y`.

    The continued fraction of DLMF 8.17.22, by the method of Lentz (1976) as changed by Thompson and
    Barnett (1986).
    """
    if x == 0 or y == 0:
        return float(y == 0)
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _beta(b, a, y, x)
    upper, lower = 1.0, 1.0 / _safe(1.0 - (a + b) * x / (a + 1))
    value = lower
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for part in (even, odd):
            lower, upper = 1.0 + part * lower, 1.0 + part / upper
            if not (abs(lower) > _TINY and abs(upper) > _TINY):
                lower, upper = _safe(lower), _safe(upper)
            lower = 1.0 / lower
            value *= lower * upper
        if abs(lower * upper - 1.0) < 1e-16:
            break
    return _term(a, b, x, y) * value


def _safe(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
