"""What a comparison is made of: frozen plain values; `tables` shows them, `verdict` interprets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lab.stats.intervals import Difference


@dataclass(frozen=True)
class Arm:
    """One arm of one row: the values of its runs, one per seed.

    `n` counts finite values; `low` and `high` are the 95% t interval of the mean, from n = 3 on.
    Deltas are this arm minus the best one, and minus the baseline, in the unit of the metric.
    """

    name: str
    n: int
    mean: float | None
    sd: float | None
    minimum: float | None
    maximum: float | None
    low: float | None
    high: float | None
    values: tuple[float, ...]
    seeds: tuple[Any, ...]
    run_ids: tuple[str, ...]
    lost_run_ids: tuple[str, ...]  # done, but without a finite value of the metric
    best: bool = False
    delta_best: float | None = None
    delta_baseline: float | None = None
    to_best: Difference | None = None
    to_baseline: Difference | None = None
    letters: str = ""  # of the compact letter display: arms that share one were not told apart
    seconds: float | None = None  # mean time of a run
    parameters: float | None = None  # of the model, where every run noted the same

    @property
    def of_seeds(self) -> bool:
        """Whether each value is of a seed of its own, so that n counts seeds."""
        return None not in self.seeds and len({repr(seed) for seed in self.seeds}) == self.n


@dataclass(frozen=True)
class Pair:
    """Two arms held against each other: `difference` is `a - b`.

    `equivalence` is the p value, after Holm, of two one-sided tests that the difference is smaller
    than the interesting one; only where that was declared.
    """

    a: str
    b: str
    difference: Difference
    equivalence: float | None = None

    def of(self, one: str, other: str) -> bool:
        return {self.a, self.b} == {one, other}


@dataclass(frozen=True)
class Row:
    """One table row (a data set, a notebook) with a metric of its own; never pooled with others.

    `pick` says which value of a run stands for it: "best" over its epochs, "chosen" on validation
    and read off test at that epoch, the "last", or "mixed" where runs chose and others could not.
    `pairs` is what was tested together: all pairs of arms, or each arm against a declared baseline.
    """

    name: str | None
    metric: str
    goal: str  # "max" or "min"
    pick: str
    arms: tuple[Arm, ...]
    baseline: str
    pairs: tuple[Pair, ...] = ()
    against_baseline: bool = False  # the pairs are those with the baseline
    interesting: float | None = None  # the smallest difference worth knowing
    declared: bool = False  # somebody said so; else it is the usual one
    refused: str | None = None  # why these arms get no verdict, and none is held against another
    advice: str | None = None  # what to ask for where they were refused one

    @property
    def best(self) -> tuple[Arm, ...]:
        return tuple(arm for arm in self.arms if arm.best)

    @property
    def measured(self) -> tuple[Arm, ...]:
        return tuple(arm for arm in self.arms if arm.n)

    @property
    def rivals(self) -> int:
        """How many differences were tested together."""
        return sum(pair.difference.p is not None for pair in self.pairs)

    def arm(self, name: str) -> Arm | None:
        return next((arm for arm in self.arms if arm.name == name), None)

    def pair(self, one: str, other: str) -> Pair | None:
        """What was tested of these two arms, whichever is `a`."""
        return next((pair for pair in self.pairs if pair.of(one, other)), None)
