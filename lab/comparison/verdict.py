"""What a row of a comparison says, in words that its number of seeds allows.

1 seed            "observed", no more
2 seeds           how the ranges lie
3 or 4 seeds      the interval, without a verdict
5 seeds or more   a verdict: better, or cannot be told apart
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lab import numbers
from lab.comparison.values import Arm, Row
from lab.stats.intervals import Difference, welch_difference

Evidence = Literal["none", "observed", "range", "interval", "verdict"]

VERDICT_FROM = 5


@dataclass(frozen=True)
class Verdict:
    """What may be said of one row; `text` is a sentence, `short` fits a title.

    `lead` is how far `winner` is ahead of `runner_up` (positive is better, whatever the goal).
    `settled` is True where the evidence carries "better" or, as a tie in every run, "level".
    """

    evidence: Evidence
    winner: str | None
    runner_up: str | None
    lead: float | None
    settled: bool
    text: str
    short: str


def verdict_of(row: Row) -> Verdict:
    """The verdict on the best arm of `row` against the next one."""
    arms = row.measured
    if not arms:
        text = f"No run has a finite {row.metric}."
        return Verdict("none", None, None, None, False, text, f"no {row.metric} to compare")
    if len(arms) == 1:
        only = arms[0]
        text = f"Only `{only.name}` has a value: {_standing(row, only)}."
        return Verdict("none", only.name, None, None, False, text, f"only {only.name} measured")
    if len(row.best) > 1:
        return _tie(row)
    best = row.best[0]
    runner = sorted(
        (arm for arm in arms if arm is not best),
        key=lambda arm: arm.mean or 0.0,
        reverse=row.goal == "max",
    )[0]
    found = runner.to_best
    assert found is not None  # both arms are measured
    if (found.mean if row.goal == "max" else -found.mean) >= 0:
        # The few seeds that both have point the other way than the means that are shown.
        found = welch_difference(runner.values, best.values, level=found.level)
    lead = -found.mean if row.goal == "max" else found.mean
    say = {"observed": _observed, "range": _range, "interval": _interval, "verdict": _settled}
    evidence = evidence_of(found.n)
    text = say[evidence](row, best, runner, found, lead)
    settled = evidence == "verdict" and found.excludes_zero and lead > 0
    if evidence == "verdict" and len(arms) > 2:
        text += _also_behind(row, best, runner)
    return Verdict(
        evidence, best.name, runner.name, lead, settled, text,
        _short(row, best, runner, evidence, lead, settled),
    )  # fmt: skip


def evidence_of(n: int) -> Evidence:
    """The wording that `n` seeds per arm allow."""
    return "observed" if n < 2 else "range" if n == 2 else "interval" if n < 5 else "verdict"


def _tie(row: Row) -> Verdict:
    names = [arm.name for arm in row.best]
    listed = _listed([f"`{name}`" for name in names])
    value = numbers.amount(row.metric, row.best[0].mean)
    seeds = _over(min(arm.n for arm in row.best))
    text = f"{listed} are level at {value} {seeds}: no difference observed."
    short = f"{_listed(names)} level at {value}"
    evidence = evidence_of(min(arm.n for arm in row.best))
    return Verdict(evidence, None, None, 0.0, False, text, short)


def _observed(row: Row, best: Arm, runner: Arm, found: Difference, lead: float) -> str:
    by = numbers.size(row.metric, lead, like=best.mean)
    same = best.n == runner.n == 1 and best.seeds == runner.seeds and best.seeds[0] is not None
    where = f"with seed {best.seeds[0]}" if same else "with one seed"
    return (
        f"`{best.name}` was observed {by} {_better(row)} than `{runner.name}` {where} "
        f"({_both(row, best, runner)}); one seed cannot tell a difference from chance."
    )


def _range(row: Row, best: Arm, runner: Arm, found: Difference, lead: float) -> str:
    apart = (
        _worst(row, best) > _best(row, runner)
        if row.goal == "max"
        else _worst(row, best) < _best(row, runner)
    )
    by = numbers.size(row.metric, lead, like=best.mean)
    lie = "do not overlap" if apart else "overlap"
    return (
        f"`{best.name}` was {by} {_better(row)} than `{runner.name}` on average "
        f"{_seeds(best, runner)} ({_both(row, best, runner)}); their ranges, "
        f"{_span(row, best)} and {_span(row, runner)}, {lie}."
    )


def _interval(row: Row, best: Arm, runner: Arm, found: Difference, lead: float) -> str:
    by = numbers.size(row.metric, lead, like=best.mean)
    zero = "" if found.excludes_zero else ", which includes no difference"
    return (
        f"`{best.name}` was {by} {_better(row)} than `{runner.name}` on average "
        f"{_seeds(best, runner)} ({_both(row, best, runner)}; "
        f"{_told_interval(row, best, found)}{zero})."
    )


def _settled(row: Row, best: Arm, runner: Arm, found: Difference, lead: float) -> str:
    interval = _told_interval(row, best, found)
    by = numbers.size(row.metric, lead, like=best.mean)
    seeds = _seeds(best, runner)
    if found.excludes_zero and lead > 0:
        return (
            f"`{best.name}` is better than `{runner.name}` by {by} ({interval}) {seeds}: "
            f"{_both(row, best, runner)}."
        )
    return (
        f"`{best.name}` and `{runner.name}` cannot be told apart {seeds}: "
        f"{_both(row, best, runner)}, a difference of {by} ({interval})."
    )


def _also_behind(row: Row, best: Arm, runner: Arm) -> str:
    behind = [
        f"`{arm.name}` (by {numbers.size(row.metric, arm.delta_best, like=best.mean)})"
        for arm in row.measured
        if arm not in (best, runner)
        and arm.n >= VERDICT_FROM
        and arm.to_best is not None
        and arm.to_best.excludes_zero
    ]
    return f" It is also better than {_listed(behind)}." if behind else ""


def _short(row: Row, best: Arm, runner: Arm, evidence: Evidence, lead: float, settled: bool) -> str:
    by = numbers.size(row.metric, lead, like=best.mean)
    if settled:
        return f"{best.name} better than {runner.name} by {by}"
    if evidence == "verdict":
        return f"{best.name} and {runner.name} cannot be told apart"
    n = min(best.n, runner.n)
    seeds = "one seed" if n == 1 else f"{n} seeds"
    return f"{best.name} observed {by} {_better(row)} than {runner.name} ({seeds})"


def _told_interval(row: Row, best: Arm, found: Difference) -> str:
    """The interval of the winner's lead, as an improvement."""
    assert found.low is not None
    assert found.high is not None
    low, high = (-found.high, -found.low) if row.goal == "max" else (found.low, found.high)
    # An interval widened for many pairs is told as what it is: 95% for all of them together.
    together = ", all pairs together" if found.level > 0.9501 else ""
    paired = ", paired by seed" if found.paired else ""
    return (
        f"95% interval {numbers.between(row.metric, low, high, like=best.mean)}{paired}{together}"
    )


