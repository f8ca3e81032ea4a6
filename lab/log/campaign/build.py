"""A campaign: many runs around a baseline, what each change brought, and the way to the best arm.

A change is a pair of variants with nothing tried between them: no other variant has some of the
differing values of the one, some of the other, and all the values they share. So two parameters
that were only ever changed together are one change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lab.comparison.measure import (
    ARM,
    attribute,
    goal_in,
    headline,
    in_order,
    label,
    measured,
    seed_of,
)
from lab.errors import InputError, nearest
from lab.provenance import Source, known
from lab.record.run import Run
from lab.stats.intervals import Difference, paired_difference, t_interval, welch_difference
from lab.stats.multiplicity import holm

_NO_SETTING = {"seed", "device"}
_ABSENT = "not there"
_MOST_FOR_PAIRS = 60  # variants; of more, each is held against the baseline alone


@dataclass(frozen=True)
class Variant:
    """Runs that differ in the seed alone: their settings and their values of the metric."""

    name: str
    settings: dict[str, str]  # parameter -> value as text
    differs: tuple[tuple[str, str], ...]  # from the baseline: (parameter, value)
    run_ids: tuple[str, ...]  # done, with a value
    not_done: tuple[str, ...]
    by_seed: dict[Any, float]
    mean: float | None
    sd: float | None
    low: float | None  # of the 95% interval of the mean
    high: float | None
    each: float | None  # seconds of a run that is done

    @property
    def n(self) -> int:
        return len(self.by_seed)


@dataclass(frozen=True)
class Change:
    """What it brought to go from one variant to another; a lead above zero is an improvement.

    `found` is that lead with its 95% interval, its p value adjusted for all changes of the task.
    """

    before: Variant
    after: Variant
    what: tuple[tuple[str, str, str], ...]  # (parameter, value before, value after)
    elsewhere: tuple[tuple[str, str], ...]  # other settings that differ from the baseline's
    found: Difference


@dataclass(frozen=True)
class Task:
    """One notebook on one data set: its variants, with their changes, largest lead first."""

    name: str
    metric: str
    goal: str
    shared: tuple[tuple[str, str], ...]  # settings of every variant
    variants: tuple[Variant, ...]
    baseline: Variant
    best: Variant
    changes: tuple[Change, ...]
    ladder: tuple[Change, ...]  # from the baseline to the best, step by step
    gain: Difference | None  # of the best over the baseline


@dataclass(frozen=True)
class Campaign:
    """Every task of a campaign."""

    tasks: tuple[Task, ...]
    unmeasured: tuple[str, ...]  # notebooks whose runs logged no metric


def campaign_of(
    runs: Sequence[Run],
    *,
    by: str | None = None,
    metric: str | None = None,
    baseline: str | None = None,
    seed_param: str = "seed",
) -> Campaign:
    """The campaign that these runs are.

    `by` names the variants, by default arms where every run has one, else what differs from the
    baseline. `baseline` is the name of a variant, by default the first that ran.
    Raises InputError where nothing was measured or no variant has that name.
    """
    groups: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in in_order(runs):
        groups[run.notebook or "", str(attribute(run, "dataset") or "")].append(run)
    tasks, unmeasured, names = [], [], []
    for (notebook, dataset), found in groups.items():
        own = metric or next((m for r in found if r.status == "done" and (m := headline(r))), None)
        stem = notebook.rsplit("/", 1)[-1].removesuffix(".ipynb")
        name = " on ".join(part for part in (stem, dataset) if part)
        variants = _variants(found, own, by, seed_param) if own else []
        names += [variant.name for variant in variants]
        if own is None or not any(variant.n for variant in variants):
            unmeasured.append(name)
            continue
        tasks.append(_task(name, own, goal_in(found, own), variants, baseline))
    if not tasks:
        raise InputError("None of the runs is done with a metric", do="See `lab runs`.")
    if baseline is not None and baseline not in names:
        raise InputError("No variant has this name", seen=baseline, do=nearest(baseline, names))
    return Campaign(tuple(tasks), tuple(unmeasured))


def _variants(runs: Sequence[Run], metric: str, by: str | None, seed_param: str) -> list[Variant]:
    if by is None and all(attribute(run, ARM) is not None for run in runs):
        by = ARM
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        key = attribute(run, by) if by else repr(sorted(_settings(run, seed_param).items()))
        if key is not None:
            groups[label(key)].append(run)
    return [
        _variant(name if by else "", found, metric, seed_param) for name, found in groups.items()
    ]


def _variant(name: str, runs: Sequence[Run], metric: str, seed_param: str) -> Variant:
    """The variant of runs alike; of a repeated seed the newest run counts."""
    newest: dict[Any, tuple[float, Run]] = {}
    for run in sorted(runs, key=lambda run: run.id):
        value = measured(run, metric) if run.status == "done" else None
        if value is not None:
            seed = seed_of(run, seed_param)
            newest[run.id if seed is None else seed] = (value, run)
    ids = tuple(run.id for _, run in newest.values())
    values = [value for value, _ in newest.values()]
    over = f"over {len(values)} runs"
    mean = sum(values) / len(values) if values else None
    ends = t_interval(values) if len(values) > 2 else None
    seconds = [run.seconds for _, run in newest.values() if run.seconds]
    settings = [_settings(run, seed_param) for run in runs]
    return Variant(
        name=name,
        settings={k: v for k, v in settings[0].items() if all(s.get(k) == v for s in settings)},
        differs=(),
        run_ids=ids,
        not_done=tuple(run.id for run in runs if run.status not in ("done", "running")),
        by_seed={seed: value for seed, (value, _) in newest.items()},
        mean=known(mean, Source(ids, metric, f"mean {over}")),
        sd=known(_spread(values), Source(ids, metric, f"standard deviation {over}")),
        low=known(ends and ends[0], Source(ids, metric, f"lower end of the 95% interval {over}")),
        high=known(ends and ends[1], Source(ids, metric, f"upper end of the 95% interval {over}")),
        each=known(
            sum(seconds) / len(seconds) if seconds else None, Source(ids, "seconds", f"mean {over}")
        ),
    )


def _spread(values: Sequence[float]) -> float | None:
    import statistics

    return statistics.stdev(values) if len(values) > 1 else None


def _settings(run: Run, seed_param: str) -> dict[str, str]:
    return {
        name: label(value)
        for name, value in run.params.items()
        if name not in _NO_SETTING | {seed_param}
    }


def _task(
    name: str, metric: str, goal: str, variants: Sequence[Variant], asked: str | None
) -> Task:
    having = [variant for variant in variants if variant.n]
    base = next((v for v in having if v.name == asked), having[0])
    named = [_named(variant, base) for variant in variants]
    base = next(v for v in named if v.settings == base.settings and v.run_ids == base.run_ids)
    having = [variant for variant in named if variant.n]
    pick = max if goal == "max" else min
    best = pick(having, key=lambda variant: variant.mean or 0.0)
    changes = _adjusted(list(_changes(having, base, metric, goal)))
    shared = {
        key: value
        for key, value in base.settings.items()
        if all(variant.settings.get(key) == value for variant in having)
    }
    return Task(
        name=name,
        metric=metric,
        goal=goal,
        shared=tuple(shared.items()),
        variants=tuple(named),
        baseline=base,
        best=best,
        changes=tuple(sorted(changes, key=lambda change: -change.found.mean)),
        ladder=_ladder(changes, base, best),
        gain=None if best is base else _gain(base, best, metric, goal),
    )


def _named(variant: Variant, base: Variant) -> Variant:
    """The variant with what differs from the baseline, which names it where nothing else does."""
    differs = tuple(
        (name, variant.settings.get(name, _ABSENT)) for name in _differing(base, variant)
    )
    made = ", ".join(f"{name}={value}" for name, value in differs) or "baseline"
    return replace(variant, differs=differs, name=variant.name or made)


def _differing(a: Variant, b: Variant) -> list[str]:
    names = dict.fromkeys([*a.settings, *b.settings])
    return [name for name in names if a.settings.get(name) != b.settings.get(name)]


def _changes(
    variants: Sequence[Variant], base: Variant, metric: str, goal: str
) -> Iterator[Change]:
    near = {v.name for v in variants if v is not base and not _between(base, v, variants)}
    if len(variants) > _MOST_FOR_PAIRS:
        variants = [base, *(v for v in variants if v.name in near)]
    for i, one in enumerate(variants):
        for other in variants[i + 1 :]:
            # Two alternatives to the same setting are each held against the baseline alone.
            if (one.name in near and other.name in near) or _between(one, other, variants):
                continue
            before, after = one, other
            if len(other.differs) < len(one.differs) or other is base:
                before, after = other, one
            names = _differing(before, after)
            if not names:
                continue
            yield Change(
                before=before,
                after=after,
                what=tuple(
                    (n, before.settings.get(n, _ABSENT), after.settings.get(n, _ABSENT))
                    for n in names
                ),
                elsewhere=tuple(pair for pair in before.differs if pair[0] not in names),
                found=_gain(before, after, metric, goal),
            )


def _between(a: Variant, b: Variant, variants: Sequence[Variant]) -> bool:
    """Whether another variant lies between two: each of its values is that of one of them."""
    for other in variants:
        if other is a or other is b or not _differing(a, other) or not _differing(b, other):
            continue
        names = dict.fromkeys([*a.settings, *b.settings, *other.settings])
        if all(other.settings.get(n) in (a.settings.get(n), b.settings.get(n)) for n in names):
            return True
    return False


def _gain(before: Variant, after: Variant, metric: str, goal: str) -> Difference:
    """How far `after` is ahead, paired by the seeds that both have; above zero is better."""
    sign = 1.0 if goal == "max" else -1.0
    shared = [seed for seed in before.by_seed if seed in after.by_seed]
    if len(shared) >= min(2, before.n, after.n):
        sides = [[sign * v.by_seed[seed] for seed in shared] for v in (after, before)]
        found = paired_difference(sides[0], sides[1])
    else:
        sides = [[sign * value for value in v.by_seed.values()] for v in (after, before)]
        found = welch_difference(sides[0], sides[1])
    ids = (*before.run_ids, *after.run_ids)
    what = "mean of the differences" if found.paired else "difference of the means"
    ends = ("lower", "upper")
    return replace(
        found,
        mean=known(found.mean, Source(ids, metric, what)),
        low=known(found.low, Source(ids, metric, f"{ends[0]} end of the 95% interval")),
        high=known(found.high, Source(ids, metric, f"{ends[1]} end of the 95% interval")),
    )


def _adjusted(changes: list[Change]) -> list[Change]:
    tested = [change for change in changes if change.found.p is not None]
    values = holm([change.found.p or 0.0 for change in tested])
    adjusted = {id(change): p for change, p in zip(tested, values, strict=True)}
    return [replace(c, found=replace(c.found, adjusted=adjusted.get(id(c)))) for c in changes]


def _ladder(changes: Sequence[Change], base: Variant, best: Variant) -> tuple[Change, ...]:
    """The way from the baseline to the best in the most steps, each towards it."""
    known_ways: dict[str, tuple[Change, ...] | None] = {best.name: ()}

    def way(at: Variant) -> tuple[Change, ...] | None:
        if at.name not in known_ways:
            ways = [
                (change, *rest)
                for change in changes
                if change.before.name == at.name
                and len(_differing(change.after, best)) < len(_differing(at, best))
                and (rest := way(change.after)) is not None
            ]
            known_ways[at.name] = max(
                ways, key=lambda found: (len(found), found[0].found.mean), default=None
            )
        return known_ways[at.name]

    return way(base) or ()
