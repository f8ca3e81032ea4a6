"""A suite's night: what ran, what failed and why, and what it cost."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lab import numbers
from lab.comparison.measure import in_order, label
from lab.duration import show_duration
from lab.log.findings import listed, why
from lab.provenance import Source, known
from lab.record.run import Run, parse_time

_PAUSE = timedelta(minutes=30)  # a longer one between two runs parts two sittings
_DIGITS = re.compile(r"\d+(?:\.\d+)?")
_NEXT = {
    "oom": "lower the batch size or the number of workers, then run the suite again",
    "time_limit": "raise the suite's `timeout` or shorten the run, then run the suite again",
    "preempted": "run the suite again: it takes up what is missing",
    "interrupted": "run the suite again: it takes up what is missing",
    "killed": "run the suite again, with fewer workers if memory was short",
    "kernel_died": "run the suite again, with fewer workers if memory was short",
    "disk_full": "make room on the disk, then run the suite again",
}


@dataclass(frozen=True)
class Part:
    """The runs of one arm on one notebook."""

    arm: str
    notebook: str
    runs: int
    done: int
    seconds: float  # of all of them
    each: float | None  # of a run that is done, on average
    share: float  # of the suite's run time


@dataclass(frozen=True)
class Failure:
    """Runs that ended by the same error, numbers in its message aside."""

    error: str
    status: str
    reason: str | None
    run_ids: tuple[str, ...]
    which: str  # arms, with their seeds
    lost: float  # seconds
    do: str


@dataclass(frozen=True)
class Clock:
    """When runs ran: seconds on the clock while at least one did, in how many sittings."""

    first: datetime
    last: datetime
    seconds: float
    sittings: int


@dataclass(frozen=True)
class Night:
    """A suite as it went; `tries` are runs that did not end well and were run again since."""

    name: str
    verdict: str
    parts: tuple[Part, ...]
    failures: tuple[Failure, ...]
    tries: tuple[Failure, ...]
    cost: str
    seconds: float


def night_of(name: str, runs: Sequence[Run], tries: Sequence[Run] = ()) -> Night:
    """The night of suite `name` from its runs, one per planned run, and the failed tries before."""
    ids = [run.id for run in runs]
    total = known(sum(run.seconds or 0.0 for run in runs), Source(tuple(ids), "seconds", "sum"))
    return Night(
        name=name,
        verdict=_verdict(runs),
        parts=tuple(_parts(runs, float(total))),
        failures=tuple(_failures(run for run in runs if run.status not in ("done", "running"))),
        tries=tuple(_failures(tries)),
        cost=_cost(runs, tries, total),
        seconds=total,
    )


def latest_per_slot(runs: Sequence[Run]) -> list[Run]:
    """Of runs of a suite, the one that stands for each slot: the newest done, else newest.

    A slot is what the suite's file asks for as one run: arm, notebook and matrix values.
    """
    standing: dict[str, Run] = {}
    for run in sorted(runs, key=lambda run: run.id):
        before = standing.get(slot_of(run))
        if before is None or run.status == "done" or before.status != "done":
            standing[slot_of(run)] = run
    return list(standing.values())


def slot_of(run: Run) -> str:
    """What tells the slot that a run fills from others of its suite."""
    suite = run.record.get("suite") or {}
    return repr((run.arm, run.notebook, suite.get("matrix"), run.params.get("seed")))


def clock_of(runs: Iterable[Run]) -> Clock | None:
    """When these runs ran; None where none says when it began and ended."""
    spans = sorted(
        (run.started, ended)
        for run in runs
        if run.started and (ended := parse_time(run.record.get("ended")))
    )
    if not spans:
        return None
    seconds, sittings = 0.0, 1
    begin, until = spans[0]
    for start, end in spans[1:]:
        if start > until:
            seconds += (until - begin).total_seconds()
            sittings += start - until > _PAUSE
            begin = start
        until = max(until, end)
    return Clock(spans[0][0], until, seconds + (until - begin).total_seconds(), sittings)


def _verdict(runs: Sequence[Run]) -> str:
    done = sum(run.status == "done" for run in runs)
    if done == len(runs):
        return f"All {done} runs are done" if done > 1 else "The one run is done"
    return f"{done} of {len(runs)} runs done ({_statuses(runs)})"


def _statuses(runs: Sequence[Run]) -> str:
    counts = Counter(run.status for run in runs if run.status != "done")
    return ", ".join(f"{n} {status}" for status, n in counts.items())


def _parts(runs: Sequence[Run], total: float) -> Iterable[Part]:
    groups: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in in_order(runs):
        groups[(run.arm or "", run.notebook or "")].append(run)
    for (arm, notebook), found in groups.items():
        ids = tuple(run.id for run in found)
        done = [run for run in found if run.status == "done"]
        seconds = sum(run.seconds or 0.0 for run in found)
        each = sum(run.seconds or 0.0 for run in done) / len(done) if done else None
        yield Part(
            arm=arm,
            notebook=notebook,
            runs=len(found),
            done=len(done),
            seconds=known(seconds, Source(ids, "seconds", "sum")),
            each=known(each, Source(tuple(run.id for run in done), "seconds", "mean")),
            share=known(seconds / total if total else 0.0, Source(ids, "seconds", "share")),
        )


def _failures(runs: Iterable[Run]) -> list[Failure]:
    """Runs by their error, the most frequent first."""
    groups: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in runs:
        # "2.5 GiB" and "3.0 GiB" are the same error.
        groups[run.status, _DIGITS.sub("#", why(run))].append(run)
    made = []
    for (status, _), found in groups.items():
        ids = tuple(run.id for run in found)
        reasons = {run.reason for run in found}
        reason = reasons.pop() if len(reasons) == 1 else None
        again = f"`lab show {ids[0]}` tells more; run the suite again when it is mended"
        lost = sum(run.seconds or 0.0 for run in found)
        made.append(
            Failure(
                error=why(found[0]),
                status=status,
                reason=reason,
                run_ids=ids,
                which=_which(found),
                lost=known(lost, Source(ids, "seconds", "sum")),
                do=_NEXT.get(reason or "", again),
            )
        )
    return sorted(made, key=lambda failure: -len(failure.run_ids))


def _which(runs: Sequence[Run]) -> str:
    """The arms of runs, each with its seeds: "`a` (seeds 0 and 1), `b`"."""
    seeds: dict[str, list[str]] = defaultdict(list)
    for run in runs:
        name = run.arm or (run.notebook or "run").rsplit("/", 1)[-1].removesuffix(".ipynb")
        seeds[name] += [] if run.seed is None else [label(run.seed)]
    return listed(
        [
            f"`{arm}`" + (f" ({'seed' if len(of) == 1 else 'seeds'} {listed(of)})" if of else "")
            for arm, of in seeds.items()
        ]
    )


def _cost(runs: Sequence[Run], tries: Sequence[Run], total: float) -> str:
    """The time of a suite in one or two sentences."""
    said = f"{show_duration(total)} of run time"
    clock = clock_of([*runs, *tries])
    if clock is not None and clock.seconds:
        ids = tuple(run.id for run in (*runs, *tries))
        seconds = known(clock.seconds, Source(ids, "started, ended", "time with a run under way"))
        said += f", {show_duration(seconds)} on the clock"
        if clock.sittings > 1:
            said += f" in {clock.sittings} sittings"
        said += f" ({_span(clock)})"
    lost = [run for run in (*runs, *tries) if run.status not in ("done", "running")]
    if lost and (seconds := sum(run.seconds or 0.0 for run in lost)):
        source = Source(tuple(run.id for run in lost), "seconds", "sum")
        runs_lost = numbers.counted(len(lost), "run")
        said += f"; {show_duration(known(seconds, source))} went into {runs_lost} not done"
    return f"{said}."


def _span(clock: Clock) -> str:
    first, last = f"{clock.first:%Y-%m-%d %H:%M}", f"{clock.last:%Y-%m-%d %H:%M}"
    return f"{first} to {last[11:] if first[:10] == last[:10] else last} UTC"
