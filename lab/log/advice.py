"""What to do next after a comparison: action items, none beyond what its runs show."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from lab.comparison import Comparison, Verdict, words
from lab.comparison.measure import ARM
from lab.comparison.verdict import VERDICT_FROM
from lab.diagnosis import Diagnosis, diagnose
from lab.diagnosis.finding import STEPS
from lab.log.impact import fewest, settled_choices
from lab.record.run import Run
from lab.stats.power import MOST

# What even one run asks for: kinds of findings, how they are told, and which of their next steps.
_URGENT = {
    "diverged": ("diverged", ("disable_amp", "lower_lr")),
    "collapse": ("gave nearly all samples one class", ("class_weights",)),
    "chance": ("stayed at chance level", ("check_data", "more_data")),
    "not finite": ("logged a metric that is not finite", ("check_metric",)),
}


def advice_of(
    comparison: Comparison, verdicts: list[Verdict], names: list[Any], runs: Sequence[Run]
) -> list[str]:
    """Texts of action items; `names` are those of the rows, `runs` all that were given."""
    counted = set(comparison.run_ids)
    lost = {i for row in comparison.rows for arm in row.arms for i in arm.lost_run_ids}
    diagnosed = [diagnose(run) for run in runs if run.id in counted | lost]
    return [
        *_adopt(comparison, verdicts, names),
        *_unlike(comparison, names),
        *_without_effect(comparison, names),
        *_more_seeds(comparison, verdicts, names),
        *_edge(comparison),
        *_from_curves(diagnosed, runs),
        *_failures(comparison, runs),
    ]


def _adopt(comparison: Comparison, verdicts: list[Verdict], names: list[Any]) -> list[str]:
    if comparison.by in (ARM, "suite.arm", "notebook"):
        return []
    chosen = settled_choices(comparison, verdicts, names)
    return [f"Make {what} the default{where}" for what, where in chosen]


def _more_seeds(comparison: Comparison, verdicts: list[Verdict], names: list[Any]) -> list[str]:
    """Seeds that would allow a verdict, or that the spread seen asks for."""
    if all(row.refused for row in comparison.rows):
        return []  # more of what is not alike allows no verdict either
    few = fewest(comparison)
    if 0 < few < VERDICT_FROM and len(comparison.arms) > 1:
        used = {s for row in comparison.rows for arm in row.arms for s in arm.seeds}
        free = [str(s) for s in range(100) if s not in used][: VERDICT_FROM - few]
        word = "seed" if len(free) == 1 else "seeds"
        so_far = "there is one" if few == 1 else f"there are {few}"
        return [
            f"Run {word} {words.listed(free)} of every arm: {VERDICT_FROM} seeds per arm allow a "
            f"verdict, so far {so_far}"
        ]
    asked = []
    for row, name, verdict in zip(comparison.rows, names, verdicts, strict=True):
        best = row.arm(verdict.winner) if verdict.winner else None
        runner = row.arm(verdict.runner_up) if verdict.runner_up else None
        found = runner.to_best if runner else None
        if verdict.settled or best is None or runner is None or found is None:
            continue
        needed = words.seeds_needed(row, best, runner, found)
        size = words.declared_size(row)
        where = f" on {name}" if name else ""
        if needed and needed > found.n:
            asked.append(
                f"Decide whether a difference of {size}{where} matters: about {needed} seeds per "
                f"arm would show it (80% power at the spread seen)"
            )
        elif needed == 0:
            asked.append(
                f"Let it rest: {MOST} seeds per arm would not show a difference of {size}{where}"
            )
    return asked


def _unlike(comparison: Comparison, names: list[Any]) -> list[str]:
    """Comparisons that were refused a verdict, to be made again of runs that are alike."""
    rows = [name for row, name in zip(comparison.rows, names, strict=True) if row.refused]
    if not rows:
        return []
    where = f" on {words.listed([str(name) for name in rows])}" if any(rows) else ""
    return [f"Compare `{comparison.by}`{where} again over runs that differ in nothing else"]


def _without_effect(comparison: Comparison, names: list[Any]) -> list[str]:
    """Arms with the same values seed by seed: the parameter may not be read at all."""
    said = []
    for row, name in zip(comparison.rows, names, strict=True):
        if words.identical(row):
            where = f" on {name}" if name else ""
            said.append(
                f"Check that `{comparison.by}` takes effect{where}: "
                f"{words.quoted(row.best)} have the same value with every seed"
            )
    return said


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
    said += _from_single_runs(diagnosed)
    return said


def _from_single_runs(diagnosed: list[Diagnosis]) -> list[str]:
    """What even one run asks for, with the first that does."""
    said = []
    for kind, (told, keys) in _URGENT.items():
        found = [(d, seen) for d in diagnosed if (seen := d.finding(kind))]
        for key in keys:
            asking = [(d, seen) for d, seen in found if key in seen.keys]
            if asking:
                first, seen = asking[0]
                said.append(
                    f"{STEPS[key]}: {len(asking)} of {len(diagnosed)} runs {told}, as "
                    f"`{first.run_id}` ({seen.text.rstrip('.')})"
                )
    return said


def _failures(comparison: Comparison, runs: Sequence[Run]) -> list[str]:
    by_id = {run.id: run for run in runs}
    said = []
    for status, ids in comparison.uncounted.items():
        if status == "running":
            said.append(f"Compare again when {_ids(ids)} {'is' if len(ids) == 1 else 'are'} done")
            continue
        reasons = {why(by_id[i]) for i in ids if i in by_id}
        told = f" ({words.listed(sorted(reasons))})" if reasons else ""
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
    return words.listed([*shown, f"{len(ids) - 4} more"] if len(ids) > 4 else shown)
