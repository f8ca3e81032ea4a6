"""What a comparison lets one write: title, sentences, impact and actions, none beyond its data."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lab import numbers, provenance
from lab.comparison import Comparison, Verdict, verdict_of
from lab.comparison.measure import ARM
from lab.comparison.tables import row_names
from lab.comparison.verdict import VERDICT_FROM
from lab.diagnosis import Diagnosis, diagnose
from lab.duration import show_duration
from lab.record.run import Run
from lab.stats.power import pairs_needed


@dataclass(frozen=True)
class Story:
    """A comparison in words; `lines` are (row name or None, sentence)."""

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
        title=_subject(comparison) + headline,
        headline=headline,
        intro=_intro(comparison),
        lines=tuple(zip(names, (verdict.text for verdict in verdicts), strict=True)),
        summary=_summary(comparison, verdicts),
        impact=tuple(_impact(comparison, verdicts, names, runs)),
        actions=tuple(_actions(comparison, verdicts, names, runs)) if actions else (),
        status=_status(verdicts),
    )


def listed(names: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _headline(comparison: Comparison, verdicts: list[Verdict]) -> str:
    if len(verdicts) == 1:
        return verdicts[0].short
    verdicts = _contested(comparison, verdicts)
    rows = numbers.counted(len(verdicts), _row_word(comparison))
    winners = Counter(verdict.winner for verdict in verdicts if verdict.winner)
    if not winners:
        return f"no difference observed across {rows}"
    name, wins = winners.most_common(1)[0]
    if 2 * wins <= len(verdicts) and not any(verdict.settled for verdict in verdicts):
        return f"no arm clearly ahead across {rows}{_evidence_tail(comparison)}"
    word = "better" if _all_settled(verdicts, name) else "ahead"
    if wins == len(verdicts):
        return f"{name} {word} in all {rows}{_evidence_tail(comparison)}"
    return f"{name} {word} in {wins} of {rows}{_evidence_tail(comparison)}"


def _contested(comparison: Comparison, verdicts: list[Verdict]) -> list[Verdict]:
    """The verdicts of rows in which more than one arm has a value."""
    pairs = zip(comparison.rows, verdicts, strict=True)
    return [verdict for row, verdict in pairs if len(row.measured) > 1]


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
    by = comparison.by.replace("_", " ")
    return f"{by[:1].upper()}{by[1:]}: "


def _all_settled(verdicts: list[Verdict], name: str) -> bool:
    return all(verdict.settled for verdict in verdicts if verdict.winner == name)


def _evidence_tail(comparison: Comparison) -> str:
    fewest = _fewest(comparison)
    return f" ({numbers.counted(fewest, 'seed')} per arm)" if fewest < VERDICT_FROM else ""


def _row_word(comparison: Comparison) -> str:
    return (comparison.rows_by or "row").rsplit(".", 1)[-1].replace("_", " ")


def _fewest(comparison: Comparison) -> int:
    return min((arm.n for row in comparison.rows for arm in row.measured), default=0)


def _intro(comparison: Comparison) -> str:
    arms = listed([f"`{name}`" for name in comparison.arms])
    what = "" if comparison.by in (ARM, "suite.arm") else f" as `{comparison.by}`"
    across = ""
    if comparison.rows_by:
        across = f" across {numbers.counted(len(comparison.rows), _row_word(comparison))}"
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
    verdicts = _contested(comparison, verdicts)
    if len(verdicts) < 2:
        return None
    winners = Counter(verdict.winner for verdict in verdicts if verdict.winner)
    level = sum(verdict.winner is None and verdict.evidence != "none" for verdict in verdicts)
    word = _row_word(comparison)
    parts = [
        f"`{name}` is ahead in {n} of {len(verdicts)} {numbers.plural_of(word)}"
        for name, n in winners.most_common()
    ]
    if level:
        parts.append(f"{numbers.counted(level, word)} shows no difference")
    settled = sum(verdict.settled for verdict in verdicts)
    if winners and settled < len(verdicts):
        parts.append(f"the difference is clear in {settled or 'none'} of them")
    return f"{'; '.join(parts)}." if parts else None


def _impact(
    comparison: Comparison, verdicts: list[Verdict], names: list[Any], runs: Sequence[Run]
) -> list[str]:
    chosen = _settled_choices(comparison, verdicts, names)
    said = [f"Prefer {what}{where}." for what, where in chosen]
    open_rows = [
        str(name or "")
        for name, verdict in zip(names, verdicts, strict=True)
        if verdict.evidence == "verdict" and not verdict.settled
    ]
    if open_rows:
        where = f" for {listed(open_rows)}" if any(open_rows) else ""
        said.append(f"These runs give no reason to prefer an arm{where}; take the cheaper one.")
    leads = {v.winner for v in verdicts if v.winner and not v.settled and v.evidence != "verdict"}
    if leads and not all(verdict.settled for verdict in verdicts):
        seeds = numbers.counted(_fewest(comparison), "seed")
        shows = "shows" if _fewest(comparison) == 1 else "show"
        text = f"No decision yet: {seeds} per arm {shows} a direction, not a result."
        if len(leads) == 1:
            text += f" Try {_choice(comparison, leads.pop())} first."
        said.append(text)
    if not said:
        said.append("None: no difference was seen.")
    if cost := _cost(comparison, runs):
        said.append(cost)
    return said


def _settled_choices(
    comparison: Comparison, verdicts: list[Verdict], names: list[Any]
) -> list[tuple[str, str]]:
    """The winners that the evidence carries, each with " for" the rows it won."""
    chosen: dict[str, list[str]] = {}
    for name, verdict in zip(names, verdicts, strict=True):
        if verdict.settled and verdict.winner:
            chosen.setdefault(verdict.winner, []).append(str(name or ""))
    return [
        (_choice(comparison, winner), f" for {listed(rows)}" if any(rows) else "")
        for winner, rows in chosen.items()
    ]


def _choice(comparison: Comparison, arm: str | None) -> str:
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
    return f"Cost: a run took {listed(told)} on average." if len(told) > 1 else None


def _actions(
    comparison: Comparison, verdicts: list[Verdict], names: list[Any], runs: Sequence[Run]
) -> list[str]:
    counted = set(comparison.run_ids)
    lost = {i for row in comparison.rows for arm in row.arms for i in arm.lost_run_ids}
    diagnosed = [diagnose(run) for run in runs if run.id in counted | lost]
    return [
        *_adopt(comparison, verdicts, names),
        *_more_seeds(comparison, verdicts, names),
        *_edge(comparison),
        *_from_curves(diagnosed, runs),
        *_failures(comparison, runs),
    ]


def _adopt(comparison: Comparison, verdicts: list[Verdict], names: list[Any]) -> list[str]:
    if comparison.by in (ARM, "suite.arm", "notebook"):
        return []
    chosen = _settled_choices(comparison, verdicts, names)
    return [f"Make {what} the default{where}" for what, where in chosen]


def _more_seeds(comparison: Comparison, verdicts: list[Verdict], names: list[Any]) -> list[str]:
    """Seeds that would allow a verdict, or that the spread seen asks for."""
    fewest = _fewest(comparison)
    if 0 < fewest < VERDICT_FROM and len(comparison.arms) > 1:
        used = {s for row in comparison.rows for arm in row.arms for s in arm.seeds}
        free = [str(s) for s in range(100) if s not in used][: VERDICT_FROM - fewest]
        word = "seed" if len(free) == 1 else "seeds"
        so_far = "there is one" if fewest == 1 else f"there are {fewest}"
        return [
            f"Run {word} {listed(free)} of every arm: {VERDICT_FROM} seeds per arm allow a "
            f"verdict, so far {so_far}"
        ]
    asked = []
    for row, name, verdict in zip(comparison.rows, names, verdicts, strict=True):
        runner = row.arm(verdict.runner_up) if verdict.runner_up else None
        found = runner.to_best if runner else None
        if verdict.settled or found is None or not found.sd or verdict.lead is None:
            continue
        needed = pairs_needed(verdict.lead, found.sd)
        size = numbers.size(row.metric, verdict.lead, like=row.best[0].mean)
        where = f" on {name}" if name else ""
        if needed:
            asked.append(
                f"Decide whether {size}{where} is worth it: about {needed} seeds per arm would "
                f"show a difference of that size (80% power at the spread seen)"
            )
        else:
            asked.append(f"Let it rest: no affordable number of seeds would show {size}{where}")
    return asked


def _edge(comparison: Comparison) -> list[str]:
    """The best value of a numeric parameter is the outermost one tried."""
    try:
        values = [float(name) for name in comparison.arms]
    except ValueError:
        return []
    leaders = {row.best[0].name for row in comparison.rows if len(row.best) == 1}
    if len(values) < 2 or len(leaders) != 1:
        return []
    leader = leaders.pop()
    if float(leader) == max(values):
        return [f"Try `{comparison.by}` above {leader}: the best value is the largest tried"]
    if float(leader) == min(values) and len(values) > 2:
        return [f"Try `{comparison.by}` below {leader}: the best value is the smallest tried"]
    return []


def _from_curves(diagnosed: list[Diagnosis], runs: Sequence[Run]) -> list[str]:
    total = len(diagnosed)
    improving = [d for d in diagnosed if d.finding("improving") and not d.finding("overfit")]
    overfit = [d for d in diagnosed if d.finding("overfit")]
    epochs = {run.params.get("epochs") for run in runs}
    said = []
    if 2 * len(improving) >= total and improving:
        given = epochs.pop() if len(epochs) == 1 else None
        more = f" (`epochs={2 * given}`)" if isinstance(given, int) else ""
        said.append(
            f"Run longer{more}: {len(improving)} of {total} runs were still improving at the end"
        )
    if 2 * len(overfit) >= total and overfit:
        steps = sorted(step for d in overfit if (step := d.overfit_since) is not None)
        word = overfit[0].step_word
        around = statistics.median_low(steps)
        said.append(
            f"Stop early or regularise (weight decay, dropout): in {len(overfit)} of {total} runs "
            f"the validation loss rose after its best, around {word} {around}"
        )
    said += [
        f"Find out why run `{d.run_id}` diverged: {found.text.rstrip('.')}"
        for d in diagnosed
        if (found := d.finding("diverged"))
    ]
    return said


def _failures(comparison: Comparison, runs: Sequence[Run]) -> list[str]:
    by_id = {run.id: run for run in runs}
    said = []
    for status, ids in comparison.uncounted.items():
        if status == "running":
            said.append(f"Compare again when {_ids(ids)} {'is' if len(ids) == 1 else 'are'} done")
            continue
        reasons = {why(by_id[i]) for i in ids if i in by_id}
        told = f" ({listed(sorted(reasons))})" if reasons else ""
        said.append(f"Mend and run again what {status}: {_ids(ids)}{told}")
    return said


def why(run: Run) -> str:
    """Why a run is not done, in one line: its error and cell, else its reason."""
    error = run.record.get("error")
    if not error:
        return run.reason or run.status
    message = str(error.get("message") or "").strip().split("\n", 1)[0]
    text = f"{error.get('type')}: {message}" if message else str(error.get("type"))
    cell = error.get("cell")
    short = text if len(text) <= 120 else text[:117] + "..."
    return short if cell is None else f"{short}, cell {cell}"


def _ids(ids: Sequence[str]) -> str:
    shown = [f"`{i}`" for i in ids[:4]]
    return listed([*shown, f"{len(ids) - 4} more"] if len(ids) > 4 else shown)
