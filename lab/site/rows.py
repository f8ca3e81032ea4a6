"""Runs as they stand in the tables of a site."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import PurePosixPath
from typing import Any

from lab import numbers
from lab.comparison.measure import pick_of
from lab.duration import show_duration
from lab.record.run import Run


@dataclass(frozen=True)
class Row:
    """A run in a table."""

    id: str
    address: str | None  # None where it is not in the site
    status: str
    reason: str
    notebook: str
    suite: str
    arm: str
    seed: str
    metric: str
    value: str
    exact: str  # the value in full, to sort by
    time: str
    seconds: str
    started: str
    words: str  # what a filter looks through


def row_of(run: Run, address: str) -> Row:
    """`run`, which has its page at `address`, as it stands in tables."""
    metric = run.headline if isinstance(run.headline, str) else ""
    value = run.metrics.get(metric, {}).get(pick_of(metric))
    number = value if isinstance(value, int | float) else None
    suite = run.record.get("suite")
    suite = suite if isinstance(suite, dict) else {}
    # How long a run under way has taken depends on when one looks.
    seconds = None if run.status == "running" else run.seconds
    params = " ".join(f"{name}={value_text(v)}" for name, v in run.params.items())
    about = (run.id, run.status, run.reason, run.name, run.notebook, run.trial)
    known = (*about, *suite.values(), *run.tags)
    return Row(
        id=run.id,
        address=address,
        status=run.status,
        reason=run.reason or "",
        notebook=PurePosixPath(str(run.notebook)).stem if run.notebook else "",
        suite=str(suite.get("name") or ""),
        arm=str(run.part or ""),
        seed="" if run.seed is None else str(run.seed),
        metric=metric if number is not None else "",
        value=shown(metric, number) if number is not None else "",
        exact="" if number is None else repr(float(number)),
        time=show_duration(seconds) if seconds is not None else "",
        seconds="" if seconds is None else f"{seconds:g}",
        started=f"{run.started:%Y-%m-%d %H:%M}" if run.started else "",
        words=" ".join(str(word) for word in known if word is not None) + f" {params}",
    )


def absent(run_id: str) -> Row:
    """The row of a run that is not in the site."""
    blank = dict.fromkeys((f.name for f in fields(Row)), "")
    return Row(**{**blank, "id": run_id, "address": None})  # type: ignore[arg-type]


def shown(metric: str, value: float | None) -> str:
    """A metric's value as people read it: accuracies as percent, the rest in four digits."""
    if value is None:
        return numbers.MISSING
    return (
        numbers.percent(value) if numbers.is_fraction(metric) else numbers.figure(value, digits=4)
    )


def value_text(value: Any) -> str:
    """A value of a parameter or note: text as it is, the rest as a notebook would write it."""
    return value if isinstance(value, str) else repr(value)
