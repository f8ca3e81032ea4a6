"""What each parameter does to the objective, in words no stronger than the trials allow.

Every parameter is looked at among the configurations in which it plays a part, tested by shuffling
within blocks (lab/sweep/association.py) and corrected over everything that was tested.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lab.stats.intervals import ALPHA, mean_of, t_interval, welch_difference
from lab.stats.multiplicity import benjamini_hochberg, holm
from lab.sweep.association import Grouping, Trend, grouping, trend
from lab.sweep.configuration import Factor, shown

Verdict = Literal["matters", "suggestive", "no evidence", "too few trials"]

VERDICT_FROM = 20
INTERVAL_FROM = 10
LISTED = 0.10  # false discovery rate of what is called suggestive


@dataclass(frozen=True)
class Level:
    """One choice: the mean of its configurations with its t interval, None for fewer than two."""

    value: Any
    n: int
    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Effect:
    """One parameter: its trend or its groups, the p value corrected, and the word for it.

    `holm` and `fdr` are corrected over the family of tests; None for too few trials. `levels`
    are those of an unordered parameter, best first; where it matters, `apart` are the pairs of them
    that Welch's test tells apart after Holm over the pairs.
    """

    factor: Factor
    trend: Trend | None
    groups: Grouping | None
    levels: tuple[Level, ...]
    apart: tuple[tuple[Any, Any], ...]
    p: float | None
    holm: float | None
    fdr: float | None
    verdict: Verdict

    @property
    def n(self) -> int:
        return len(self.factor.rows)

    @property
    def direction(self) -> str:
        """The shape in words; "unclear" where nothing was found, "" where nobody may say."""
        if self.verdict == "too few trials":
            return ""
        if self.verdict == "no evidence":
            return "unclear"
        if self.trend is None:
            return self._best
        if self.trend.bent and self.trend.inside:
            return "interior optimum" if self.trend.curve < 0 else "worst in the middle"
        return "rising" if self.trend.rho > 0 else "falling"

    @property
    def _best(self) -> str:
        """The best choice, with those that are not told from it: "cnn or cvkan best"."""
        first = self.levels[0].value
        worse = [other for one, other in self.apart if one == first]
        level = [one.value for one in self.levels if one.value not in worse]
        if not worse:
            return f"{shown(first)} best as observed"
        return f"{' or '.join(map(shown, level))} best"


@dataclass(frozen=True)
class Marginals:
    """Every effect, in the order of the space, and how many tests were corrected for."""

    effects: tuple[Effect, ...]
    family: int

    def of(self, name: str) -> Effect | None:
        return next((e for e in self.effects if e.factor.name == name), None)

    @property
    def found(self) -> list[Effect]:
        """The effects that hold for all tests together, clearest first."""
        held = [e for e in self.effects if e.verdict == "matters"]
        return sorted(held, key=lambda e: (e.p or 0.0, e.factor.name))


def marginals(factors: Sequence[Factor]) -> Marginals:
    """The effect of each factor on the score, where more is better whatever the objective."""
    tried = [(factor, *_measured(factor)) for factor in factors]
    tested = [i for i, (factor, *_) in enumerate(tried) if len(factor.rows) >= VERDICT_FROM]
    p_values = [_p(tried[i][1], tried[i][2]) for i in tested]
    by_holm = dict(zip(tested, holm(p_values), strict=True))
    by_fdr = dict(zip(tested, benjamini_hochberg(p_values), strict=True))
    effects = []
    for i, (factor, moved, groups) in enumerate(tried):
        verdict = _word(by_holm.get(i), by_fdr.get(i))
        levels, apart = ((), ()) if factor.ordered else _levels(factor)
        effects.append(
            Effect(
                factor=factor,
                trend=moved,
                groups=groups,
                levels=levels,
                apart=apart if verdict == "matters" else (),
                p=_p(moved, groups) if i in by_holm else None,
                holm=by_holm.get(i),
                fdr=by_fdr.get(i),
                verdict=verdict,
            )
        )
    return Marginals(tuple(effects), len(tested))


def _measured(factor: Factor) -> tuple[Trend | None, Grouping | None]:
    if factor.ordered:
        return trend(factor.places, factor.scores, factor.block), None
    return None, grouping([repr(value) for value in factor.values], factor.scores, factor.block)


def _p(moved: Trend | None, groups: Grouping | None) -> float:
    found = moved or groups
    assert found is not None
    return found.p


def _word(adjusted: float | None, rate: float | None) -> Verdict:
    if adjusted is None or rate is None:
        return "too few trials"
    if adjusted <= ALPHA:
        return "matters"
    return "suggestive" if rate <= LISTED else "no evidence"


def _levels(factor: Factor) -> tuple[tuple[Level, ...], tuple[tuple[Any, Any], ...]]:
    """The choices, best mean first, and which of them are apart."""
    held: list[tuple[Any, list[float], list[float]]] = []
    for value in dict.fromkeys(factor.values):
        rows = [row for row in factor.rows if row.params[factor.name] == value]
        held.append((value, [row.value for row in rows], [row.score for row in rows]))
    held.sort(key=lambda item: (-mean_of(item[2]), repr(item[0])))
    levels = []
    for value, values, _ in held:
        interval = t_interval(values)
        low, high = interval or (None, None)
        levels.append(Level(value, len(values), mean_of(values), low, high))
    pairs = [
        (a[0], b[0], welch_difference(a[2], b[2]))
        for i, a in enumerate(held)
        for b in held[i + 1 :]
    ]
    tested = [(one, other, d.p) for one, other, d in pairs if d.p is not None]
    corrected = holm([p for *_, p in tested])
    apart = tuple(
        (one, other) for (one, other, _), p in zip(tested, corrected, strict=True) if p <= ALPHA
    )
    return tuple(levels), apart
