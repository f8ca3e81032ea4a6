"""What came of running the best of a search again on fresh seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.stats.intervals import mean_of, paired_difference, t_interval
from lab.stats.multiplicity import holm

TIED_FROM = 3  # seeds in common from which two are compared


@dataclass(frozen=True)
class Confirmed:
    """One configuration on fresh seeds; `search` is what the search had measured of it.

    `trial` is the first that had it; `values` belong to `seeds`, `run_ids` likewise.
    """

    trial: int
    params: Mapping[str, Any]
    search: float
    seeds: tuple[int, ...]
    values: tuple[float, ...]
    run_ids: tuple[str, ...]

    @property
    def mean(self) -> float:
        return mean_of(self.values)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95% t interval of the mean; None for one seed."""
        return t_interval(self.values)


@dataclass(frozen=True)
class Confirmation:
    """The configurations of a study that were run again, the best mean first.

    Only those with the most seeds can win: `winner` is the first of them. `ties` are the trials
    that the seeds in common do not tell from it (paired t test at 5%, Holm over the comparisons).
    """

    study: str
    objective: str
    direction: str
    rows: tuple[Confirmed, ...]

    @property
    def winner(self) -> Confirmed:
        most = max(len(row.values) for row in self.rows)
        return next(row for row in self.rows if len(row.values) == most)

    @property
    def ties(self) -> tuple[int, ...]:
        others = [row for row in self.rows if row is not self.winner]
        tests = [_p(self.winner, row) for row in others]
        adjusted = holm([1.0 if p is None else p for p in tests])
        return tuple(row.trial for row, p in zip(others, adjusted, strict=True) if p > 0.05)

    def drop(self, row: Confirmed) -> float:
        """By how much the search had promised more than came: above zero, it was optimistic."""
        sign = 1.0 if self.direction == "maximize" else -1.0
        return sign * (row.search - row.mean)


def _p(winner: Confirmed, row: Confirmed) -> float | None:
    """The p value of their difference over the seeds that both have; None for too few."""
    one, other = (dict(zip(r.seeds, r.values, strict=True)) for r in (winner, row))
    common = sorted(one.keys() & other.keys())
    if len(common) < TIED_FROM:
        return None
    return paired_difference([one[s] for s in common], [other[s] for s in common]).p
