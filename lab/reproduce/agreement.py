"""Whether a rerun gave the numbers of the run it repeats."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lab import comparison
from lab.numbers import amount, counted, digits_apart, spread
from lab.record.catalogue import find_runs
from lab.record.run import Run
from lab.reproduce.differing import standing
from lab.stats.intervals import ALPHA, tail, variance_of
from lab.stats.multiplicity import holm
from lab.workspace import Workspace

Verdict = Literal["exact", "seed_noise", "different", "unknown", "not_compared"]

_TIMING_SPLITS = ("time", "system")
_TIMING_WORDS = frozenset({"seconds", "second", "ms", "throughput", "fps", "memory", "mb", "gb"})


@dataclass(frozen=True)
class MetricAgreement:
    """A metric in both runs; `sd` over `seeds` seeds, and `p` of so large a difference by chance.

    `p` is that of a two-sided t test of a difference of two runs, whose standard deviation is
    sqrt(2) times that of one, after Holm over the metrics; None where fewer than two seeds ran.
    """

    name: str
    before: float | None
    after: float | None
    sd: float | None
    seeds: int
    p: float | None

    @property
    def beyond(self) -> bool:
        """Whether they differ by more than seeds do."""
        return self.p is not None and self.p <= ALPHA


@dataclass(frozen=True)
class Agreement:
    """`verdict` and the sentence that says it; `metrics` are those that differ."""

    verdict: Verdict
    text: str
    metrics: tuple[MetricAgreement, ...] = ()


def agreement(now: Run, before: Run, workspace: Workspace) -> Agreement:
    """Hold the numbers of a rerun against those of the run it repeats.

    Exactly equal where every value of every metric at every step is, times and speeds left aside.
    Else the values that stand for the runs are judged by the spread of the arm over seeds, from
    the done runs of other seeds with the same notebook, parameters and code as `before`. Of a run
    that did not end by itself, the part that there is is compared.
    """
    changed = [n for n in before.params.keys() | now.params.keys() if _differs(n, now, before)]
    if others := sorted(set(changed) - {"seed"}):
        return Agreement("not_compared", f"Not compared: {', '.join(others)} changed.")
    ours, theirs = _curves(now), _curves(before)
    shared = sorted(ours.keys() & theirs.keys())
    if not shared:
        return Agreement("not_compared", "Not compared: the runs have no metric in common.")
    if before.status != "done":
        return _of_part(ours, theirs, before)
    if not changed and all(repr(ours[name]) == repr(theirs[name]) for name in shared):
        return _exact(now, before, shared, sum(len(ours[name]) for name in shared))
    peers = _other_seeds(before, now, workspace)
    judged = _judged(now, before, shared, peers)
    return _told(judged, now, before)


def _exact(now: Run, before: Run, shared: list[str], values: int) -> Agreement:
    aside = [name for name in now.metrics if is_timing(name)]
    alone = [name for name in now.metrics.keys() ^ before.metrics.keys() if not is_timing(name)]
    notes = [f"{', '.join(aside)} left aside"] if aside else []
    notes += [f"{', '.join(sorted(alone))} in one of them only"] if alone else []
    what = f"{values} values of {counted(len(shared), 'metric')}"
    told = f" ({'; '.join(notes)})" if notes else ""
    text = f"The numbers are exactly those of {before.id}: {what}{told}."
    return Agreement("exact", text)


def is_timing(metric: str) -> bool:
    """Whether a metric is a time, a speed or a size of memory, which no two runs share."""
    split, _, name = metric.rpartition("/")
    return split in _TIMING_SPLITS or bool(_TIMING_WORDS & set(name.lower().split("_")))


def _differs(name: str, now: Run, before: Run) -> bool:
    # Where a run was computed is no part of what was asked; a secret is not recorded.
    return name != "device" and now.params.get(name) != before.params.get(name)


def _curves(run: Run) -> dict[str, list[tuple[int, Any]]]:
    """Steps and values of every metric but times."""
    found: dict[str, list[tuple[int, Any]]] = {}
    for row in run.history():
        for name, value in row.items():
            if "/" in name and not is_timing(name):
                found.setdefault(name, []).append((row["step"], value))
    return found


def _of_part(
    ours: dict[str, list[tuple[int, Any]]], theirs: dict[str, list[tuple[int, Any]]], before: Run
) -> Agreement:
    part = {name: ours.get(name, [])[: len(points)] for name, points in theirs.items()}
    values = sum(map(len, theirs.values()))
    if repr(part) == repr(theirs):
        text = f"The {values} values that {before.id} logged before it ended ({before.status}) "
        text += "are the same."
        return Agreement("exact", text)
    text = (
        f"{before.id} did not reach its end ({before.status}); its values up to there are others."
    )
    return Agreement("unknown", text)


def _other_seeds(before: Run, now: Run, workspace: Workspace) -> list[Run]:
    """One done run of every other seed of the arm, with the same code."""
    keys = ("code", "notebook_sha256")
    alike = comparison.alike(find_runs(workspace), before, by=None)
    found: dict[Any, Run] = {}
    for run in alike:  # newest first
        same = all(run.record.get(key) == before.record.get(key) for key in keys)
        if same and run.status == "done" and run.id not in (now.id, before.id):
            found.setdefault(run.seed, run)
    found.pop(before.seed, None)
    found.pop(None, None)
    return list(found.values())


def _judged(
    now: Run, before: Run, names: Iterable[str], peers: Sequence[Run]
) -> list[MetricAgreement]:
    """The metrics whose values differ, each with its spread over seeds."""
    rough = []
    for name in names:
        a, b = standing(before, name), standing(now, name)
        if a is None or b is None or repr(a) == repr(b):
            continue
        values = [v for run in (before, *peers) if (v := standing(run, name)) is not None]
        finite = [value for value in values if math.isfinite(value)]
        if not (math.isfinite(a) and math.isfinite(b)):
            rough.append(MetricAgreement(name, a, b, None, len(finite), 0.0))
        elif len(finite) < 2:
            rough.append(MetricAgreement(name, a, b, None, len(finite), None))
        else:
            sd = math.sqrt(variance_of(finite))
            p = min(2 * tail(abs(b - a), sd * math.sqrt(2), len(finite) - 1), 1.0)
            rough.append(MetricAgreement(name, a, b, sd, len(finite), p))
    adjusted = iter(holm([metric.p for metric in rough if metric.p is not None]))
    return [
        MetricAgreement(m.name, m.before, m.after, m.sd, m.seeds, next(adjusted))
        if m.p is not None
        else m
        for m in rough
    ]


def _told(judged: list[MetricAgreement], now: Run, before: Run) -> Agreement:
    if not judged:
        text = f"Best and last values are those of {before.id}; some values on the way differ."
        return Agreement("unknown", text)
    judged = sorted(judged, key=lambda metric: metric.name != now.headline)
    beyond = [metric for metric in judged if metric.beyond]
    if beyond:
        listed = "; ".join(_said(metric) for metric in beyond[:3])
        more = f"; and {len(beyond) - 3} more" if len(beyond) > 3 else ""
        text = (
            f"The numbers differ from those of {before.id} by more than seeds do: {listed}{more}."
        )
        return Agreement("different", text, tuple(judged))
    first = judged[0]
    if any(metric.p is None for metric in judged):
        text = f"The numbers differ from those of {before.id}: {_said(first)}. No other seed of it "
        text += "was run with the same code, so whether seeds differ by as much cannot be said."
        return Agreement("unknown", text, tuple(judged))
    text = (
        f"The numbers differ from those of {before.id}, but no more than seeds do: {_said(first)}."
    )
    return Agreement("seed_noise", text, tuple(judged))


def _said(metric: MetricAgreement) -> str:
    """ "test/accuracy 48.2%, was 47.9% (seeds vary by 0.8, n = 4)"."""
    more = digits_apart(metric.name, metric.after, metric.before)
    after = amount(metric.name, metric.after, with_unit=False, more_digits=more)
    before = amount(metric.name, metric.before, with_unit=False, more_digits=more)
    if metric.sd is None:
        return f"{metric.name} {after}, was {before}"
    sd = spread(metric.name, metric.sd, like=metric.before)
    return f"{metric.name} {after}, was {before} (sd {sd} over {counted(metric.seeds, 'seed')})"
