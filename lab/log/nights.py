"""A suite's night: what ran, what failed and why, how long it took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from lab.duration import show_duration
from lab.log.findings import why
from lab.record.run import Run


@dataclass(frozen=True)
class Part:
    """The runs of one arm on one notebook."""

    arm: str
    notebook: str
    runs: int
    done: int
    seconds: float


@dataclass(frozen=True)
class Failure:
    """Runs that ended by the same error."""

    error: str
    status: str
    run_ids: tuple[str, ...]


@dataclass(frozen=True)
class Night:
    """A suite as it went."""

    name: str
    verdict: str
    parts: tuple[Part, ...]
    failures: tuple[Failure, ...]
    seconds: float


def night_of(name: str, runs: Sequence[Run]) -> Night:
    """The night of suite `name` from its runs, one per planned run."""
    parts: dict[tuple[str, str], list[Run]] = defaultdict(list)
    failed: dict[tuple[str, str], list[str]] = defaultdict(list)
    for run in runs:
        parts[(run.arm or "", run.notebook or "")].append(run)
        if run.status != "done":
            failed[(why(run), run.status)].append(run.id)
    total = sum(run.seconds or 0.0 for run in runs)
    done = sum(run.status == "done" for run in runs)
    rest = len(runs) - done
    verdict = f"All {len(runs)} runs are done" if len(runs) > 1 else "The one run is done"
    if rest:
        verdict = f"{done} of {len(runs)} runs done ({_statuses(runs)})"
    return Night(
        name=name,
        verdict=f"{verdict}, in {show_duration(total)} of run time.",
        parts=tuple(
            Part(
                arm,
                notebook,
                len(found),
                sum(run.status == "done" for run in found),
                sum(run.seconds or 0.0 for run in found),
            )
            for (arm, notebook), found in parts.items()
        ),
        failures=tuple(
            Failure(error, status, tuple(ids))
            for (error, status), ids in sorted(failed.items(), key=lambda item: -len(item[1]))
        ),
        seconds=total,
    )


def latest_per_plan(runs: Sequence[Run]) -> list[Run]:
    """Of runs of a suite, the one that stands for each planned run: the newest done, else newest.

    A planned run is the arm, the notebook and the matrix values.
    """
    standing: dict[str, Run] = {}
    for run in sorted(runs, key=lambda run: run.id):
        suite = run.record.get("suite") or {}
        planned = repr((run.arm, run.notebook, suite.get("matrix"), run.params.get("seed")))
        before = standing.get(planned)
        if before is None or run.status == "done" or before.status != "done":
            standing[planned] = run
    return list(standing.values())


def _statuses(runs: Sequence[Run]) -> str:
    counts: dict[str, int] = defaultdict(int)
    for run in runs:
        if run.status != "done":
            counts[run.status] += 1
    return ", ".join(f"{n} {status}" for status, n in counts.items())
