"""What a row of a comparison says, in words that its number of seeds allows.

1 seed            "observed", no more
2 seeds           how the ranges lie
3 or 4 seeds      the interval, or that the arms cannot be told apart; no verdict
5 seeds or more   a verdict: better, equivalent, or cannot be told apart

From five seeds on, arms are told apart where the t test holds at 5% after Holm over all that were
tested; with three or four, where the 95% interval of that pair excludes zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lab import numbers
from lab.comparison import words
from lab.comparison.pairs import VERDICT_FROM
from lab.comparison.values import Arm, Row
from lab.comparison.words import better, both, interval, listed, quoted
from lab.stats.intervals import ALPHA, Difference

Evidence = Literal["none", "observed", "range", "interval", "verdict"]

__all__ = ["VERDICT_FROM", "Evidence", "Verdict", "evidence_of", "verdict_of"]


@dataclass(frozen=True)
class Verdict:
    """What may be said of one row; `text` is a sentence or some, `short` fits a title.

    `lead` is how far `winner` is ahead of `runner_up` (positive is better, whatever the goal).
    `settled` is True where the evidence carries "better". `tied` are the arms that cannot be told
    from the best one, that one first; empty where the seeds do not allow to say so.
    """

    evidence: Evidence
    winner: str | None
    runner_up: str | None
    lead: float | None
    settled: bool
    text: str
    short: str
    tied: tuple[str, ...] = ()

    @property
    def apart(self) -> bool:
        """Whether the words say that `winner` is ahead, rather than level or not told apart."""
        return self.winner is not None and self.runner_up not in (None, *self.tied)


@dataclass(frozen=True)
class _Case:
    """Two arms of a row, better mean first; `lead` is how far that is ahead."""

    row: Row
    best: Arm
    runner: Arm
    found: Difference
    lead: float

    @property
    def apart(self) -> bool:
        return _apart(self.found) and self.lead > 0

    @property
    def by(self) -> str:
        return words.size(self.row, self.lead)

    @property
    def equivalence(self) -> float | None:
        pair = self.row.pair(self.best.name, self.runner.name)
        return pair.equivalence if pair else None

    @property
    def equivalent(self) -> bool:
        p = self.equivalence
        return p is not None and p <= ALPHA and self.found.n >= VERDICT_FROM


def verdict_of(row: Row) -> Verdict:
    """The verdict on the best arm of `row`: against the next one, or a declared baseline."""
    arms = row.measured
    if not arms:
        text = f"No run has a finite {row.metric}."
        return Verdict("none", None, None, None, False, text, f"no {row.metric} to compare")
    if len(arms) == 1:
        only = arms[0]
        text = f"Only `{only.name}` has a value: {numbers.amount(row.metric, only.mean)}."
        return Verdict("none", only.name, None, None, False, text, f"only {only.name} measured")
    if row.refused:
        text = f"No verdict: {row.refused}."
        return Verdict("none", None, None, None, False, text, "no verdict, the runs are not alike")
    if len(row.best) > 1:
        return _tie(row)
    case = _case(row)
    evidence = evidence_of(case.found.n)
    settled = evidence == "verdict" and case.apart
    say = {"observed": _observed, "range": _range, "interval": _tested, "verdict": _tested}
    text = say[evidence](case)
    if evidence in ("interval", "verdict"):
        text += _others(case)
    return Verdict(
        evidence, case.best.name, case.runner.name, case.lead, settled, text,
        _short(case, evidence, settled), tied=_tied(row, case.best),
    )  # fmt: skip


def evidence_of(n: int) -> Evidence:
    """The wording that `n` seeds per arm allow."""
    return "observed" if n < 2 else "range" if n == 2 else "interval" if n < 5 else "verdict"


def _apart(found: Difference) -> bool:
    return found.clear if found.n >= VERDICT_FROM else found.n > 2 and found.excludes_zero


def _case(row: Row) -> _Case:
    """The pair that the verdict is about."""
    best = row.best[0]
    others = sorted(
        (arm for arm in row.measured if arm is not best),
        key=lambda arm: arm.mean or 0.0,
        reverse=row.goal == "max",
    )
    reference = row.arm(row.baseline) if row.against_baseline else None
    runner = reference if reference in others else others[0]
    assert runner is not None
    found = runner.to_best
    assert found is not None  # both arms are measured
    return _Case(row, best, runner, found, -found.mean if row.goal == "max" else found.mean)


def _tied(row: Row, best: Arm) -> tuple[str, ...]:
    """The arms that were tested against the best one, and not found to be different."""
    names = [best.name]
    for arm in row.measured:
        pair = row.pair(best.name, arm.name) if arm is not best else None
        if pair and pair.difference.n >= 3 and not _apart(pair.difference):
            names.append(arm.name)
    return tuple(names) if len(names) > 1 else ()


def _tie(row: Row) -> Verdict:
    names = [arm.name for arm in row.best]
    value = numbers.amount(row.metric, row.best[0].mean)
    fewest = min(arm.n for arm in row.best)
    each = ", the same with every seed" if words.identical(row) else ""
    text = (
        f"{quoted(row.best)} are level at {value} {words.over(fewest, words.unit(*row.best))}"
        f"{each}: no difference observed."
    )
    short = f"{listed(names)} level at {value}"
    return Verdict(evidence_of(fewest), None, None, 0.0, False, text, short, tied=tuple(names))


def _observed(case: _Case) -> str:
    best, runner = case.best, case.runner
    same = best.n == runner.n == 1 and best.seeds == runner.seeds and best.seeds[0] is not None
    where = f"with seed {best.seeds[0]}" if same else "with one seed"
    return (
        f"`{best.name}` was observed {case.by} {better(case.row)} than `{runner.name}` {where} "
        f"({both(case.row, best, runner)}); one seed cannot tell a difference from chance."
    )


def _range(case: _Case) -> str:
    row, best, runner = case.row, case.best, case.runner
    if row.goal == "max":
        apart = min(best.values) > max(runner.values)
    else:
        apart = max(best.values) < min(runner.values)
    return (
        f"`{best.name}` was {case.by} {better(row)} than `{runner.name}` on average "
        f"{words.seeds(best, runner, case.found)} ({both(row, best, runner)}); their ranges, "
        f"{words.spans(row, best, runner)}, "
        f"{'do not overlap' if apart else 'overlap'}."
    )


def _tested(case: _Case) -> str:
    """From three seeds on: apart or not; "is better" from five on."""
    row, best, runner, found = case.row, case.best, case.runner, case.found
    told = interval(row, best, found)
    if case.apart:
        if found.n >= VERDICT_FROM:
            small = f" That is less than {words.declared_size(row)}." if case.equivalent else ""
            return (
                f"`{best.name}` is better than `{runner.name}` by {case.by} ({told}) "
                f"{words.seeds(best, runner, found)}: {both(row, best, runner)}.{small}"
            )
        return (
            f"`{best.name}` was {case.by} {better(row)} than `{runner.name}` on average "
            f"{words.seeds(best, runner, found)} ({both(row, best, runner)}; {told})."
        )
    seeds = words.seeds(best, runner, found, "with")
    if case.equivalent:
        p = words.chance(case.equivalence or 0.0)
        return (
            f"`{best.name}` and `{runner.name}` are within {words.declared_size(row)} of each "
            f"other {seeds} (two one-sided tests, {p}): {both(row, best, runner)}, "
            f"a difference of {case.by} ({told})."
        )
    return (
        f"`{best.name}` and `{runner.name}` cannot be told apart {seeds}: "
        f"{both(row, best, runner)}, a difference of {case.by} ({told})"
        f"{words.needed(row, best, runner, found)}."
    )


def _others(case: _Case) -> str:
    """The further arms against the best one, or against the declared baseline."""
    row = case.row
    anchor = row.arm(row.baseline) if row.against_baseline else case.best
    assert anchor is not None
    ahead: list[str] = []
    behind: list[str] = []
    level: list[Arm] = []
    for arm in row.measured:
        pair = row.pair(arm.name, anchor.name) if arm not in (case.best, case.runner) else None
        if pair is None or pair.difference.n < 3:
            continue
        found = pair.difference if pair.a == arm.name else pair.difference.reversed()
        if not _apart(found):
            level.append(arm)
        elif found.n >= VERDICT_FROM:
            side = ahead if (found.mean > 0) == (row.goal == "max") else behind
            side.append(f"`{arm.name}` (by {words.size(row, found.mean)})")
    told = ""
    if ahead:
        verb = "is" if len(ahead) == 1 else "are"
        told += f" {listed(ahead)} {verb} better than `{anchor.name}` too."
    if behind:
        also = " also" if anchor is case.best and case.apart else ""
        subject = "It" if also else f"`{anchor.name}`"
        told += f" {subject} is{also} better than {listed(behind)}."
    if level:
        first = case.apart
        told += (
            f" {quoted(level)} cannot be told from `{anchor.name}`."
            if first
            else f" Nor can {quoted(level)} be told from `{anchor.name}`."
        )
    return told


def _short(case: _Case, evidence: Evidence, settled: bool) -> str:
    best, runner = case.best, case.runner
    if settled:
        return f"{best.name} better than {runner.name} by {case.by}"
    n = case.found.n
    seeds = "" if n >= VERDICT_FROM else f" ({numbers.counted(n, words.unit(best, runner))})"
    if evidence in ("interval", "verdict") and not case.apart:
        if case.equivalent:
            return f"{best.name} and {runner.name} within {words.declared_size(case.row)}"
        return f"{best.name} and {runner.name} cannot be told apart{seeds}"
    return f"{best.name} observed {case.by} {better(case.row)} than {runner.name}{seeds}"
