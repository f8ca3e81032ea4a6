"""Parameters that a next space no longer searches, because nothing tells them from noise.

That is no evidence that they do not matter: one in three goes back as a check of two levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lab.sweep.configuration import Factor
from lab.sweep.good_range import Good
from lab.sweep.importance import Ranking
from lab.sweep.marginal import Marginals
from lab.sweep.space import Parameter, value_text

_CHECKED = 3  # of so many freezes one is checked
_LEVELS = (0.25, 0.75)  # of the good range


@dataclass(frozen=True)
class Frozen:
    """A parameter with one value, or two to check, what the file says of it, and why."""

    parameter: Parameter
    told: str
    reason: str


def freezes(
    factors: Sequence[Factor],
    effects: Marginals,
    rankings: Sequence[Ranking],
    spans: Mapping[str, Good | None],
) -> dict[str, Frozen]:
    """What to freeze: below the noise line in every ranking, and without evidence of an effect."""
    chances = {f.name: _chance(f.name, rankings) for f in factors}
    below = [
        factor
        for factor in factors
        if (chance := chances[factor.name]) is not None
        and chance < 1
        and (effect := effects.of(factor.name)) is not None
        and effect.verdict == "no evidence"
        and not _crowds_a_bound(spans.get(factor.name))
    ]
    # The likeliest to matter after all are checked.
    ranked = sorted(below, key=lambda factor: (-(chances[factor.name] or 0), factor.name))
    checked = {factor.name for factor in ranked[: len(below) // _CHECKED]}
    found = {}
    for factor in below:
        chance = chances[factor.name]
        why = f"not told from noise ({chance:.1f} times chance), which does not show that it is"
        levels = _two_levels(factor, spans.get(factor.name)) if factor.name in checked else ()
        if len(levels) == 2:
            checking = _fixed(factor.parameter, levels)
            told = f"two levels, {value_text(levels[0])} and {value_text(levels[1])}"
            reason = f"{why} irrelevant: kept at two levels as a check"
            found[factor.name] = Frozen(checking, told, reason)
            continue
        value, which = usual(factor)
        told = f"fixed at {value_text(value)}"
        found[factor.name] = Frozen(
            _fixed(factor.parameter, (value,)), told, f"{why} irrelevant; {which}"
        )
    return found


def _crowds_a_bound(span: Good | None) -> bool:
    """Whether the range is to be widened, which comes before giving it up."""
    return span is not None and (span.low_hit is not None or span.high_hit is not None)


def _chance(name: str, rankings: Sequence[Ranking]) -> float | None:
    """The largest importance against chance; None where a forest that had it tells nothing."""
    rows = [row for ranking in rankings if not ranking.refused for row in ranking.rows]
    return max((row.chance for row in rows if row.name == name), default=None)


def usual(factor: Factor) -> tuple[Any, str]:
    """A value of the best, and which it is.

    Not the notebook's default: an entry that was right would be wrong when a default changes.
    """
    parameter, name = factor.parameter, factor.name
    best = sorted(factor.rows, key=lambda row: (-row.score, row.number))
    best = best[: max(1, len(best) // 4)]
    values = [row.params[name] for row in best]
    if parameter.ordered:
        middle = sorted(values)[len(values) // 2]
        told = float(f"{middle:.3g}") if parameter.values is None else middle
        return told, "the middle of the top quarter"
    return max(dict.fromkeys(values), key=values.count), "the most frequent of the top quarter"


def _two_levels(factor: Factor, span: Good | None) -> tuple[Any, ...]:
    parameter = factor.parameter
    if span is None:
        return parameter.choices[:2]
    if not parameter.numeric:
        inside = [c for c in parameter.choices if span.low <= parameter.scaled(c) <= span.high]
        return tuple(dict.fromkeys((min(inside), max(inside))))
    at = [parameter.unscaled(span.low + share * (span.high - span.low)) for share in _LEVELS]
    if parameter.kind == "int":
        return tuple(dict.fromkeys(round(value) for value in at))
    return tuple(dict.fromkeys(float(f"{value:.3g}") for value in at))


def _fixed(parameter: Parameter, values: tuple[Any, ...]) -> Parameter:
    """The parameter with these values alone."""
    if parameter.numeric and len(values) == 1:
        return replace(parameter, low=values[0], high=values[0], step=None)
    return Parameter(
        parameter.name, "categorical", choices=values, when=parameter.when, note=parameter.note
    )
