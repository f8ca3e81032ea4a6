"""Where the good trials of a study lie, parameter by parameter, and the range that holds them.

The sampler that learns has given up on most of the space when the search ends, so the span of its
best trials alone loses the optimum one time in two or three. Joined with the best of those that
were drawn at random, it keeps it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from lab.sweep.configuration import Configuration, Factor, place
from lab.sweep.space import Parameter, number_text

WANTED = 40  # configurations from which the usual margin is enough
FEW_MARGIN = 0.15  # added to the margin under that
LEAST = 10  # configurations under which a range is left as it is
EDGE = 0.05  # of the range, from each bound
HITS = 0.20  # share of the good trials at a bound above which the range is too narrow
_LEAST_WIDTH = 0.1  # of a span that a margin is taken of: equal values say nothing of their width
_GROWTH = 0.5  # of the width, added beyond such a bound
_WORTH = 0.9  # a range that would keep more of its width is left as it is


@dataclass(frozen=True)
class Good:
    """The span of the good trials in sampling scale, and how it was found.

    `low_hit` and `high_hit` are the shares of the top quarter at the bounds, None where they are no
    more than chance puts there.
    """

    low: float
    high: float
    n: int
    how: str
    low_hit: float | None
    high_hit: float | None

    def widened(self, margin: float) -> tuple[float, float]:
        """The span and a margin on either side; beyond the old bounds only where these were hit."""
        room = margin * max(self.high - self.low, _LEAST_WIDTH)
        low = max(self.low - room, 0.0)
        high = min(self.high + room, 1.0)
        return (
            -_GROWTH if self.low_hit is not None else low,
            1 + _GROWTH if self.high_hit is not None else high,
        )


def good_span(factor: Factor) -> Good | None:
    """Where the good configurations of an ordered parameter lie; None for too few of them.

    The top quarter joined with the best third of the random phase; the top quarter alone where all
    were drawn at random, and the top half where none is known to have been.
    """
    rows = factor.rows
    if len(rows) < LEAST:
        return None
    at = dict(zip((row.number for row in rows), factor.places, strict=True))
    quarter = _best(rows, 4)
    random = [row for row in rows if not row.adaptive]
    if len(random) == len(rows):
        chosen, how = quarter, "the top quarter"
    elif len(random) >= LEAST:
        chosen = quarter + _best(random, 3)
        how = "the top quarter and the best third of the random phase"
    else:
        chosen, how = _best(rows, 2), "the top half"
    places = [at[row.number] for row in chosen]
    low_hit, high_hit = _hits(factor.parameter, [at[row.number] for row in quarter])
    return Good(min(places), max(places), len(rows), how, low_hit, high_hit)


def _best(rows: Sequence[Configuration], part: int) -> list[Configuration]:
    ranked = sorted(rows, key=lambda row: (-row.score, row.number))
    return ranked[: math.ceil(len(rows) / part)]


def _hits(parameter: Parameter, places: list[float]) -> tuple[float | None, float | None]:
    """The shares at both bounds that are too many; a coarse range has many there by chance."""
    values = parameter.values
    usual = EDGE if values is None else 1 / len(values)
    line = max(HITS, 2 * usual)
    shares = [
        sum(hit) / len(places)
        for hit in ([p <= EDGE for p in places], [p >= 1 - EDGE for p in places])
    ]
    low, high = (share if parameter.numeric and share > line else None for share in shares)
    return low, high


def margin_for(margin: float, n: int) -> float:
    """The margin of a parameter that `n` configurations had: wider where these are few."""
    return round(margin + (FEW_MARGIN if n < WANTED else 0.0), 2)


def narrowed(parameter: Parameter, good: Good, margin: float) -> tuple[Parameter, str] | None:
    """The parameter with the range that holds the good trials, and why; None if it stays."""
    margin = margin_for(margin, good.n)
    low, high = good.widened(margin)
    new = _choices(parameter, low, high) if not parameter.numeric else _range(parameter, low, high)
    hit = good.low_hit is not None or good.high_hit is not None
    if (new.low, new.high, new.choices) == (parameter.low, parameter.high, parameter.choices):
        return None
    if not hit and width(parameter, new) > _WORTH:
        return None
    return new, _reason(parameter, new, good, margin)


def width(old: Parameter, new: Parameter) -> float:
    """The share of the old range, in sampling scale, that the new one has; above 1 if wider."""
    if old.values is not None and new.values is not None:
        return len(new.values) / len(old.values)
    if old.low == old.high:
        return 1.0
    return old.scaled(new.high) - old.scaled(new.low)


def _choices(parameter: Parameter, low: float, high: float) -> Parameter:
    """Those within, and the next one on either side: choices are too coarse for a margin."""
    ranked = sorted(parameter.choices)
    within = [i for i, c in enumerate(ranked) if low <= place(parameter, c) <= high]
    kept = ranked[max(min(within) - 1, 0) : max(within) + 2]
    return replace(parameter, choices=tuple(c for c in parameter.choices if c in kept))


def _range(parameter: Parameter, low: float, high: float) -> Parameter:
    floor, ceiling = _limits(parameter)
    bounds = []
    for share, outward in ((low, math.floor), (high, math.ceil)):
        if parameter.kind == "int":
            step = int(parameter.step or 1)
            start = int(parameter.low or 0)
            steps = round((parameter.unscaled(share) - start) / step, 6)
            value: float = start + step * outward(steps)
        else:
            value = _rounded(parameter.unscaled(share), outward)
        inside = (share >= 0, share <= 1)
        value = max(value, parameter.low or 0) if inside[0] else value
        value = min(value, parameter.high or 0) if inside[1] else value
        bounds.append(min(max(value, floor), ceiling))
    if parameter.kind == "int":
        bounds = [int(bound) for bound in bounds]
    return replace(parameter, low=bounds[0], high=bounds[1])


def _limits(parameter: Parameter) -> tuple[float, float]:
    """How far a range may grow: to its hard limits, else not through zero nor, for a share, one."""
    low, high = float(parameter.low or 0), float(parameter.high or 0)
    floor, ceiling = -math.inf, math.inf
    if low >= 0:
        floor = 1.0 if parameter.kind == "int" and low >= 1 else 0.0
        if parameter.kind == "float" and not parameter.log and high <= 1:
            ceiling = 1.0
    if parameter.hard_low is not None:
        floor = float(parameter.hard_low)
    if parameter.hard_high is not None:
        ceiling = float(parameter.hard_high)
    return floor, ceiling


def _rounded(value: float, outward: Any) -> float:
    """Three significant figures, away from the middle of the range."""
    if value == 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 2)
    return float(f"{outward(round(value / unit, 6)) * unit:.6g}")


def _reason(parameter: Parameter, new: Parameter, good: Good, margin: float) -> str:
    if parameter.numeric:
        at = [number_text(_shown(parameter, share)) for share in (good.low, good.high)]
        told = f"{good.how} of {good.n} lie in {at[0]} to {at[1]}"
    else:
        ranked = sorted(parameter.choices)
        ends = [ranked[round(at * (len(ranked) - 1))] for at in (good.low, good.high)]
        told = f"are {ends[0]}" if ends[0] == ends[1] else f"lie in {ends[0]} to {ends[1]}"
        return f"{good.how} of {good.n} {told}; the next choice on each side is kept"
    parts = [f"{told}, margin {margin:.0%}"]
    for hit, bound, before, after in (
        (good.low_hit, "lower", parameter.low, new.low),
        (good.high_hit, "upper", parameter.high, new.high),
    ):
        if hit is not None and before != after:
            parts.append(f"{hit:.0%} of the top quarter are at the {bound} bound, so it is moved")
        elif hit is not None:
            parts.append(f"{hit:.0%} of the top quarter are at the {bound} bound, a limit")
    return "; ".join(parts)


def _shown(parameter: Parameter, share: float) -> float:
    value = parameter.unscaled(share)
    return round(value) if parameter.kind == "int" else float(f"{value:.3g}")