def _better(row: Row) -> str:
    if numbers.is_fraction(row.metric):
        return "better"
    return "lower" if row.goal == "min" else "higher"


def _both(row: Row, best: Arm, runner: Arm) -> str:
    return f"{_standing(row, best, runner)} against {_standing(row, runner, best)}"


def _standing(row: Row, arm: Arm, other: Arm | None = None) -> str:
    """The mean of `arm`, over the seeds it shares with `other` where they are paired by those."""
    if other is None:
        return numbers.amount(row.metric, arm.mean)
    pairs = zip(arm.seeds, arm.values, strict=True)
    shared = [value for seed, value in pairs if seed in other.seeds]
    paired = len(shared) >= max(min(2, arm.n, other.n), 1)
    return numbers.amount(row.metric, sum(shared) / len(shared) if paired else arm.mean)


def _span(row: Row, arm: Arm) -> str:
    low = numbers.amount(row.metric, arm.minimum, with_unit=False)
    return f"{low} to {numbers.amount(row.metric, arm.maximum)}"


def _worst(row: Row, arm: Arm) -> float:
    return min(arm.values) if row.goal == "max" else max(arm.values)


def _best(row: Row, arm: Arm) -> float:
    return max(arm.values) if row.goal == "max" else min(arm.values)


def _over(n: int) -> str:
    return "in one seed" if n == 1 else f"over {n} seeds"


def _seeds(best: Arm, runner: Arm) -> str:
    return _over(best.n) if best.n == runner.n else f"over {best.n} and {runner.n} seeds"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
