"""What a comparison is: frozen plain values; `tables` shows them, `verdict` interprets."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from lab.stats.intervals import Difference

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import ConsoleRenderable


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


@dataclass(frozen=True, repr=False)
class Comparison:
    """Arms (the values of `by`) over seeds, row by row, and what a reader has to know."""

    by: str
    rows_by: str | None
    metric: str | None  # None where the rows have different ones
    baseline: str | None  # as asked for; None means the first arm
    seed_param: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    uncounted: dict[str, tuple[str, ...]]  # status -> ids of the runs that are not `done`
    constants: dict[str, Any] = field(default_factory=dict)  # parameters equal in every run counted
    interesting: float | None = None  # as declared; None means the usual one of each metric
    mix: bool = False  # verdicts even where an arm mixes settings, or the data differ

    @property
    def goal(self) -> str | None:
        goals = {row.goal for row in self.rows}
        return goals.pop() if len(goals) == 1 else None

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms in table order."""
        return tuple(dict.fromkeys(arm.name for row in self.rows for arm in row.arms))

    @property
    def run_ids(self) -> tuple[str, ...]:
        """The runs whose values are shown."""
        return tuple(i for row in self.rows for arm in row.arms for i in arm.run_ids)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values, with the verdict of each row."""
        from lab.comparison.verdict import verdict_of

        plain = asdict(self)
        del plain["constants"]
        plain["goal"] = self.goal
        for row, shown in zip(self.rows, plain["rows"], strict=True):
            shown["verdict"] = verdict_of(row).text
        return plain

    def to_markdown(self) -> str:
        """The table, what it says, and the notes."""
        from lab.comparison.tables import markdown

        return markdown(self)

    def to_latex(self) -> str:
        """The table for a paper, with the rules of the booktabs package."""
        from lab.comparison.export import latex

        return latex(self)

    def to_csv(self) -> str:
        """One line per row and arm, numbers in full."""
        from lab.comparison.export import csv_text

        return csv_text(self)

    def to_frame(self) -> pd.DataFrame:
        """One line per row and arm."""
        from lab.comparison.export import frame

        return frame(self)

    def __rich__(self) -> ConsoleRenderable:
        from lab.comparison.tables import rich_table

        return rich_table(self)

    def __repr__(self) -> str:
        return self.to_markdown()

    def _repr_markdown_(self) -> str:
        return self.to_markdown()

    def _repr_html_(self) -> str:
        from lab.comparison.tables import html

        return html(self)
