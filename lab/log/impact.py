"""What a comparison means: which arm to prefer, or the cheapest of those nothing tells apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab import numbers, provenance
from lab.comparison import Arm, Comparison, Row, Verdict, words
from lab.comparison.measure import ARM
from lab.duration import show_duration
from lab.record.run import Run

_CHEAPER = 1.2  # times the cheapest; below, the cost of two arms is as good as the same


def impact_of(
    comparison: Comparison, verdicts: list[Verdict], names: list[Any], runs: Sequence[Run]
) -> list[str]:
    """Sentences; `names` are those of the rows, `runs` all that were given to the comparison."""
    chosen = settled_choices(comparison, verdicts, names)
    said = [f"Prefer {what}{where}." for what, where in chosen]
    for row, verdict, name in zip(comparison.rows, verdicts, names, strict=True):
        if verdict.evidence == "verdict" and not verdict.settled:
            said.append(_no_reason(row, verdict, f" for {name}" if name else ""))
    if yet := _not_yet(comparison, verdicts):
        said.append(yet)
    if any(row.refused for row in comparison.rows):
        said.append("No decision: the runs are not alike enough to be compared.")
    if not said:
        said.append("None: no difference was seen.")
    if cost := _cost(comparison, runs):
        said.append(cost)
    return said


def _no_reason(row: Row, verdict: Verdict, where: str) -> str:
    """Of arms that enough seeds did not tell apart, the cheapest."""
    tied = [arm for arm in row.measured if arm.name in verdict.tied]
    some = len(tied) < len(row.measured)
    among = words.listed([f"`{arm.name}`" for arm in tied]) if some else "an arm"
    text = f"These runs give no reason to prefer {'one of ' if some else ''}{among}{where}"
    return f"{text}; {_cheapest(tied) or 'take the cheapest'}."


def _not_yet(comparison: Comparison, verdicts: list[Verdict]) -> str | None:
    """What to do for now where the seeds are too few for a verdict."""
    early = [v for v in verdicts if v.winner and v.evidence in ("observed", "range", "interval")]
    if not early:
        return None
    seeds = numbers.counted(fewest(comparison), "seed")
    word = "does" if fewest(comparison) == 1 else "do"
    if not any(verdict.apart for verdict in early):
        text = f"No decision yet: {seeds} per arm {word} not tell the best arms apart"
        rows = [row for row, verdict in zip(comparison.rows, verdicts, strict=True) if verdict.tied]
        if len(rows) == 1 and (
            advice := _cheapest([arm for arm in rows[0].measured if arm.name in early[0].tied])
        ):
            return f"{text}; until then {advice}."
        return f"{text}."
    shows = "shows" if fewest(comparison) == 1 else "show"
    text = f"No decision yet: {seeds} per arm {shows} a direction, not a result."
    leads = {verdict.winner for verdict in early}
    return f"{text} Try {choice(comparison, leads.pop())} first." if len(leads) == 1 else text


def _cheapest(tied: Sequence[Arm]) -> str | None:
    """ "take `narrow`, the fastest (1m45s a run) ..." where cost is known and differs enough."""
    best: dict[str, str] = {}
    for what, text in (("seconds", "the fastest"), ("parameters", "the smallest")):
        costs = {arm.name: cost for arm in tied if (cost := getattr(arm, what))}
        if len(costs) < max(len(tied), 2) or max(costs.values()) < _CHEAPER * min(costs.values()):
            continue
        name = min(costs, key=lambda arm: costs[arm])
        cost = costs[name]
        shown = f"{show_duration(cost)} a run" if what == "seconds" else f"{cost:,.0f} parameters"
        best.setdefault(name, "")
        best[name] += f"{' and ' if best[name] else ''}{text} ({shown})"
    told = [f"`{name}`, {why_cheap}" for name, why_cheap in best.items()]
    return f"take {' or '.join(told)}" if told else None


def settled_choices(
    comparison: Comparison, verdicts: list[Verdict], names: list[Any]
) -> list[tuple[str, str]]:
    """The winners that the evidence carries, each with " for" the rows it won."""
    chosen: dict[str, list[str]] = {}
    for name, verdict in zip(names, verdicts, strict=True):
        if verdict.settled and verdict.winner:
            chosen.setdefault(verdict.winner, []).append(str(name or ""))
    return [
        (choice(comparison, winner), f" for {words.listed(rows)}" if any(rows) else "")
        for winner, rows in chosen.items()
    ]


def choice(comparison: Comparison, arm: str | None) -> str:
    return f"`{arm}`" if comparison.by in (ARM, "suite.arm") else f"`{comparison.by}={arm}`"


def _cost(comparison: Comparison, runs: Sequence[Run]) -> str | None:
    """Mean time of a run per arm, where every arm ran in the same rows."""
    seconds = {run.id: run.seconds for run in runs if run.seconds}
    told = []
    for name in comparison.arms:
        found = [row.arm(name) for row in comparison.rows]
        times = [seconds[i] for arm in found if arm for i in arm.run_ids if i in seconds]
        if not times or any(arm is None or not arm.n for arm in found):
            return None
        told.append(f"{show_duration(provenance.mean(times))} (`{name}`)")
    return f"Cost: a run took {words.listed(told)} on average." if len(told) > 1 else None


def fewest(comparison: Comparison) -> int:
    return min((arm.n for row in comparison.rows for arm in row.measured), default=0)
