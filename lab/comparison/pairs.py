"""Arms held against each other two by two, and what holds of all of them together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from lab.comparison.values import Arm, Pair
from lab.stats.equivalence import equivalence_p
from lab.stats.intervals import Difference, paired_difference, welch_difference
from lab.stats.letters import letters
from lab.stats.multiplicity import holm

LEVEL = 0.95
VERDICT_FROM = 5  # seeds per arm


def tested(arms: Sequence[Arm], baseline: str | None, margin: float | None) -> tuple[Pair, ...]:
    """Every pair of arms, or every arm against the baseline, with p values after Holm.

    `margin` is the difference below which two arms are as good as equal, where that was declared.
    """
    measured = [arm for arm in arms if arm.n]
    if baseline is None:
        found = [(b, a) for a, b in combinations(measured, 2)]
    else:
        reference = [arm for arm in measured if arm.name == baseline]
        found = [(arm, other) for other in reference for arm in measured if arm is not other]
    apart = [difference_of(a, b) for a, b in found]
    adjusted = _together(difference.p for difference in apart)
    equal = _together(None if margin is None else equivalence_p(d, margin) for d in apart)
    return tuple(
        Pair(a.name, b.name, replace(difference, adjusted=p), equivalence=q)
        for (a, b), difference, p, q in zip(found, apart, adjusted, equal, strict=True)
    )


def difference_of(arm: Arm, reference: Arm) -> Difference:
    """`arm` minus `reference`, which have values: paired where their seeds match, else Welch.

    They match where each has a seed once and half the seeds of the smaller arm or more (at least
    two, where it has two) are also of the other, and the seeds that both have do not point the
    other way than the means that are shown.
    """
    ours, theirs = _by_seed(arm), _by_seed(reference)
    shared = [seed for seed in ours if seed in theirs]
    smaller = min(arm.n, reference.n)
    if shared and len(shared) >= max(min(2, smaller), math.ceil(smaller / 2)):
        a, b = [ours[seed] for seed in shared], [theirs[seed] for seed in shared]
        found = paired_difference(a, b, level=LEVEL)
        if len(shared) == arm.n == reference.n or found.mean * _apart(arm, reference) > 0:
            return found
    return welch_difference(arm.values, reference.values, level=LEVEL)


def lettered(arms: Sequence[Arm], pairs: Sequence[Pair], goal: str) -> dict[str, str]:
    """The compact letter display; empty where it would say more than the seeds, or nothing."""
    measured = [arm for arm in arms if arm.n]
    whole = len(pairs) == len(measured) * (len(measured) - 1) // 2
    if len(measured) < 3 or not whole or any(p.difference.n < VERDICT_FROM for p in pairs):
        return {}
    best_first = sorted(measured, key=lambda arm: arm.mean or 0.0, reverse=goal == "max")
    apart = [(pair.a, pair.b) for pair in pairs if pair.difference.clear]
    return letters([arm.name for arm in best_first], apart)


def _together(p_values: Iterable[float | None]) -> list[float | None]:
    """Holm over the p values there are."""
    listed = list(p_values)
    adjusted = iter(holm([p for p in listed if p is not None]))
    return [None if p is None else next(adjusted) for p in listed]


def _apart(arm: Arm, reference: Arm) -> float:
    return (arm.mean or 0.0) - (reference.mean or 0.0)


def _by_seed(arm: Arm) -> dict[Any, float]:
    if not arm.of_seeds:
        return {}
    return dict(zip(map(repr, arm.seeds), arm.values, strict=True))
