"""A claim held against runs: how its arms lie, step by step, and what that allows to say.

Each step is tested on the differences seed by seed. Where runs with other settings are among them,
only settings that both arms have are compared, and a seed counts once, by its mean over these.

grade          per step, of `a>b`; n is the seeds
open           one of the arms has no run
observed       n < 5, and a is ahead
opposed        n < 5, and a is not ahead
undecided      n >= 5, and the 95% interval of the lead includes zero
supported      n >= 5, and the interval lies above zero
contradicted   n >= 5, and the interval, widened for the number of steps, lies below zero

For `a>=b` the lead is held against minus the margin, for `a=b` against both margins. All steps in
all rows have to hold, so support needs no correction for their number (an intersection-union test,
Berger 1982); one that fails is enough to contradict, so that does (Bonferroni, which for the
first rejection is Holm's procedure).
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lab.comparison.measure import (
    ARM,
    attribute,
    goal_in,
    label,
    measured,
    seed_of,
    shared_metric,
)
from lab.comparison.verdict import VERDICT_FROM
from lab.log.claimed.expect import Step
from lab.record.run import Run
from lab.stats.intervals import paired_difference, quantile, welch_difference

GRADES = ("contradicted", "open", "opposed", "undecided", "observed", "supported")  # worst first
_LEVEL = 0.95
_NO_SETTING = {"device"}  # where a run was computed is no part of what was asked


@dataclass(frozen=True)
class StepResult:
    """One step in one row; `lead` is how far the first arm is ahead, positive is better."""

    row: str | None
    step: Step
    metric: str
    goal: str
    grade: str
    n: int
    first: float | None  # means over the seeds that count
    second: float | None
    lead: float | None
    low: float | None  # of the 95% interval of the lead
    high: float | None
    paired: bool
    settings: int  # settings of the other parameters that both arms have; 0 where they share none
    seeds: tuple[Any, ...]
    run_ids: tuple[str, ...]


@dataclass(frozen=True)
class ClaimTest:
    """All steps in all rows, the grade of the whole, and what a reader has to know."""

    grade: str
    results: tuple[StepResult, ...]
    run_ids: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def seeds(self) -> int:
        """The fewest seeds behind a step."""
        return min((result.n for result in self.results), default=0)


@dataclass(frozen=True)
class _Asked:
    """What every step of a claim is tested by; `known` are ids of runs that it was made on."""

    by: str
    metric: str | None
    margin: float | None
    seed_param: str
    known: frozenset[str]


def run_test(
    runs: Sequence[Run],
    steps: tuple[Step, ...],
    *,
    by: str,
    metric: str | None = None,
    rows: str | None = None,
    margin: float | None = None,
    seed_param: str = "seed",
    known: frozenset[str] = frozenset(),
) -> ClaimTest:
    """Test the steps on the done runs among `runs` that have one of their arms.

    `known` are ids of the runs that the claim was made on. Where its arms share no setting, later
    runs count in the settings of those alone.
    """
    asked = _Asked(by, metric, margin, seed_param, known)
    arms = {name for step in steps for name in (step.first, step.second)}
    groups: dict[str | None, list[Run]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: run.id):
        if run.status != "done" or label(attribute(run, by)) not in arms:
            continue
        if rows is None or attribute(run, rows) is not None:
            groups[None if rows is None else label(attribute(run, rows))].append(run)
    results: list[StepResult] = []
    notes: list[str] = []
    for row, group in groups.items():
        made, note = _row(row, group, steps, asked)
        results += made
        notes += [note] if note else []
    results = _graded(results, margin)
    ids = {run_id for result in results for run_id in result.run_ids}
    used = [run for group in groups.values() for run in group if run.id in ids]
    return ClaimTest(
        grade=min((r.grade for r in results), key=GRADES.index, default="open"),
        results=tuple(results),
        run_ids=tuple(run.id for run in used),
        notes=(*notes, *_notes(used, results, asked)),
    )


def _row(
    row: str | None, runs: Sequence[Run], steps: tuple[Step, ...], asked: _Asked
) -> tuple[list[StepResult], str | None]:
    """The steps in one row, not graded yet; else why the row is left out."""
    where = row or "The runs"
    metric = asked.metric or shared_metric(runs, row)
    if metric is None:
        return [], f"{where} left out: no metric was logged."
    counted = [run for run in runs if measured(run, metric) is not None]
    results = []
    for step in steps:
        names = (step.first, step.second)
        sides = [[r for r in counted if label(attribute(r, asked.by)) == name] for name in names]
        for name, side in zip(names, sides, strict=True):
            if not side:
                return [], f"{where} left out: no run of `{name}` has {metric}."
        made = _result(row, step, metric, sides, asked)
        if made is None:
            return [], (
                f"{where} left out: no run of `{step.first}` and run of `{step.second}` differ "
                f"in `{asked.by}` alone, and each was run in several ways."
            )
        results.append(made)
    return results, None


def _result(
    row: str | None, step: Step, metric: str, sides: Sequence[Sequence[Run]], asked: _Asked
) -> StepResult | None:
    """The difference of two arms; None where they have no setting to be compared in."""
    ways = [{_setting(run, asked) for run in side} for side in sides]
    shared = ways[0] & ways[1]
    if not shared:
        if asked.known:
            sides = [_in_known_settings(side, asked) for side in sides]
            ways = [{_setting(run, asked) for run in side} for side in sides]
        if any(len(way) != 1 for way in ways):
            return None
    ours, theirs = (_by_seed(side, metric, shared, asked) for side in sides)
    first, second, paired = _matched(ours, theirs, bool(shared))
    goal = goal_in([run for side in sides for run in side], metric)
    sign = 1.0 if goal == "max" else -1.0
    means = [{s: v.mean for s, v in side.items()} for side in (first, second)]
    measure = paired_difference if paired else welch_difference
    found = measure(*([sign * value for value in side.values()] for side in means))
    return StepResult(
        row=row, step=step, metric=metric, goal=goal, grade="open", n=found.n,
        first=statistics.fmean(means[0].values()), second=statistics.fmean(means[1].values()),
        lead=found.mean, low=found.low, high=found.high, paired=paired, settings=len(shared),
        seeds=tuple(dict.fromkeys([*first, *second])),
        run_ids=tuple(i for side in (first, second) for v in side.values() for i in v.run_ids),
    )  # fmt: skip


def _in_known_settings(runs: Sequence[Run], asked: _Asked) -> list[Run]:
    known = {_setting(run, asked) for run in runs if run.id in asked.known}
    return [run for run in runs if _setting(run, asked) in known]


@dataclass(frozen=True)
class _Value:
    """What an arm gives for one seed: the mean over settings, and the runs behind it."""

    mean: float
    run_ids: tuple[str, ...]


Values = dict[Any, dict[str, tuple[float, str]]]  # seed -> setting -> value and run id


def _by_seed(runs: Sequence[Run], metric: str, shared: set[str], asked: _Asked) -> Values:
    """Values by seed and setting; of a repeated run the newest, of shared settings only these."""
    found: Values = defaultdict(dict)
    for run in runs:
        setting = _setting(run, asked)
        if shared and setting not in shared:
            continue
        seed = seed_of(run, asked.seed_param)
        value = measured(run, metric)
        assert value is not None  # the caller left those out
        found[run.id if seed is None else seed][setting] = (value, run.id)
    return found


def _matched(
    first: Values, second: Values, shared: bool
) -> tuple[dict[Any, _Value], dict[Any, _Value], bool]:
    """One value per seed and arm: of the seeds that both have where there are enough, else of all.

    Where the arms share settings, a seed is compared over those that both have with it.
    """
    pairs: tuple[dict[Any, _Value], dict[Any, _Value]] = ({}, {})
    for seed in first:
        ours, theirs = first[seed], second.get(seed, {})
        both = [setting for setting in ours if setting in theirs] if shared else list(ours)
        if both and theirs:
            pairs[0][seed] = _mean(ours, both)
            pairs[1][seed] = _mean(theirs, both if shared else list(theirs))
    if pairs[0] and len(pairs[0]) >= min(2, len(first), len(second)):
        return *pairs, True
    means = [{s: _mean(v, list(v)) for s, v in side.items()} for side in (first, second)]
    return means[0], means[1], False


def _mean(values: dict[str, tuple[float, str]], settings: Sequence[str]) -> _Value:
    chosen = [values[setting] for setting in settings]
    return _Value(statistics.fmean(v for v, _ in chosen), tuple(i for _, i in chosen))


def _setting(run: Run, asked: _Asked) -> str:
    """What has to be alike for two arms to be compared: every other parameter, and the notebook.

    Arms named by a suite are meant to differ in anything, so that of these it is the suite.
    """
    if asked.by in (ARM, "suite.arm"):
        suite = run.record.get("suite") or {}
        return repr((run.notebook, suite.get("name")))
    ignored = {asked.by, asked.seed_param} | _NO_SETTING
    kept = sorted((name, repr(v)) for name, v in run.params.items() if name not in ignored)
    return repr((run.notebook, kept))


def _graded(results: Sequence[StepResult], margin: float | None) -> list[StepResult]:
    wide = 1 - (1 - _LEVEL) / max(len(results), 1)
    return [replace(r, grade=_grade(r, margin or 0.0, wide)) for r in results]


def _grade(result: StepResult, margin: float, wide: float) -> str:
    lead, low, high = result.lead, result.low, result.high
    if lead is None or not result.n:
        return "open"
    floor = 0.0 if result.step.operator == ">" else -margin
    ceiling = margin if result.step.operator == "=" else float("inf")
    inside = lead > floor if result.step.operator == ">" else lead >= floor
    if result.n < VERDICT_FROM or low is None or high is None:
        return "observed" if inside and lead <= ceiling else "opposed"
    if low > floor and high < ceiling:
        return "supported"
    half = (high - low) / 2 * _wider(result.n, wide)
    if lead + half < floor or lead - half > ceiling:
        return "contradicted"
    return "undecided"


def _wider(n: int, level: float) -> float:
    """How many times wider an interval of n values is at `level` than at 95%."""
    if level <= _LEVEL:
        return 1.0
    # The smaller sample's degrees of freedom, which for Welch errs towards the wider side.
    return quantile(level, n - 1) / quantile(_LEVEL, n - 1)


def _notes(runs: Sequence[Run], results: Sequence[StepResult], asked: _Asked) -> Iterator[str]:
    most = max((result.settings for result in results), default=0)
    if most > 1:
        what = "suites" if asked.by in (ARM, "suite.arm") else "settings of the other parameters"
        yield (
            f"Over {most} {what}; a seed counts once, by its mean over those that both arms have."
        )
    apart = {run_id for result in results if not result.settings for run_id in result.run_ids}
    others = _other_differences([run for run in runs if run.id in apart], asked)
    if others:
        yield f"The arms differ in more than `{asked.by}`: {', '.join(others)}."
    codes = {str(run.record.get("code")) for run in runs}
    if len(codes) > 1 and asked.by != "code":
        yield f"The runs are of {len(codes)} versions of the code."
    prints: dict[str, set[str]] = defaultdict(set)
    for run in runs:
        for source in run.record.get("data") or []:
            prints[str(source.get("name"))].add(str(source.get("sha256")))
    changed = sorted(name for name, found in prints.items() if len(found) > 1)
    if changed:
        yield f"The data changed between the runs: {', '.join(changed)}."


def _other_differences(runs: Sequence[Run], asked: _Asked) -> list[str]:
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for run in runs:
        for name, value in run.params.items():
            if name not in {asked.by, asked.seed_param} | _NO_SETTING:
                found[name][label(attribute(run, asked.by))].add(label(value))
    return [
        f"`{name}` ({', '.join(sorted({v for values in arms.values() for v in values}))})"
        for name, arms in sorted(found.items())
        if len({frozenset(values) for values in arms.values()}) > 1
    ]
