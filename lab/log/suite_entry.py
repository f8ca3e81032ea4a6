"""The entry that a suite is reported in."""

from __future__ import annotations

from dataclasses import replace

from lab.comparison.measure import ARM, headline
from lab.errors import InputError
from lab.log.draft import (
    NOT_ASSESSED,
    Draft,
    Request,
    as_code,
    distinct,
    generated,
    related_runs,
)
from lab.log.evidence.source import runs_of
from lab.log.nights import night_of
from lab.log.report import failure_actions, suite_specs
from lab.log.research_entry import compared
from lab.log.selection import rows_for
from lab.record.run import Run
from lab.workspace import Workspace


def suite_draft(request: Request, runs: list[Run] | None, workspace: Workspace) -> Draft:
    """The report of a suite; raises InputError where it has no runs."""
    if not request.suite:
        raise InputError("A suite entry needs a suite", do="As in: --suite overnight.")
    if not runs:
        raise InputError("The suite has no runs", seen=request.suite, do="See `lab runs`.")
    night = night_of(request.suite, runs)
    measured = any(run.status == "done" and headline(run) for run in runs)
    rows = request.rows or (rows_for(runs, request.metric) if measured else None)
    request = replace(request, by=request.by or ARM, rows=rows)
    specs = suite_specs(
        night.name, runs, workspace, by=request.by or ARM, metric=request.metric, rows=rows,
        baseline=request.baseline, interesting=request.interesting, mix=request.mix,
    )  # fmt: skip
    first, details = (generated(spec, workspace) for spec in specs)
    blocks, impact, verdict = [first, details], NOT_ASSESSED, "To Investigate"
    actions = failure_actions(night.failures)
    title = f"Suite {request.suite}: {night.verdict[:1].lower()}{night.verdict[1:]}"
    if measured:
        made, story = compared(request, runs, workspace, runs_of(specs[0]))
        blocks, impact = [first, made["comparison"], details], made["impact"]
        # What failed is told once, with its cause, and keeps the entry open.
        actions += [a for a in story.actions if not a.startswith("Mend and run again")]
        if not night.failures:
            title, verdict = f"Suite {request.suite}: {story.headline}", story.status
    return Draft(
        date=request.date,
        title=request.title or title,
        category=request.category or "Benchmark",
        status=request.status or verdict,
        related=(*as_code(request.related), *related_runs(runs)),
        finding=(*request.finding, *blocks),
        impact=request.impact or (impact,),
        actions=distinct((*request.actions, *actions)),
    )
