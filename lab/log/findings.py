"""What a comparison lets one write: title, sentences, impact and actions, none beyond its data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lab import numbers
from lab.comparison import Comparison, Row, Verdict, verdict_of
from lab.comparison.measure import ARM
from lab.comparison.tables import row_names
from lab.comparison.verdict import VERDICT_FROM
from lab.comparison.words import listed
from lab.log.advice import advice_of, why
from lab.log.impact import fewest, impact_of
from lab.record.run import Run

__all__ = ["Story", "listed", "tell", "why"]


@dataclass(frozen=True)
class Story:
    """A comparison in words; `lines` are (row name or None, sentence)."""

    by: str  # what was compared
    title: str
    headline: str  # the title without the name of what was compared
    intro: str
    lines: tuple[tuple[str | None, str], ...]
    summary: str | None
    impact: tuple[str, ...]
    actions: tuple[str, ...]
    status: str


def tell(comparison: Comparison, runs: Sequence[Run], *, actions: bool = True) -> Story:
    """The story of a comparison; `runs` are all that were given to it.

    Without `actions`, which look at every curve, it needs no more than the summaries.
    """
    verdicts = [verdict_of(row) for row in comparison.rows]
    names = row_names(comparison) if comparison.rows_by else [None] * len(verdicts)
    headline = _headline(comparison, verdicts)
    return Story(
        by=comparison.by,
        title=_title(comparison, headline),
        headline=headline,
        intro=_intro(comparison),
        lines=tuple(zip(names, (verdict.text for verdict in verdicts), strict=True)),
        summary=_summary(comparison, verdicts),
        impact=tuple(impact_of(comparison, verdicts, names, runs)),
        actions=tuple(advice_of(comparison, verdicts, names, runs)) if actions else (),
        status=_status(verdicts),
    )


def _title(comparison: Comparison, headline: str) -> str:
    subject = _subject(comparison)
    if not subject and headline.startswith(("no ", "nothing ", "only ")):
        return numbers.capital(headline)
    # Behind nothing the name of an arm would begin the title, in lower case as names are.
    return (subject or "Arms: ") + headline


def _headline(comparison: Comparison, verdicts: list[Verdict]) -> str:
    if len(verdicts) == 1:
        return verdicts[0].short
    contested = _contested(comparison, verdicts)
    judged = [verdict for row, verdict in contested if not row.refused]
    rows = _counted_rows(comparison, len(contested) or len(verdicts))
    if not contested:
        return f"nothing to compare across {rows}"
    if not judged:
        return f"no verdict across {rows}, the runs are not alike"
    rest = len(contested) - len(judged)
    return _judged(comparison, judged) + (f", no verdict on {rest} more" if rest else "")


def _judged(comparison: Comparison, verdicts: list[Verdict]) -> str:
    """The headline over rows that were not refused a verdict."""
    rows = _counted_rows(comparison, len(verdicts))
    winners = Counter(verdict.winner for verdict in verdicts if verdict.winner and verdict.apart)
    if any(verdict.winner for verdict in verdicts) and not winners:
        return f"no arm clearly ahead across {rows}{_evidence_tail(comparison)}"
    if not winners:
        return f"no difference observed across {rows}"
    name, wins = winners.most_common(1)[0]
    if 2 * wins <= len(verdicts) and not any(verdict.settled for verdict in verdicts):
        return f"no arm clearly ahead across {rows}{_evidence_tail(comparison)}"
    word = "better" if _all_settled(verdicts, name) else "ahead"
    where = f"{wins} of {rows}"
    if wins == len(verdicts):
        where = f"all {rows}" if wins > 1 else rows
    return f"{name} {word} in {where}{_evidence_tail(comparison)}"


def _contested(comparison: Comparison, verdicts: list[Verdict]) -> list[tuple[Row, Verdict]]:
    """The rows in which more than one arm has a value, each with its verdict."""
    pairs = zip(comparison.rows, verdicts, strict=True)
    return [(row, verdict) for row, verdict in pairs if len(row.measured) > 1]


def _status(verdicts: list[Verdict]) -> str:
    if all(verdict.settled for verdict in verdicts):
        return "Confirmed"
    answered = all(verdict.evidence == "verdict" for verdict in verdicts)
    return "Resolved" if answered else "To Investigate"


def _subject(comparison: Comparison) -> str:
    if comparison.by in (ARM, "suite.arm"):
        # Arms are names of this suite; the data say what they were compared on.
        dataset = comparison.constants.get("dataset")
        return f"{dataset}: " if isinstance(dataset, str) else ""
    return f"{numbers.titled(comparison.by)}: "


def _all_settled(verdicts: list[Verdict], name: str) -> bool:
    return all(verdict.settled for verdict in verdicts if verdict.winner == name)


def _evidence_tail(comparison: Comparison) -> str:
    seeds = fewest(comparison)
    return f" ({numbers.counted(seeds, 'seed')} per arm)" if seeds < VERDICT_FROM else ""


def _counted_rows(comparison: Comparison, n: int) -> str:
    """ "2 datasets"; of a name that is no word "2 values of n_layers"."""
    name = (comparison.rows_by or "row").rpartition(".")[2]
    if name.isalpha():
        return numbers.counted(n, name)
    return f"{numbers.counted(n, 'value')} of {name}"


def _intro(comparison: Comparison) -> str:
    arms = listed([f"`{name}`" for name in comparison.arms])
    what = "" if comparison.by in (ARM, "suite.arm") else f" as `{comparison.by}`"
    across = ""
    if comparison.rows_by:
        across = f" across {_counted_rows(comparison, len(comparison.rows))}"
    shared = [
        f"{numbers.counted(value, 'epoch')} each"
        for name, value in comparison.constants.items()
        if name == "epochs" and isinstance(value, int)
    ]
    used = {seed for row in comparison.rows for arm in row.arms for seed in arm.seeds}
    seeds = sorted(
        used - {None},
        key=lambda seed: (not isinstance(seed, int | float), str(seed).zfill(9)),
    )
    if seeds:
        shared.append(f"{'seed' if len(seeds) == 1 else 'seeds'} {_span(seeds)}")
    total = len(comparison.run_ids)
    shared.append(numbers.counted(total, "run"))
    return f"Compared {arms}{what}{across} ({', '.join(shared)}):"


def _span(seeds: list[Any]) -> str:
    """ "0 to 4" where seeds follow on each other, else each."""
    whole = len(seeds) > 2 and all(isinstance(seed, int) for seed in seeds)
    if whole and seeds == list(range(seeds[0], seeds[0] + len(seeds))):
        return f"{seeds[0]} to {seeds[-1]}"
    return listed([str(seed) for seed in seeds])


def _summary(comparison: Comparison, verdicts: list[Verdict]) -> str | None:
    """How the rows agree, without pooling them."""
    contested = _contested(comparison, verdicts)
    verdicts = [verdict for _, verdict in contested]
    if len(verdicts) < 2:
        return None
    winners = Counter(verdict.winner for verdict in verdicts if verdict.winner and verdict.apart)
    level = sum(verdict.winner is None and verdict.evidence != "none" for verdict in verdicts)
    open_ones = sum(verdict.winner is not None and not verdict.apart for verdict in verdicts)
    all_rows = _counted_rows(comparison, len(verdicts))
    parts = [f"`{name}` is ahead in {n} of {all_rows}" for name, n in winners.most_common()]
    if open_ones:
        parts.append(f"the best arms cannot be told apart in {open_ones} of {all_rows}")
    if level:
        verb = "shows" if level == 1 else "show"
        parts.append(f"{_counted_rows(comparison, level)} {verb} no difference")
    if refused := sum(row.refused is not None for row, _ in contested):
        verb = "gets" if refused == 1 else "get"
        parts.append(f"{_counted_rows(comparison, refused)} {verb} no verdict")
    settled = sum(verdict.settled for verdict in verdicts)
    if winners and settled < len(verdicts):
        parts.append(f"the difference is clear in {settled or 'none'} of them")
    return f"{'; '.join(parts)}." if parts else None
