"""What the trials of a study visited: bins, pairs of bins, bounds, duplicates, holes."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from lab.sweep.space import Parameter, Space, number_text, value_text
from lab.sweep.study import Study
from lab.sweep.trial import Trial

BINS = 10
PAIR_BINS = 4
MANY = 12  # values that are no longer listed one by one
EDGE = 0.05  # of a range, in its sampling scale, counts as its bound
NARROW = 0.20  # of the top quarter at one bound says that the range may be too narrow
MIN_TOP = 4  # trials a top quarter needs before its bounds mean anything

Cell = tuple[int, int]


def bin_of(parameter: Parameter, value: Any, bins: int) -> int | None:
    """Which of `bins` equal parts of the sampling scale holds `value`; a choice is its own part.

    None for a value outside the space.
    """
    values = parameter.values
    if values is not None and (parameter.kind == "categorical" or len(values) <= bins):
        if not parameter.contains(value):
            return None
        near = range(len(values)) if parameter.kind != "categorical" else ()
        if parameter.kind == "categorical":
            index = next(i for i, v in enumerate(values) if type(v) is type(value) and v == value)
        else:
            index = min(near, key=lambda i: abs(values[i] - value))
        return index * bins // len(values) if len(values) > bins else index
    share = parameter.scaled(value)
    if not -1e-9 <= share <= 1 + 1e-9:
        return None
    return min(max(int(share * bins), 0), bins - 1)


def bins_of(parameter: Parameter, bins: int) -> int:
    """How many parts there are: `bins`, or fewer where the parameter has fewer values."""
    values = parameter.values
    return bins if values is None else min(len(values), bins)


def visited(parameter: Parameter, trials: Sequence[Trial]) -> dict[str, Any]:
    """What of one parameter the trials saw, those where it is active."""
    active = [t for t in trials if parameter.name in t.params]
    bins = max(BINS, len(parameter.choices)) if parameter.kind == "categorical" else BINS
    count = bins_of(parameter, bins)
    seen = {
        state: {bin_of(parameter, t.params[parameter.name], bins) for t in active if _in(t, state)}
        - {None}
        for state in ("complete", "pruned")
    }
    everywhere = seen["complete"] | seen["pruned"]
    return {
        "name": parameter.name,
        "active": len(active),
        "bins": count,
        "complete": len(seen["complete"]),
        "pruned": len(seen["pruned"]),
        "expected": round(expected_cells(count, len(active)), 1),
        "gap": _gap(parameter, active),
        "missing": _missing(parameter, everywhere),
    }


def _in(trial: Trial, state: str) -> bool:
    return trial.state == state


def expected_cells(cells: int, trials: int) -> float:
    """How many of `cells` equally likely cells so many independent trials fill on average."""
    return float(cells * (1 - (1 - 1 / cells) ** trials)) if cells else 0.0


def _missing(parameter: Parameter, seen: set[int | None]) -> list[str]:
    """Values never tried, of a parameter that has few."""
    values = parameter.values
    if values is None or (parameter.numeric and len(values) > BINS):
        return []
    return [value_text(value) for index, value in enumerate(values) if index not in seen]


def _gap(parameter: Parameter, active: Sequence[Trial]) -> dict[str, Any] | None:
    """The widest part of a range that no trial visited, in its sampling scale."""
    if not parameter.numeric or not active or parameter.low == parameter.high:
        return None
    values = sorted({float(t.params[parameter.name]) for t in active})
    ends = [float(parameter.low or 0), *values, float(parameter.high or 0)]
    pairs = [(a, b) for a, b in itertools.pairwise(ends) if b > a]
    if not pairs:
        return None
    low, high = max(pairs, key=lambda p: parameter.scaled(p[1]) - parameter.scaled(p[0]))
    share = parameter.scaled(high) - parameter.scaled(low)
    if parameter.kind == "int" and high - low <= (parameter.step or 1):
        return None
    return {"low": low, "high": high, "share": round(share, 3)}


def pairs(space: Space, trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """Occupied cells of each pair of parameters beside what uniform sampling would fill.

    Least covered first.
    """
    found = []
    for one, other in itertools.combinations(space.params, 2):
        if one.name in other.when or other.name in one.when:
            continue  # the condition itself leaves cells empty
        both = [t for t in trials if one.name in t.params and other.name in t.params]
        if not both:
            continue
        cells = bins_of(one, PAIR_BINS) * bins_of(other, PAIR_BINS)
        occupied = {cell for t in both if (cell := _cell(one, other, t)) is not None}
        expected = expected_cells(cells, len(both))
        found.append(
            {
                "pair": [one.name, other.name],
                "trials": len(both),
                "cells": cells,
                "occupied": len(occupied),
                "expected": round(expected, 1),
            }
        )
    return sorted(found, key=lambda row: row["occupied"] / row["expected"])


def _cell(one: Parameter, other: Parameter, trial: Trial) -> Cell | None:
    at = [_pair_bin(p, trial.params[p.name]) for p in (one, other)]
    return None if at[0] is None or at[1] is None else (at[0], at[1])


def _pair_bin(parameter: Parameter, value: Any) -> int | None:
    if parameter.kind == "categorical" and len(parameter.choices) > PAIR_BINS:
        index = bin_of(parameter, value, len(parameter.choices))
        return None if index is None else index * PAIR_BINS // len(parameter.choices)
    return bin_of(parameter, value, PAIR_BINS)


def top_quarter(study: Study) -> list[Trial]:
    """The best quarter of the complete trials, at least one where there is any."""
    ranked = study.ranked()
    return ranked[: math.ceil(len(ranked) / 4)]


def boundary_hits(study: Study) -> list[dict[str, Any]]:
    """Per range, the share of the top quarter within 5% of each bound."""
    found = []
    for parameter in study.space.params:
        if not parameter.numeric or parameter.low == parameter.high:
            continue
        top = [t for t in top_quarter(study) if parameter.name in t.params]
        if len(top) < MIN_TOP:
            continue
        at = [parameter.scaled(t.params[parameter.name]) for t in top]
        low = sum(share <= EDGE for share in at) / len(at)
        high = sum(share >= 1 - EDGE for share in at) / len(at)
        ends = [end for end, hit in (("low", low), ("high", high)) if hit > NARROW]
        found.append(
            {"name": parameter.name, "top": len(top), "low": low, "high": high, "narrow": ends}
        )
    return found


def duplicates(trials: Sequence[Trial]) -> list[list[int]]:
    """Numbers of trials that tried the same configuration, group by group."""
    groups: dict[str, list[int]] = defaultdict(list)
    for trial in trials:
        groups[repr(sorted(trial.params.items()))].append(trial.number)
    return [numbers for numbers in groups.values() if len(numbers) > 1]


def holes(study: Study, limit: int = 5) -> list[dict[str, Any]]:
    """Empty cells of pairs of ordered parameters, each beside cells of top trials.

    A cell that more top trials are beside comes first.
    """
    top = top_quarter(study)
    ordered = [p for p in study.space.params if p.ordered and bins_of(p, PAIR_BINS) > 1]
    found: list[dict[str, Any]] = []
    for one, other in itertools.combinations(ordered, 2):
        filled = Counter(
            cell
            for t in study.trials
            if one.name in t.params and other.name in t.params
            for cell in [_cell(one, other, t)]
        )
        good = Counter(
            cell
            for t in top
            if one.name in t.params and other.name in t.params
            for cell in [_cell(one, other, t)]
        )
        sizes = bins_of(one, PAIR_BINS), bins_of(other, PAIR_BINS)
        for cell in itertools.product(range(sizes[0]), range(sizes[1])):
            beside = sum(
                good[(cell[0] + dx, cell[1] + dy)] for dx, dy in ((0, 1), (0, -1), (1, 0), (-1, 0))
            )
            if cell not in filled and beside:
                text = f"{_span(one, cell[0])}, {_span(other, cell[1])}"
                found.append(
                    {"pair": [one.name, other.name], "cell": text, "good_neighbours": beside}
                )
    return sorted(found, key=lambda hole: -int(hole["good_neighbours"]))[:limit]


def _span(parameter: Parameter, index: int) -> str:
    """The part of a parameter that a cell of a pair stands for."""
    values = parameter.values
    if values is not None and len(values) <= PAIR_BINS:
        return f"{parameter.name} = {value_text(values[index])}"
    if parameter.kind == "categorical" and values is not None:
        inside = [v for i, v in enumerate(values) if i * PAIR_BINS // len(values) == index]
        return f"{parameter.name} in {', '.join(map(value_text, inside))}"
    if values is not None and len(values) <= MANY:
        inside = [v for v in values if _pair_bin(parameter, v) == index]
        return f"{parameter.name} in {', '.join(map(value_text, inside))}"
    low, high = (parameter.unscaled((index + step) / PAIR_BINS) for step in (0, 1))
    return f"{parameter.name} {number_text(_short(low))} to {number_text(_short(high))}"


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def discrepancy(study: Study) -> dict[str, Any] | None:
    """L2-star discrepancy of the random phase over the ranges that are always active.

    `expected` is the root of what independent uniform points have on average,
    (2**-d - 3**-d) / n (Warnock 1972).
    """
    always = [p for p in study.space.params if p.kind == "float" and not p.when]
    points = [
        [parameter.scaled(t.params[parameter.name]) for parameter in always]
        for t in study.trials
        if t.phase == "random" and all(p.name in t.params for p in always)
    ]
    if len(points) < 2 or not always:
        return None
    from scipy.stats import qmc

    clipped = [[min(max(x, 0.0), 1.0) for x in point] for point in points]
    d, n = len(always), len(points)
    return {
        "parameters": [p.name for p in always],
        "trials": n,
        "value": float(qmc.discrepancy(clipped, method="L2-star")),
        "expected": math.sqrt((2.0**-d - 3.0**-d) / n),
    }
