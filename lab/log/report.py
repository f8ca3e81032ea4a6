"""The morning report of a suite: verdict, then what failed, what it cost, what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lab import numbers
from lab.comparison import Row, compare, verdict_of
from lab.comparison.measure import ARM, headline
from lab.comparison.tables import row_names
from lab.comparison.words import both
from lab.errors import LabError
from lab.log.evidence.sourced import sourced
from lab.log.nights import Failure, Night, night_of
from lab.log.render import render
from lab.log.selection import found_by
from lab.log.since import Since, changed_packages, earlier_runs, since_of
from lab.record.run import Run
from lab.workspace import Workspace

Spec = dict[str, Any]


@dataclass(frozen=True)
class Report:
    """What the templates of a suite entry place."""

    night: Night
    since: Since | None
    results: tuple[tuple[str | None, str], ...]  # (row, verdict); empty where nothing was measured


def suite_specs(
    name: str,
    runs: Sequence[Run],
    workspace: Workspace,
    *,
    by: str,
    metric: str | None,
    rows: str | None,
    baseline: str | None,
    interesting: float | None = None,
    mix: bool = False,
) -> list[Spec]:
    """The evidence of the two generated parts of a suite entry: its verdict and its details."""
    last, tries = earlier_runs(runs, _of_suite(name, workspace))
    shared: Spec = {
        "kind": "suite",
        "suite": name,
        "runs": [run.id for run in runs],
        "last": [run.id for run in last],
        "tries": [run.id for run in tries],
        # The lists of packages are no part of what a fresh clone has, so what differs stands here.
        "packages": changed_packages(runs, last),
    }
    asked: Spec = {"by": by, "metric": metric, "rows": rows, "baseline": baseline}
    declared = {"interesting": interesting, "mix": mix}
    asked |= {name: value for name, value in declared.items() if value}
    return [{**shared, "part": "verdict", **asked}, {**shared, "part": "details"}]


def suite_text(
    spec: Spec,
    runs: Sequence[Run],
    last: Sequence[Run],
    tries: Sequence[Run],
    workspace: Workspace,
) -> str:
    """The Markdown of one generated part of a suite entry."""
    night = night_of(spec["suite"], runs, tries)
    report = Report(
        night=night,
        since=since_of(runs, last, spec.get("packages") or {}),
        results=results_of(spec, runs) if spec.get("part") == "verdict" else (),
    )
    template = "suite_verdict" if spec.get("part") == "verdict" else "suite"
    return render(template, workspace, report=report, suite=night)


def results_of(spec: Spec, runs: Sequence[Run]) -> tuple[tuple[str | None, str], ...]:
    """The verdict of every row of the suite's comparison, short."""
    if not any(run.status == "done" and headline(run) for run in runs):
        return ()
    try:
        comparison = compare(
            runs,
            by=spec.get("by") or ARM,
            metric=spec.get("metric"),
            rows=spec.get("rows"),
            baseline=spec.get("baseline"),
            interesting=spec.get("interesting"),
            mix=bool(spec.get("mix")),
        )
    except LabError as error:
        return ((None, f"nothing was compared: {error.what[:1].lower()}{error.what[1:]}"),)
    comparison = sourced(comparison)
    names = row_names(comparison) if comparison.rows_by else [None] * len(comparison.rows)
    return tuple(zip(names, (_in_short(row) for row in comparison.rows), strict=True))


def verdict_lines(
    name: str,
    runs: Sequence[Run],
    workspace: Workspace,
    *,
    by: str = ARM,
    metric: str | None = None,
    rows: str | None = None,
) -> list[str]:
    """The verdict on a suite for a terminal, line by line."""
    spec, _ = suite_specs(name, runs, workspace, by=by, metric=metric, rows=rows, baseline=None)
    by_id = {run.id: run for run in _of_suite(name, workspace)}
    last, tries = ([by_id[i] for i in spec[key]] for key in ("last", "tries"))
    text = suite_text(spec, runs, last, tries, workspace)
    return [line.replace("**", "").replace("`", "") for line in text.split("\n") if line.strip()]


def _in_short(row: Row) -> str:
    """The verdict of a row with the values of the arms that it is about."""
    verdict = verdict_of(row)
    arms = [row.arm(name) for name in (verdict.winner, verdict.runner_up) if name]
    match [arm for arm in arms if arm and arm.n]:
        case [best, runner]:
            return f"{verdict.short}: {both(row, best, runner)}"
        case [only]:
            return f"{verdict.short}: {numbers.amount(row.metric, only.mean)}"
    return verdict.short


def _of_suite(name: str, workspace: Workspace) -> list[Run]:
    return found_by(None, workspace, suite=name)


def failure_actions(failures: Sequence[Failure]) -> list[str]:
    """What to do about each group of failed runs."""
    said = []
    for failure in failures:
        runs = numbers.counted(len(failure.run_ids), "run")
        said.append(
            f"{numbers.capital(runs)} {failure.status} ({failure.which}): {failure.error}; "
            f"{failure.do}"
        )
    return said
