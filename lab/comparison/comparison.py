"""A comparison, which shows and says itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from lab.comparison import export, tables
from lab.comparison.values import Row
from lab.comparison.verdict import verdict_of

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import ConsoleRenderable


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
        plain = asdict(self)
        del plain["constants"]
        plain["goal"] = self.goal
        for row, shown in zip(self.rows, plain["rows"], strict=True):
            shown["verdict"] = verdict_of(row).text
        return plain

    def to_markdown(self) -> str:
        """The table, what it says, and the notes."""
        return tables.markdown(self)

    def to_latex(self) -> str:
        """The table for a paper, with the rules of the booktabs package."""
        return export.latex(self)

    def to_csv(self) -> str:
        """One line per row and arm, numbers in full."""
        return export.csv_text(self)

    def to_frame(self) -> pd.DataFrame:
        """One line per row and arm."""
        return export.frame(self)

    def __rich__(self) -> ConsoleRenderable:
        return tables.rich_table(self)

    def __repr__(self) -> str:
        return self.to_markdown()

    def _repr_markdown_(self) -> str:
        return self.to_markdown()

    def _repr_html_(self) -> str:
        return tables.html(self)
