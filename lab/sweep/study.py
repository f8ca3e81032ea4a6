"""A study: a space and the trials made in it, wherever they came from."""

from __future__ import annotations

from dataclasses import dataclass

from lab.sweep.confirmed import Confirmation
from lab.sweep.space import Branch, Direction, Space
from lab.sweep.trial import Trial


@dataclass(frozen=True)
class Study:
    """The trials of one search.

    `inferred` says that the space was told from the trials and not from a file; `source` where the
    study came from. `confirmed` are its best, run again on fresh seeds; that takes a notebook with
    a seed, which `seeded` says it has.
    """

    name: str
    objective: str
    direction: Direction
    space: Space
    trials: tuple[Trial, ...] = ()
    notebook: str | None = None
    sampler: str | None = None
    inferred: bool = False
    source: str = ""
    confirmed: Confirmation | None = None
    seeded: bool = True

    @property
    def complete(self) -> list[Trial]:
        """Trials that have a value, in order of number."""
        return [t for t in self.trials if t.state == "complete" and t.value is not None]

    def of(self, branch: Branch) -> list[Trial]:
        """All trials of a branch, whatever became of them."""
        return [trial for trial in self.trials if branch.holds(trial.params)]

    def ranked(self) -> list[Trial]:
        """Complete trials, best first; of equal ones the earlier first."""
        sign = -1.0 if self.direction == "maximize" else 1.0
        return sorted(self.complete, key=lambda t: (sign * (t.value or 0.0), t.number))

    @property
    def best(self) -> Trial | None:
        ranked = self.ranked()
        return ranked[0] if ranked else None

    def better(self, one: float, other: float) -> bool:
        """Whether `one` is a better value than `other`."""
        return one > other if self.direction == "maximize" else one < other
