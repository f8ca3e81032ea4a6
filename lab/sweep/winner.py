"""The best of a search: what it scored, what it may be expected to score, and its equals.

The best of many noisy trials is good and lucky. With the noise between seeds known, the luck can
be taken off on average; without it, nobody can say how much it was.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lab.stats.intervals import mean_of, paired_difference, variance_of, welch_difference
from lab.stats.multiplicity import holm
from lab.sweep.association import winsorised
from lab.sweep.configuration import Configuration, noise_variance

CONFIRMED_FROM = 3  # seeds of a configuration from which it may be compared


@dataclass(frozen=True)
class Winner:
    """The best observed configuration.

    `noise` is the standard deviation between seeds of one configuration, with its degrees of
    freedom; None where no configuration has two seeds. `expected` is the observed value shrunk
    towards the mean of all, far outliers on the bad side pulled in, by the share of the variance
    that is noise. `ties` are the
    configurations, the best first, that its seeds do not tell from it; None where there are too
    few seeds to say.
    """

    best: Configuration
    mean: float
    noise: float | None
    freedom: int
    expected: float | None
    ties: tuple[Configuration, ...] | None
    compared: int


def winner(rows: Sequence[Configuration], repeats: Sequence[Sequence[float]] = ()) -> Winner | None:
    """The winner among the configurations; None where there are none.

    `repeats` are the values of settings that were run again on fresh seeds: they tell the noise.
    """
    if not rows:
        return None
    # The most seeds first among equals: that one is known best.
    best = min(rows, key=lambda row: (-row.score, -len(row.values), row.number))
    usual = _usual(rows)
    grand = mean_of(usual)
    noise = noise_variance([*(row.values for row in rows), *repeats])
    ties, compared = _ties(best, rows)
    return Winner(
        best=best,
        mean=grand,
        noise=math.sqrt(noise[0]) if noise else None,
        freedom=noise[1] if noise else 0,
        expected=None if noise is None else _shrunk(best, rows, usual, noise[0]),
        ties=ties,
        compared=compared,
    )


def _shrunk(
    best: Configuration, rows: Sequence[Configuration], usual: Sequence[float], noise: float
) -> float | None:
    if len(rows) < 3:
        return None
    grand, total = mean_of(usual), variance_of(usual)
    if total == 0:
        return grand
    # The mean over k seeds has a k-th of the noise, so the leader is trusted by its own seeds.
    true = max(total - noise * mean_of([1 / len(row.values) for row in rows]), 0.0)
    own = noise / len(best.values)
    return grand + (true / (true + own) if true + own else 0.0) * (best.value - grand)


def _usual(rows: Sequence[Configuration]) -> list[float]:
    """The values, a diverged one no further off than the rest allow."""
    import numpy as np

    sign = 1.0 if all(row.score == row.value for row in rows) else -1.0
    return [sign * float(score) for score in winsorised(np.asarray([row.score for row in rows]))]


def _ties(
    best: Configuration, rows: Sequence[Configuration]
) -> tuple[tuple[Configuration, ...] | None, int]:
    rivals = [row for row in rows if row is not best and len(row.values) >= CONFIRMED_FROM]
    if len(best.values) < CONFIRMED_FROM or not rivals:
        return None, 0
    found = []
    for row in rivals:
        paired = best.seeds is not None and best.seeds == row.seeds
        test = paired_difference if paired else welch_difference
        found.append(test(best.values, row.values).p)
    corrected = holm([1.0 if p is None else p for p in found])
    level = [row for row, p in zip(rivals, corrected, strict=True) if p > 0.05]
    level.sort(key=lambda row: (-row.score, row.number))
    return (best, *level), len(rivals)
