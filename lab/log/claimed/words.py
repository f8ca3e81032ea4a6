"""A claim in words, none stronger than its number of seeds allows."""

from __future__ import annotations

from collections.abc import Sequence

from lab import numbers
from lab.comparison.verdict import VERDICT_FROM
from lab.log.claimed.expect import Step
from lab.log.claimed.testing import ClaimTest, StepResult

STATES = {
    "supported": "Supported",
    "observed": "Observed, not settled",
    "undecided": "Not decided",
    "opposed": "Not observed",
    "weakened": "Weakened",
    "contradicted": "Contradicted",
    "open": "No evidence",
}


def sentence(test: ClaimTest, margin: float | None) -> str:
    """What the runs say of a claim, from its weakest step."""
    if not test.results:
        return "No run of its arms has a value yet."
    weakest = [result for result in test.results if result.grade == test.grade]
    result = min(weakest, key=lambda result: (result.n, result.lead or 0.0))
    many = len(test.results) > 1
    if test.grade == "supported" and many:
        least = numbers.counted(test.seeds, "seed")
        return f"All {len(test.results)} expectations hold, with {least} or more each."
    said = _said(result, margin)
    if not many:
        return said
    on = f" on {result.row}" if result.row else ""
    return f"{expected(result.step)}{on}: {said[:1].lower()}{said[1:]}"


def _said(result: StepResult, margin: float | None) -> str:
    """What one step says, in the words that its number of seeds allows."""
    seeds, lead, interval = _seeds(result), _lead(result), _interval(result)
    above, beyond, includes = _bound(result, margin)
    if result.grade == "supported":
        return f"Over {seeds} the 95% interval of the lead, {interval}, lies {above}."
    if result.grade == "contradicted":
        return f"Over {seeds} the lead is {lead} (95% interval {interval}), {beyond}."
    if result.grade == "undecided":
        return f"Over {seeds} the 95% interval of the lead, {interval}, {includes}."
    order = "As expected" if result.grade == "observed" else "Not as expected"
    if result.n == 1:
        return (
            f"{order} with {seeds}, a lead of {lead}; one seed cannot tell a difference from "
            "chance."
        )
    told = f"a lead of {lead}" + (f", 95% interval {interval}" if result.n > 2 else "")
    over = seeds.rstrip(",")
    return f"{order} on average over {over} ({told}); a verdict takes {VERDICT_FROM} seeds."


def expected(step: Step) -> str:
    return step.words


def table(test: ClaimTest) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Headings and lines of the table of a claim: one line per step and row."""
    rows = any(result.row for result in test.results)
    intervals = any(result.n > 2 and result.low is not None for result in test.results)
    headings = [*(["On"] if rows else []), "Expected", "Seeds", "First", "Second", "Lead"]
    headings += ["95% interval of the lead"] if intervals else []
    lines = []
    for result in test.results:
        cells = [result.row or ""] if rows else []
        cells += [expected(result.step), str(result.n)]
        cells += [numbers.amount(result.metric, v) for v in (result.first, result.second)]
        cells.append(numbers.delta(result.metric, result.lead, like=result.first))
        if intervals:
            cells.append(_interval(result) if result.n > 2 else numbers.MISSING)
        lines.append(tuple(cells))
    return tuple(headings), tuple(lines)


def changed(before: ClaimTest, now: ClaimTest) -> str:
    """The lead of the day beside that of now, of the step that changed most."""
    pairs = [(a, b) for a, b in _paired(before, now) if a.lead is not None and b.lead is not None]
    if not pairs:
        return ""
    was, is_ = min(pairs, key=lambda pair: (pair[1].lead or 0.0) - (pair[0].lead or 0.0))
    return (
        f"a lead of {_lead(was)} over {numbers.counted(was.n, 'seed')} on its day, "
        f"{_lead(is_)} over {numbers.counted(is_.n, 'seed')} now"
    )


def halved(before: ClaimTest, now: ClaimTest) -> bool:
    """Whether a lead of the day is now less than half."""
    return any(
        (a.lead or 0.0) > 0 and (b.lead or 0.0) < (a.lead or 0.0) / 2
        for a, b in _paired(before, now)
    )


def _paired(before: ClaimTest, now: ClaimTest) -> Sequence[tuple[StepResult, StepResult]]:
    later = {(result.row, result.step): result for result in now.results}
    return [(r, later[r.row, r.step]) for r in before.results if (r.row, r.step) in later]


def _lead(result: StepResult) -> str:
    return numbers.delta(result.metric, result.lead, like=result.first, plus=False)


def _interval(result: StepResult) -> str:
    if result.low is None or result.high is None:
        return numbers.MISSING
    return numbers.between(result.metric, result.low, result.high, like=result.first)


def _seeds(result: StepResult) -> str:
    if result.n == 1 and result.paired:
        return f"seed {result.seeds[0]}"
    return numbers.counted(result.n, "seed") + (", paired by seed," if result.paired else "")


def _bound(result: StepResult, margin: float | None) -> tuple[str, str, str]:
    """Where an interval lies that supports, contradicts, decides nothing."""
    if result.step.operator == ">":
        return "above zero", "the other way", "includes no difference"
    size = numbers.size(result.metric, margin, like=result.first)
    if result.step.operator == ">=":
        return (
            f"above a loss of {size}",
            f"beyond a loss of {size}",
            f"reaches a loss of {size}",
        )
    return f"within {size} of zero", f"more than {size} from zero", f"reaches beyond {size}"
