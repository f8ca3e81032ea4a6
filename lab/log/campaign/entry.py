"""The entry that a campaign is written up in."""

from __future__ import annotations

from lab.comparison import compare
from lab.comparison.measure import ARM, attribute
from lab.errors import InputError
from lab.log.campaign.block import PARTS, campaign_spec, next_steps, of_spec
from lab.log.draft import (
    NOT_ASSESSED,
    Draft,
    Request,
    as_code,
    distinct,
    generated,
    related_runs,
)
from lab.log.research_entry import plot_of
from lab.log.selection import rows_for
from lab.record.run import Run
from lab.workspace import Workspace


def campaign_draft(request: Request, runs: list[Run] | None, workspace: Workspace) -> Draft:
    """The write-up of a campaign; raises InputError where no runs or title are given."""
    if not runs:
        raise InputError("A campaign needs runs", do="Say which with --runs EXPR or --suite NAME.")
    title = request.title or (request.suite or "").replace("_", " ").capitalize()
    if not title:
        raise InputError("A campaign needs a title", do="As in: lab log new campaign TITLE.")
    spec = campaign_spec(
        runs, by=request.by, metric=request.metric, baseline=request.baseline,
        seed=request.seed_param, query=request.query,
    )  # fmt: skip
    told = of_spec(spec, runs)
    parts = {part: generated({**spec, "part": part}, workspace) for part in PARTS}
    if request.plot is not None:
        by = request.by or (ARM if all(attribute(run, ARM) is not None for run in runs) else None)
        comparison = compare(
            runs, by=by, metric=request.metric, rows=rows_for(runs, request.metric),
            seed_param=request.seed_param,
        )  # fmt: skip
        parts["short"] += plot_of(request, comparison, runs, workspace)
    return Draft(
        date=request.date,
        title=title,
        category=request.category or "Campaign",
        status=request.status or "To Investigate",
        related=(*as_code(request.related), *related_runs(runs)),
        finding=request.finding,
        impact=request.impact or (NOT_ASSESSED,),
        actions=distinct((*request.actions, *next_steps(told))),
        parts=parts,
    )
