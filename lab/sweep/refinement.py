"""The next space of a study: two options, what each changes and why, and what it risks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lab.sweep.space import Space

if TYPE_CHECKING:
    from lab.sweep.study import Study

OptionName = Literal["aggressive", "conservative"]


@dataclass(frozen=True)
class Change:
    """One line of the new space that is other than before; `old` and `new` as the file writes them.

    `parameter` is its name; `new` may be `fixed at 16` or `dropped`.
    """

    parameter: str
    old: str
    new: str
    reason: str


@dataclass(frozen=True)
class Option:
    """One way to go on: a space, and what is known about leaving the old one for it.

    `volume_ratio` is the share of the old space's volume, in sampling scale, that the new one has
    (above 1 where ranges were widened). `keeps_optimum` is the estimated chance that the optimum of
    the old space lies in the new one, None where there are too few trials to say. `margin` is by
    how much the span of the good trials was widened on each side; `carried` are the numbers of the
    trials that lie inside and are taken over as observations.
    """

    name: OptionName
    space: Space
    changes: tuple[Change, ...]
    volume_ratio: float
    keeps_optimum: float | None
    margin: float
    carried: tuple[int, ...]


@dataclass(frozen=True)
class Refinement:
    """Both options of a study; `notes` are what holds for both, and what was not done and why."""

    study: str
    aggressive: Option
    conservative: Option
    notes: tuple[str, ...]


def refine(study: Study) -> Refinement:
    """The two next spaces of a study.

    Raises InputError where the study has fewer than ten complete configurations.
    """
    raise NotImplementedError
