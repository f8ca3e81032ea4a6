"""The phrases of a verdict: sizes, seeds, intervals, each as exact as its numbers."""

from __future__ import annotations

from collections.abc import Sequence

from lab import numbers
from lab.comparison.pairs import VERDICT_FROM
from lab.comparison.values import Arm, Row
from lab.stats.intervals import ALPHA, Difference
from lab.stats.power import MOST, pairs_needed


def listed(names: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def quoted(arms: Sequence[Arm]) -> str:
    return listed([f"`{arm.name}`" for arm in arms])


def size(row: Row, lead: float | None) -> str:
    """How far ahead, as "1.4 points", with the digits of the best value."""
    return numbers.size(row.metric, lead, like=row.best[0].mean if row.best else None)


def declared_size(row: Row) -> str:
    """The interesting difference as somebody would declare it: "1 point", "0.008 MSE"."""
    value = row.interesting or 0.0
    if numbers.is_fraction(row.metric):
        return f"{100 * value:.3g} point" + ("" if f"{100 * value:.3g}" == "1" else "s")
    return f"{value:.3g} {numbers.unit(row.metric)}"


def better(row: Row, arm: str = "better") -> str:
    """ "better" of a fraction, else what it means: "lower", "higher"."""
    if numbers.is_fraction(row.metric):
        return arm
    return "lower" if (row.goal == "min") == (arm == "better") else "higher"


def both(row: Row, best: Arm, runner: Arm) -> str:
    """Two arms' means against each other: "76.0% against 71.0%"."""
    return numbers.against(row.metric, _mean(row, best, runner), _mean(row, runner, best))


def spans(row: Row, best: Arm, runner: Arm) -> str:
    """Their ranges, in as many digits as their means: "74.0% to 76.0% and 70.0% to 72.0%"."""
    more = numbers.digits_apart(row.metric, _mean(row, best, runner), _mean(row, runner, best))
    return " and ".join(_span(row, arm, more) for arm in (best, runner))


def _mean(row: Row, arm: Arm, other: Arm) -> float | None:
    """The mean of `arm`, over the seeds it shares with `other` where they are paired by those."""
    found = row.pair(arm.name, other.name)
    if found is None or not found.difference.paired:
        return arm.mean
    pairs = zip(arm.seeds, arm.values, strict=True)
    shared = [value for seed, value in pairs if seed in other.seeds]
    return sum(shared) / len(shared)


def _span(row: Row, arm: Arm, more_digits: int) -> str:
    low = numbers.amount(row.metric, arm.minimum, with_unit=False, more_digits=more_digits)
    return f"{low} to {numbers.amount(row.metric, arm.maximum, more_digits=more_digits)}"


def over(n: int, unit: str = "seed") -> str:
    return f"in one {unit}" if n == 1 else f"over {n} {unit}s"


def unit(*arms: Arm) -> str:
    """What n counts: seeds, or runs where some have no seed or share it."""
    return "seed" if all(arm.of_seeds for arm in arms) else "run"


def seeds(best: Arm, runner: Arm, found: Difference, preposition: str = "over") -> str:
    """ "over 5 seeds", "over 5 and 3 seeds", "over the 3 seeds that both have"."""
    word = unit(best, runner)
    if found.paired and not best.n == runner.n == found.n:
        return f"{preposition} the {found.n} {word}s that both have"
    if best.n != runner.n:
        return f"{preposition} {best.n} and {runner.n} {word}s"
    return f"{preposition} {best.n} {word}s" if best.n > 1 else f"{preposition} one {word}"


def identical(row: Row) -> bool:
    """Whether the best arms have the same values seed by seed, in more than one seed."""
    best = row.best
    same = len({(arm.seeds, arm.values) for arm in best}) == 1
    return same and len(best) > 1 and best[0].n > 1 and best[0].of_seeds


def interval(row: Row, best: Arm, found: Difference) -> str:
    """The interval of the winner's lead, as an improvement, and what it holds for."""
    assert found.low is not None
    assert found.high is not None
    low, high = (-found.high, -found.low) if row.goal == "max" else (found.low, found.high)
    told = f"95% interval {numbers.between(row.metric, low, high, like=best.mean)}"
    told += ", paired by seed" if found.paired else ""
    if row.rivals < 2 or found.adjusted is None:
        return told
    if found.clear and found.n >= VERDICT_FROM:
        return f"{told}; {chance(found.adjusted)} after Holm over {row.rivals} {_what(row)}"
    if found.excludes_zero and not found.clear:
        return f"{told}, for this pair alone; not clear among the {row.rivals} {_what(row)} tested"
    return told


def _what(row: Row) -> str:
    return "arms" if row.against_baseline else "pairs"


def chance(p: float) -> str:
    """A p value with two digits: "p = 0.013", "p < 0.0001"."""
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.2g}"


def seeds_needed(row: Row, best: Arm, runner: Arm, found: Difference) -> int | None:
    """How many seeds per arm would show the interesting difference 8 times in 10.

    From the spread seen, and at the level that the next of the pairs tested together has to meet.
    None where there is no spread to go by, 0 where more than is worth saying.
    """
    if found.sd is None or row.interesting is None or found.n < 2:
        return None
    clear = sum(pair.difference.clear for pair in row.pairs)
    alpha = ALPHA / max(row.rivals - clear, 1)
    freedom = 1.0
    if not found.paired:
        a, b = (best.sd or 0.0) ** 2, (runner.sd or 0.0) ** 2
        freedom = (a + b) ** 2 / (a**2 + b**2) if a + b else 2.0
    needed = pairs_needed(row.interesting, found.sd, alpha=alpha, freedom_per_pair=freedom)
    return needed or 0


def needed(row: Row, best: Arm, runner: Arm, found: Difference) -> str:
    """What it would take, as a clause after "cannot be told apart with 3 seeds"; "" if unknown."""
    count = seeds_needed(row, best, runner, found)
    if count is None:
        return ""
    wanted = f"to see a difference of {declared_size(row)}"
    if count == 0:
        return f"; more than {MOST} would be needed {wanted}"
    if count <= found.n:
        return f"; these are about enough {wanted}"
    return f"; about {count} would be needed {wanted}"
