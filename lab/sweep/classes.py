"""Which classes the best trials get wrong, where an accuracy of each class is known."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from lab.provenance import mean
from lab.sweep.baseline import per_class, samples_of
from lab.sweep.configuration import Configuration
from lab.sweep.study import Study

BEST = 5  # trials that are looked at
_ODD = re.compile(r"[^A-Za-z0-9_.@+-]+")  # what the name of a metric has no place for


@dataclass(frozen=True)
class ClassLine:
    """One class: its accuracy in each of the best trials, None where a trial does not tell it.

    `samples` is how many it has in the split of the objective, where that is known.
    """

    name: str
    values: tuple[float | None, ...]
    samples: int | None

    @property
    def mean(self) -> float | None:
        known = [value for value in self.values if value is not None]
        return mean(known) if known else None


@dataclass(frozen=True)
class Classes:
    """The best trials, best first, class by class, the worst first."""

    trials: tuple[int, ...]
    lines: tuple[ClassLine, ...]

    @property
    def failing(self) -> list[str]:
        """The classes that none of these trials gets right once."""
        return [line.name for line in self.lines if line.mean == 0]


def classes(study: Study, rows: Sequence[Configuration]) -> Classes | None:
    """The classes of the best trials; None where none of them tells any."""
    best = sorted(rows, key=lambda row: (-row.score, row.number))[:BEST]
    by_number = {trial.number: trial for trial in study.trials}
    told = [per_class(by_number[row.number].extra, study.objective) for row in best]
    names = sorted({name for one in told for name in one})
    if len(names) < 2:
        return None
    samples = {_ODD.sub("_", name): n for name, n in samples_of(study).items()}
    lines = [
        ClassLine(name, tuple(one.get(name) for one in told), samples.get(name)) for name in names
    ]
    lines.sort(key=lambda line: (math.inf if line.mean is None else line.mean, line.name))
    return Classes(tuple(row.number for row in best), tuple(lines))
