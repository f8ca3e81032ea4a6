"""A campaign in words: what is said first, what each change means, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lab import numbers
from lab.comparison.verdict import VERDICT_FROM
from lab.diagnosis import diagnose
from lab.duration import show_duration
from lab.log.campaign.build import Change, Task, Variant
from lab.log.findings import listed
from lab.record.run import Run
from lab.stats.intervals import Difference

_MOST = 4  # changes told in a sentence
_CURVES = {
    "diverged": "diverged",
    "overfit": "overfits",
    "improving": "was still improving at the end",
    "plateau": "had reached a plateau",
}


def reading(found: Difference) -> str:
    """What a difference means, in the words that its number of seeds allows."""
    ahead = found.mean > 0
    if found.n < 3:
        return f"observed {'ahead' if ahead else 'behind'}, {numbers.counted(found.n, 'seed')}"
    if found.n < VERDICT_FROM:
        if not found.excludes_zero:
            return f"no clear difference, {found.n} seeds"
        return f"{'ahead' if ahead else 'behind'}, {found.n} seeds"
    if not found.clear:
        return "cannot be told apart"
    return "better" if ahead else "worse"


def seen(found: Difference) -> bool:
    """Whether a difference is more than the seeds vary, by its words."""
    return found.n < 3 or (found.excludes_zero if found.n < VERDICT_FROM else found.clear)


def what(change: Change) -> str:
    """ "`pooling` mean → attention"."""
    return ", ".join(f"`{name}` {was} → {now}" for name, was, now in change.what)


def differing(pairs: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"`{name}={value}`" for name, value in pairs)


def lead(task: Task, found: Difference) -> str:
    """A lead in the unit of the metric, with its sign: above zero is an improvement."""
    return numbers.delta(task.metric, found.mean, like=task.baseline.mean)


def interval(task: Task, found: Difference) -> str:
    if found.n < 3 or found.low is None or found.high is None:
        return numbers.MISSING
    return numbers.between(task.metric, found.low, found.high, like=task.baseline.mean)


def value(task: Task, variant: Variant) -> str:
    """The mean of a variant and its spread over seeds; the unit stands in the heading."""
    if not variant.n:
        return numbers.MISSING
    text = numbers.amount(task.metric, variant.mean, with_unit=False)
    if variant.sd is None:
        return text
    return f"{text} ± {numbers.spread(task.metric, variant.sd, like=variant.mean)}"


def in_short(task: Task, curves: str | None) -> Iterator[tuple[str, str]]:
    """(heading, sentence): the result, what helped, what did not, what failed, the cost."""
    yield "Result", _result(task)
    helped = [c for c in task.changes if c.found.mean > 0 and seen(c.found)]
    if helped:
        yield "Ahead", _listing(task, helped)
    hurt = [c for c in reversed(task.changes) if c.found.mean < 0 and seen(c.found)]
    if hurt:
        yield "Behind", _listing(task, hurt)
    unclear = [c for c in task.changes if not seen(c.found)]
    if unclear:
        yield "No clear difference", _listing(task, unclear)
    failed = [variant for variant in task.variants if variant.not_done]
    if failed:
        yield (
            "Did not end well",
            listed([f"`{v.name}` ({numbers.counted(len(v.not_done), 'run')})" for v in failed]),
        )
    if curves is not None:
        yield "Curves", curves
    if (cost := _cost(task)) is not None:
        yield "Cost", cost


def curves_of(task: Task, runs: Sequence[Run]) -> str | None:
    """What the curves of the baseline and of the best variant show, run by run counted."""
    by_id = {run.id: run for run in runs}
    said = []
    for variant in {v.name: v for v in (task.baseline, task.best)}.values():
        found = [diagnose(by_id[run_id]) for run_id in variant.run_ids]
        told = [
            f"{kind_words} in {n} of {len(found)} runs"
            for kind, kind_words in _CURVES.items()
            if (n := sum(diagnosis.finding(kind) is not None for diagnosis in found))
        ]
        if told:
            said.append(f"`{variant.name}` {listed(told)}")
    return "; ".join(said) or None


def _result(task: Task) -> str:
    name = numbers.spoken(task.metric)
    base, best = (
        f"{numbers.amount(task.metric, variant.mean, with_unit=False)}"
        for variant in (task.baseline, task.best)
    )
    measured = [variant for variant in task.variants if variant.n]
    if task.gain is None:
        standing = f"`{task.baseline.name}` has {base} {name}"
        seeds = numbers.counted(task.baseline.n, "seed")
        rest = "no variant is ahead of it" if len(measured) > 1 else "nothing was run against it"
        return f"{standing} over {seeds}, and {rest}."
    told = f", 95% interval {interval(task, task.gain)}" if task.gain.n > 2 else ""
    return (
        f"`{task.best.name}` has {best} {name}, the baseline `{task.baseline.name}` has {base}: "
        f"{lead(task, task.gain)} over {numbers.counted(task.gain.n, 'seed')}{told}. It was "
        f"picked as the best of {len(measured)}, so a repeat with new seeds is likely to bring "
        "less."
    )


def _listing(task: Task, changes: Sequence[Change]) -> str:
    told = [
        f"{what(c)}{_where(c)} ({lead(task, c.found)}, {numbers.counted(c.found.n, 'seed')})"
        for c in changes[:_MOST]
    ]
    more = [f"{len(changes) - _MOST} more"] if len(changes) > _MOST else []
    return "; ".join([*told, *more])


def _where(change: Change) -> str:
    return f" with {differing(change.elsewhere)}" if change.elsewhere else ""


def _cost(task: Task) -> str | None:
    base, best = task.baseline.each, task.best.each
    if base is None or best is None:
        return None
    if task.best.name == task.baseline.name:
        return f"a run of `{task.baseline.name}` takes {show_duration(base)}"
    return (
        f"a run of `{task.best.name}` takes {show_duration(best)}, one of `{task.baseline.name}` "
        f"{show_duration(base)}"
    )


def next_steps(task: Task, *, several: bool) -> Iterator[str]:
    """Action items that follow from a campaign; of several tasks each names its own."""
    on = f" ({task.name})" if several else ""
    few = {v.name: v for v in (task.baseline, task.best) if v.n < VERDICT_FROM}
    if few:
        used = {seed for variant in few.values() for seed in variant.by_seed}
        fewest = min(variant.n for variant in few.values())
        free = [str(s) for s in range(100) if s not in used][: VERDICT_FROM - fewest]
        word = "seed" if len(free) == 1 else "seeds"
        arms = listed([f"`{name}`" for name in few])
        yield f"Run {word} {listed(free)} of {arms}{on}: {VERDICT_FROM} seeds allow a verdict"
    yield from (f"{text}{on}" for text in _untried(task))
    if missing := _not_taken_away(task):
        parts = listed([f"`{name}` back to {was}" for name, was in missing])
        yield (
            f"Find out what `{task.best.name}` needs, one thing at a time: {parts} was not tried "
            f"alone{on}"
        )
    yield from (f"{text}{on}" for text in _edges(task))
    for variant in task.variants:
        if variant.not_done:
            runs = numbers.counted(len(variant.not_done), "run")
            yield f"Mend and run again `{variant.name}`: {runs} did not end well{on}"


def _untried(task: Task) -> Iterator[str]:
    """Changes that were ahead where they were tried, and that the best variant is without."""
    for change in task.changes:
        best = task.best.settings
        without = all(best.get(name) == was for name, was, _ in change.what)
        target = {**best, **{name: now for name, _, now in change.what}}
        tried = any(variant.settings == target for variant in task.variants)
        if change.found.mean > 0 and without and not tried:
            pairs = differing([(name, now) for name, _, now in change.what])
            arms = f"`{change.after.name}` against `{change.before.name}`"
            yield (
                f"Try {pairs} on top of `{task.best.name}`: it brought "
                f"{lead(task, change.found)} where it was tried, {arms}"
            )


def _not_taken_away(task: Task) -> list[tuple[str, str]]:
    """Settings of the best variant that were never set back to the baseline's alone."""
    if len(task.best.differs) < 2:
        return []
    missing = []
    for name, _ in task.best.differs:
        back = {**task.best.settings, name: task.baseline.settings.get(name, "")}
        if not any(variant.settings == back for variant in task.variants):
            missing.append((name, task.baseline.settings.get(name, "not there")))
    return missing


def _edges(task: Task) -> Iterator[str]:
    """Numeric settings of the best variant that are the outermost tried."""
    for name, chosen in task.best.settings.items():
        try:
            tried = {float(v.settings[name]) for v in task.variants if name in v.settings}
            own = float(chosen)
        except ValueError:
            continue
        if len(tried) < 2:
            continue
        if own == max(tried):
            yield f"Try `{name}` above {chosen}: the best variant has the largest tried"
        elif own == min(tried) and len(tried) > 2:
            yield f"Try `{name}` below {chosen}: the best variant has the smallest tried"
