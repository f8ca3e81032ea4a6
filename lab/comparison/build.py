"""From runs to a Comparison."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from lab.comparison import notes as tell
from lab.comparison.measure import (
    attribute,
    check_attribute,
    check_metric,
    goal_in,
    in_order,
    label,
    measured,
    no_metric,
    ordered,
    pick_of,
    seed_of,
    shared_metric,
)
from lab.comparison.values import Arm, Comparison, Row
from lab.errors import InputError, nearest
from lab.record.run import Run
from lab.stats.intervals import Difference, paired_difference, t_interval, welch_difference

_INTERVAL_FROM = 3  # seeds; below, an interval would promise more than the data carry
_LEVEL = 0.95


def compare(
    runs: Iterable[Run],
    *,
    by: str,
    metric: str | None = None,
    rows: str | None = None,
    baseline: object = None,
    seed_param: str = "seed",
) -> Comparison:
    """Compare the values of `by` (a parameter, `arm`, a key of run.json) over seeds.

    Without `metric` each row is in the headline metric of its runs. Only `done` runs count; the
    others are told in the notes. `baseline` is a value of `by`, by default the first.
    Raises InputError where nothing can be compared.
    """
    given = in_order(runs)
    placed, done = _usable(given, by, rows, metric)
    arms = [label(value) for value in ordered(attribute(run, by) for run in placed)]
    asked = None if baseline is None else label(baseline)
    if asked is not None and asked not in arms:
        raise InputError("No run is of the baseline arm", seen=asked, do=nearest(asked, arms))
    counted, repeated = _newest_per_seed(done, by, rows, seed_param)
    built = _rows(counted, placed, by, rows, metric, arms, asked, seed_param)
    told = (
        *tell.of_absent(given, placed, by, rows),
        *tell.of_uncounted(placed),
        *tell.of_silent(counted, rows, {row.name for row in built}),
        *tell.of_repeated(repeated),
        *tell.of_lost(built),
        *tell.of_mixture(counted, by, rows, seed_param),
        *tell.of_sources(counted, by, rows),
        *tell.of_pairing(built),
    )
    return Comparison(
        by=by,
        rows_by=rows,
        metric=metric or (built[0].metric if len({row.metric for row in built}) == 1 else None),
        baseline=asked,
        seed_param=seed_param,
        rows=built,
        notes=told,
        uncounted=tell.uncounted(placed),
        constants=tell.constants(counted, {by, rows, seed_param}),
    )


def _usable(
    given: Sequence[Run], by: str, rows: str | None, metric: str | None
) -> tuple[list[Run], list[Run]]:
    """The runs that have a place in the table, and those of them that are done."""
    if not given:
        raise InputError("There are no runs to compare", do="See `lab runs`; widen --where.")
    check_attribute(given, by, "--by")
    if rows is not None:
        check_attribute(given, rows, "--rows")
    having = [run for run in given if attribute(run, by) is not None]
    placed = [run for run in having if rows is None or attribute(run, rows) is not None]
    done = [run for run in placed if run.status == "done"]
    if not done:
        raise InputError(
            "None of the runs is done",
            seen=tell.statuses(placed) or "no run has both names",
            do="Wait for them, or see `lab runs` for what went wrong.",
        )
    if metric is not None:
        check_metric(done, metric)
    return placed, done


def _newest_per_seed(
    done: Sequence[Run], by: str, rows: str | None, seed_param: str
) -> tuple[list[Run], list[Run]]:
    """Runs that count, and those repeated later with the same seed and parameters.

    A repetition of a seed is no further evidence, so it must not raise n.
    """
    newest: dict[Any, Run] = {}
    for run in sorted(done, key=lambda run: run.id):
        seed = seed_of(run, seed_param)
        same = tuple(sorted((k, repr(v)) for k, v in run.params.items()))
        of = (repr(attribute(run, by)), rows and repr(attribute(run, rows)))
        newest[(*of, repr(seed), same, run.notebook, None if seed is not None else run.id)] = run
    kept = {run.id for run in newest.values()}
    return [run for run in done if run.id in kept], [run for run in done if run.id not in kept]


def _rows(
    counted: Sequence[Run],
    placed: Sequence[Run],
    by: str,
    rows: str | None,
    metric: str | None,
    arms: Sequence[str],
    baseline: str | None,
    seed_param: str,
) -> tuple[Row, ...]:
    groups: dict[str | None, list[Run]] = defaultdict(list)
    for run in counted:
        groups[None if rows is None else label(attribute(run, rows))].append(run)
    names: list[str | None] = [None]
    if rows is not None:
        names = [label(value) for value in ordered(attribute(run, rows) for run in placed)]
    built = []
    for name in names:
        if not (group := groups[name]):
            continue
        own = metric or shared_metric(group, name)
        if own is None:
            continue
        made = [
            _arm(arm, [r for r in group if label(attribute(r, by)) == arm], own, seed_param)
            for arm in arms
        ]
        goal = goal_in(group, own)
        built.append(_with_deltas(name, own, goal, made, baseline))
    if not built:
        raise no_metric(counted)
    return tuple(built)


def _arm(name: str, runs: Sequence[Run], metric: str, seed_param: str) -> Arm:
    pairs = [(run, measured(run, metric)) for run in runs]
    pairs.sort(key=lambda pair: _seed_order(seed_of(pair[0], seed_param)))
    found = [(run, value) for run, value in pairs if value is not None]
    values = tuple(value for _, value in found)
    interval = t_interval(values, level=_LEVEL) if len(values) >= _INTERVAL_FROM else None
    return Arm(
        name=name,
        n=len(values),
        mean=statistics.fmean(values) if values else None,
        sd=statistics.stdev(values) if len(values) > 1 else None,
        minimum=min(values, default=None),
        maximum=max(values, default=None),
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        values=values,
        seeds=tuple(seed_of(run, seed_param) for run, _ in found),
        run_ids=tuple(run.id for run, _ in found),
        lost_run_ids=tuple(run.id for run, value in pairs if value is None),
    )


def _seed_order(seed: Any) -> tuple[bool, float, str]:
    number = isinstance(seed, int | float)
    return (not number, float(seed) if number else 0.0, str(seed))


def _with_deltas(
    name: str | None, metric: str, goal: str, arms: list[Arm], baseline: str | None
) -> Row:
    means = [arm.mean for arm in arms if arm.mean is not None]
    top = (max if goal == "max" else min)(means, default=None)
    first = next((arm.name for arm in arms if arm.n), arms[0].name)
    reference = next(arm for arm in arms if arm.name == (baseline or first))
    leader = next((arm for arm in arms if arm.n and _level(arm.mean, top)), None)
    several = len(means) > 1
    # Differences are told of many pairs at once, so each interval is widened (Bonferroni): all
    # pairs where the best is picked from the data, one per arm against a baseline.
    count = max(len(means), 2)
    among_pairs = 1 - (1 - _LEVEL) / (count * (count - 1) / 2)
    against_one = 1 - (1 - _LEVEL) / (count - 1)
    made = []
    for arm in arms:
        best = several and arm.n > 0 and _level(arm.mean, top)
        to_best = _difference(arm, leader, among_pairs) if leader else None
        to_baseline = _difference(arm, reference, against_one)
        made.append(
            replace(
                arm,
                best=best,
                to_best=to_best,
                to_baseline=to_baseline,
                delta_best=0.0 if best else (to_best.mean if to_best else None),
                delta_baseline=to_baseline.mean if to_baseline else None,
            )
        )
    return Row(name, metric, goal, pick_of(metric), tuple(made), reference.name)


def _level(a: float | None, b: float | None) -> bool:
    """Equal but for the rounding of sums."""
    return a is not None and b is not None and math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-15)


def _difference(arm: Arm, reference: Arm, level: float) -> Difference | None:
    """`arm` minus `reference`, paired by the seeds they share where each has a seed once."""
    if not arm.n or not reference.n:
        return None
    ours, theirs = _by_seed(arm), _by_seed(reference)
    shared = [seed for seed in ours if seed in theirs]
    if len(shared) >= min(2, arm.n, reference.n) and shared:
        return paired_difference(
            [ours[seed] for seed in shared], [theirs[seed] for seed in shared], level=level
        )
    return welch_difference(arm.values, reference.values, level=level)


def _by_seed(arm: Arm) -> dict[Any, float]:
    seeds = [repr(seed) for seed in arm.seeds]
    if None in arm.seeds or len(set(seeds)) < len(seeds):
        return {}
    return dict(zip(seeds, arm.values, strict=True))
