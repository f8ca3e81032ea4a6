"""The analysis as it is usually computed: for comparison, and with what is wrong with it.

Spearman with its naive p value, means of choices, and the top quarter. With trials that a sampler
chose, such a p value is wrong about one time in four; these numbers carry no verdict of the card.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lab.stats.intervals import mean_of
from lab.sweep.association import spearman
from lab.sweep.configuration import Configuration, Factor, place

ELITE = 0.25
EDGE = 0.05  # of the range, from either bound


@dataclass(frozen=True)
class Direction:
    """Spearman's rho of an ordered parameter with its ordinary p value."""

    name: str
    n: int
    rho: float
    p: float


@dataclass(frozen=True)
class Choice:
    """One value of a parameter: mean objective and share of the top quarter."""

    value: Any
    n: int
    mean: float
    elite: float


@dataclass(frozen=True)
class Choices:
    """The values of an unordered parameter, best mean first."""

    name: str
    values: tuple[Choice, ...]

    @property
    def gap(self) -> float:
        """How far the best mean is from the worst, without a sign."""
        return abs(self.values[0].mean - self.values[-1].mean)


@dataclass(frozen=True)
class Boundary:
    """How much of the top quarter lies within 5% of the range from a bound.

    `usual` is the share of the parameter's values that lie there.
    """

    name: str
    side: str  # "low" | "high"
    share: float
    n: int
    usual: float = EDGE

    @property
    def narrow(self) -> bool:
        """Whether the range may be too narrow: of few whole numbers a bound has many by chance."""
        return self.share > max(0.2, 2 * self.usual)


@dataclass(frozen=True)
class Classical:
    """The whole view; `elite` is the top quarter by the observed value."""

    n: int
    elite: tuple[Configuration, ...]
    directions: tuple[Direction, ...]
    choices: tuple[Choices, ...]
    boundaries: tuple[Boundary, ...]


def classical(rows: Sequence[Configuration], factors: Sequence[Factor]) -> Classical:
    """Directions by |rho|, choices by gap, the top quarter and where it touches a bound."""
    elite = top(rows)
    directions = [_direction(factor) for factor in factors if factor.ordered]
    choices = [_choices(factor, elite) for factor in factors if not factor.ordered]
    return Classical(
        n=len(rows),
        elite=elite,
        directions=tuple(sorted(directions, key=lambda d: (-round(abs(d.rho), 12), d.name))),
        choices=tuple(sorted(choices, key=lambda c: (-round(c.gap, 12), c.name))),
        boundaries=boundaries(factors, elite),
    )


def top(rows: Sequence[Configuration], share: float = ELITE) -> tuple[Configuration, ...]:
    """The best `share` of the configurations, at least one, best first."""
    if not rows:
        return ()
    count = max(math.ceil(share * len(rows)), 1)
    return tuple(sorted(rows, key=lambda row: (-row.score, row.number))[:count])


def boundaries(factors: Sequence[Factor], elite: Sequence[Configuration]) -> tuple[Boundary, ...]:
    """For each bound of each numeric parameter that any of the top quarter touches."""
    found = []
    for factor in factors:
        if not factor.parameter.numeric:
            continue
        own = factor.parameter
        places = [place(own, row.params[factor.name]) for row in elite if factor.name in row.params]
        every = [place(own, value) for value in own.values or ()]
        for side in ("low", "high"):
            if hits := _at(places, side):
                usual = _at(every, side) / len(every) if every else EDGE
                share = hits / len(places)
                found.append(Boundary(factor.name, side, share, len(places), usual))
    return tuple(found)


def _at(places: Sequence[float], side: str) -> int:
    """How many places lie at a bound."""
    return sum(p <= EDGE if side == "low" else p >= 1 - EDGE for p in places)


def _direction(factor: Factor) -> Direction:
    rho = spearman(factor.places, [row.value for row in factor.rows])
    return Direction(factor.name, len(factor.rows), rho, _naive_p(rho, len(factor.rows)))


def _naive_p(rho: float, n: int) -> float:
    """The p value of rho by Student's t, as scipy.stats.spearmanr gives it."""
    from scipy.special import stdtr

    if n < 3:
        return 1.0
    if abs(rho) >= 1:
        return 0.0
    return float(2 * stdtr(n - 2, -abs(rho) * math.sqrt((n - 2) / (1 - rho**2))))


def _choices(factor: Factor, elite: Sequence[Configuration]) -> Choices:
    best = [row for row in elite if factor.name in row.params]
    found = []
    for value in dict.fromkeys(factor.values):
        rows = [row for row in factor.rows if row.params[factor.name] == value]
        among = sum(row.params[factor.name] == value for row in best)
        share = among / len(best) if best else 0.0
        scores = mean_of([row.score for row in rows])
        found.append((scores, Choice(value, len(rows), mean_of([r.value for r in rows]), share)))
    found.sort(key=lambda item: (-item[0], str(item[1].value)))
    return Choices(factor.name, tuple(choice for _, choice in found))
