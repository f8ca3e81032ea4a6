"""What changed since the last time a suite ran: code, parameters, data, packages, results.

The last time of a slot_of run is the newest done run of it before the one that stands for it now.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab import numbers
from lab.comparison.measure import goal_in, headline, label, measured
from lab.comparison.verdict import VERDICT_FROM
from lab.log.findings import listed
from lab.log.nights import slot_of
from lab.provenance import Source, known
from lab.record.run import Run
from lab.stats.intervals import Difference, paired_difference

_MOST = 6  # names told of a list
Packages = Mapping[str, Sequence[str | None]]


@dataclass(frozen=True)
class Result:
    """One arm now and the last time, over the seeds that both have."""

    arm: str
    before: str
    now: str
    change: str
    seeds: int
    told: str  # what the change means


@dataclass(frozen=True)
class Since:
    """What changed since the last time, each in one line; no lines where nothing did."""

    when: str
    again: int  # slot_of runs that ran then and were run again
    runs: int
    same: tuple[str, ...]
    changes: tuple[tuple[str, str], ...]  # (what, how)
    results: tuple[Result, ...]
    verdict: str


def earlier_runs(runs: Sequence[Run], of_suite: Sequence[Run]) -> tuple[list[Run], list[Run]]:
    """The run of the last time for each of `runs` where there is one, and the failed tries since.

    `of_suite` are all runs of the suite.
    """
    standing = {run.id for run in runs}
    slots: dict[str, list[Run]] = defaultdict(list)
    for run in sorted(of_suite, key=lambda run: run.id):
        slots[slot_of(run)].append(run)
    last, tries = [], []
    for run in runs:
        before = [r for r in slots[slot_of(run)] if r.id < run.id and r.id not in standing]
        done = [r for r in before if r.status == "done"]
        last += done[-1:]
        since = done[-1].id if done else ""
        tries += [r for r in before if r.status != "done" and r.id > since]
    return last, tries


def changed_packages(runs: Sequence[Run], last: Sequence[Run]) -> dict[str, list[str | None]]:
    """Packages with another version than the last time: name, [version then, version now]."""
    before, now = _packages(last), _packages(runs)
    if not before or not now:
        return {}
    names = sorted(set(before) | set(now))
    return {
        name: [before.get(name), now.get(name)]
        for name in names
        if before.get(name) != now.get(name)
    }


def since_of(runs: Sequence[Run], last: Sequence[Run], packages: Packages) -> Since | None:
    """What changed between the runs of the last time and those now; None where it is the first."""
    if not last:
        return None
    pairs = list(_pairs(runs, last))
    changes = [
        *_code(pairs), *_notebooks(pairs), *_params(pairs), *_data(pairs), *_of_packages(packages),
    ]  # fmt: skip
    told = {what for what, _ in changes}
    results = tuple(_results(pairs))
    return Since(
        when=_when(last),
        again=len(pairs),
        runs=len(runs),
        same=tuple(
            what
            for what in ("Code", "Notebooks", "Parameters", "Data", "Packages")
            if what not in told
        ),
        changes=tuple(changes),
        results=results,
        verdict=_verdict(results, changes),
    )


def _pairs(runs: Sequence[Run], last: Sequence[Run]) -> Iterator[tuple[Run, Run]]:
    now = {slot_of(run): run for run in runs}
    for before in last:
        if slot_of(before) in now:
            yield before, now[slot_of(before)]


def _when(last: Sequence[Run]) -> str:
    starts = sorted(run.started for run in last if run.started)
    return f"{starts[0]:%Y-%m-%d %H:%M} UTC" if starts else "at an unknown time"


def _code(pairs: Sequence[tuple[Run, Run]]) -> Iterator[tuple[str, str]]:
    before, now = ({str(run.record.get("code")) for run in side} for side in _sides(pairs))
    if before == now:
        return
    shas = [
        sorted({str((run.record.get("git") or {}).get("sha"))[:7] for run in side})
        for side in _sides(pairs)
    ]
    how = f"{_short(before)} then, {_short(now)} now"
    if all(len(found) == 1 and found[0] != "None" for found in shas) and shas[0] != shas[1]:
        how += f" (`git diff {shas[0][0]} {shas[1][0]} -- src`"
        dirty = any((run.record.get("git") or {}).get("dirty") for side in pairs for run in side)
        how += ", and changes not committed then)" if dirty else ")"
    yield "Code", how


def _notebooks(pairs: Sequence[tuple[Run, Run]]) -> Iterator[tuple[str, str]]:
    changed = {
        (now.notebook or "").rsplit("/", 1)[-1]
        for before, now in pairs
        if before.record.get("notebook_sha256") != now.record.get("notebook_sha256")
    }
    if changed:
        yield "Notebooks", f"{listed([f'`{name}`' for name in sorted(changed)])} edited"


def _params(pairs: Sequence[tuple[Run, Run]]) -> Iterator[tuple[str, str]]:
    found: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for before, now in pairs:
        for name in {**before.params, **now.params}:
            was, is_ = _value(before.params, name), _value(now.params, name)
            if was != is_:
                found[name, was, is_].add(str(now.arm))
    arms = {str(now.arm) for _, now in pairs}
    lines = [
        f"`{name}` {was} → {is_}"
        + ("" if of == arms else f" in {listed([f'`{arm}`' for arm in sorted(of)])}")
        for (name, was, is_), of in found.items()
    ]
    if lines:
        yield "Parameters", _some(lines)


def _value(params: Mapping[str, Any], name: str) -> str:
    return label(params[name]) if name in params else "not there"


def _data(pairs: Sequence[tuple[Run, Run]]) -> Iterator[tuple[str, str]]:
    changed = set()
    for before, now in pairs:
        then, is_ = _prints(before), _prints(now)
        changed |= {name for name in then | is_ if then.get(name) != is_.get(name)}
    if changed:
        yield "Data", f"{listed([f'`{name}`' for name in sorted(changed)])} are not what they were"


def _prints(run: Run) -> dict[str, Any]:
    sources = run.record.get("data") or []
    return {str(s.get("name")): s.get("content", s.get("sha256")) for s in sources}


def _of_packages(packages: Packages) -> Iterator[tuple[str, str]]:
    if packages:
        lines = [f"`{n}` {was or 'absent'} → {now or 'gone'}" for n, (was, now) in packages.items()]
        yield "Packages", _some(lines)


def _packages(runs: Sequence[Run]) -> dict[str, str]:
    """Name and version of every package of the newest run that recorded them."""
    for run in sorted(runs, key=lambda run: run.id, reverse=True):
        try:
            text = run.path.packages.read_text(encoding="utf-8")
        except OSError:
            continue
        parts = [line.strip().replace(" @ ", "==").partition("==") for line in text.splitlines()]
        return {name: version for name, mark, version in parts if mark}
    return {}


def _results(pairs: Sequence[tuple[Run, Run]]) -> Iterator[Result]:
    arms: dict[tuple[str, str], list[tuple[Run, Run]]] = defaultdict(list)
    for before, now in pairs:
        arms[str(now.arm), now.notebook or ""].append((before, now))
    for (arm, _), found in arms.items():
        metric = next((name for _, now in found if (name := headline(now))), None)
        if metric is None:
            continue
        both = [
            (was, is_, before.id, now.id)
            for before, now in found
            if (was := measured(before, metric)) is not None
            and (is_ := measured(now, metric)) is not None
        ]
        if both:
            goal = goal_in([now for _, now in found], metric)
            yield _result(arm, metric, goal, both, level=1 - 0.05 / len(arms))


def _result(
    arm: str,
    metric: str,
    goal: str,
    both: Sequence[tuple[float, float, str, str]],
    *,
    level: float,  # of each interval, so that all of them together hold at 95%
) -> Result:
    befores, nows = [v[0] for v in both], [v[1] for v in both]
    old, new = tuple(v[2] for v in both), tuple(v[3] for v in both)
    change = paired_difference(nows, befores, level=level)
    mean = f"mean over {len(both)}"
    before = known(statistics.fmean(befores), Source(old, metric, mean))
    now = known(statistics.fmean(nows), Source(new, metric, mean))
    by = known(change.mean, Source((*new, *old), metric, f"{mean} of the differences"))
    same = "same" if befores == nows else numbers.delta(metric, by, like=now)
    more = numbers.digits_apart(metric, before, now)
    return Result(
        arm=arm,
        before=numbers.amount(metric, before, more_digits=more),
        now=numbers.amount(metric, now, more_digits=more),
        change=same,
        seeds=len(both),
        told=_told(change, goal, befores == nows),
    )


def _told(change: Difference, goal: str, same: bool) -> str:
    if same:
        return "the same to the last digit"
    better = (change.mean > 0) == (goal == "max")
    if change.n >= VERDICT_FROM and change.excludes_zero:
        return "better" if better else "worse"
    if change.n >= VERDICT_FROM:
        return "cannot be told apart"
    if change.n > 2 and change.excludes_zero:
        return "ahead of then" if better else "behind then"
    return "no clear change" if change.n > 2 else "observed only"


def _verdict(results: Sequence[Result], changes: Sequence[tuple[str, str]]) -> str:
    what = listed([name.lower() for name, _ in changes])
    cause = f" with other {what}" if what else " with the same code, parameters, data and packages"
    if not results:
        return f"nothing to compare{cause}"
    same = [r for r in results if r.told == "the same to the last digit"]
    if len(same) == len(results):
        return f"every result is the same to the last digit{cause}"
    clear = [r for r in results if r.told in ("better", "worse", "ahead of then", "behind then")]
    if not clear and all(r.seeds < 3 for r in results):
        return f"too few seeds to tell whether a result moved{cause}"
    if not clear:
        return f"no arm changed clearly{cause}"
    told = [f"`{r.arm}` {r.told} ({r.change})" for r in clear]
    return f"{_some(told)}{cause}"


def _sides(pairs: Sequence[tuple[Run, Run]]) -> tuple[list[Run], list[Run]]:
    return [before for before, _ in pairs], [now for _, now in pairs]


def _short(codes: Iterable[str]) -> str:
    return listed([f"`{code[:7]}`" for code in sorted(codes)])


def _some(lines: Sequence[str]) -> str:
    more = [f"{len(lines) - _MOST} more"] if len(lines) > _MOST else []
    return listed([*lines[:_MOST], *more])
