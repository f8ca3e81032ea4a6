"""The entry about a comparison, or one written by hand."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lab.comparison import Comparison, compare
from lab.comparison.measure import ARM
from lab.errors import InputError
from lab.log.blocks import comparison_spec
from lab.log.draft import (
    NOT_ASSESSED,
    Draft,
    Request,
    as_code,
    distinct,
    generated,
    related_runs,
)
from lab.log.findings import Story, tell
from lab.log.plot_block import plot_spec
from lab.log.tried import tried_spec
from lab.record.run import Run
from lab.workspace import Workspace

_TRAINING = re.compile(
    r"lr|epochs|batch_size|optimizer|schedule|warmup|clip|patience|weight_decay|dropout"
    r"|label_smoothing|class_weights|momentum"
)


def research_draft(request: Request, runs: list[Run] | None, workspace: Workspace) -> Draft:
    """The entry about these runs, or where there are none the one written by hand.

    Raises InputError where nothing can be compared or there is nothing to write.
    """
    if runs is None:
        return _by_hand(request)
    blocks, story = compared(request, runs, workspace)
    return Draft(
        date=request.date,
        title=request.title or story.title,
        category=request.category or _category(story.by),
        status=request.status or story.status,
        related=(*as_code(request.related), *related_runs(runs)),
        finding=(*request.finding, blocks["comparison"]),
        impact=request.impact or (blocks["impact"],),
        actions=distinct((*request.actions, *story.actions)),
    )


def _by_hand(request: Request) -> Draft:
    if asked := request.of_comparison:
        raise InputError(
            "There are no runs to compare",
            seen=f"--by {request.by}" if request.by else " ".join(asked),
            do="Say which with --runs EXPR or --suite NAME.",
        )
    if not request.title:
        raise InputError(
            "A hand-written entry needs a title", do="As in: lab log new research TITLE."
        )
    if not (request.finding or request.editing):
        raise InputError(
            "There is nothing to write",
            seen=request.title,
            do="Give --finding TEXT, or --runs EXPR, or --edit.",
        )
    return Draft(
        date=request.date,
        title=request.title,
        category=request.category or "General",
        status=request.status or "To Investigate",
        related=as_code(request.related),
        finding=request.finding,
        impact=request.impact or (NOT_ASSESSED,),
        actions=request.actions,
    )


def compared(
    request: Request, runs: list[Run], workspace: Workspace, known: Sequence[str] = ()
) -> tuple[dict[str, str], Story]:
    """The generated blocks of a comparison, each with its evidence, and its story.

    What was tried before follows the comparison; runs of these ids are `known` to the entry.
    """
    comparison = compare(
        runs,
        by=request.by,
        metric=request.metric,
        rows=request.rows,
        baseline=request.baseline,
        seed_param=request.seed_param,
        interesting=request.interesting,
        mix=request.mix,
    )
    query = {"query": request.query} if request.query else {}
    specs = {
        kind: comparison_spec(comparison, runs, kind) | query for kind in ("comparison", "impact")
    }
    made = {kind: generated(spec, workspace) for kind, spec in specs.items()}
    made["comparison"] += plot_of(request, comparison, runs, workspace)
    if before := tried_spec(specs["comparison"], runs, workspace, known=known):
        made["comparison"] += "\n\n" + generated(before, workspace)
    return made, tell(comparison, runs)


def plot_of(
    request: Request, comparison: Comparison, runs: Sequence[Run], workspace: Workspace
) -> str:
    """The block with the plot that was asked for, behind a blank line; nothing where none was."""
    if request.plot is None:
        return ""
    spec = plot_spec(
        comparison, runs, metric=request.plot, folder=request.folder, query=request.query
    )
    return "\n\n" + generated(spec, workspace)


def _category(by: str) -> str:
    if by in (ARM, "suite.arm", "notebook"):
        return "Benchmark"
    return "Training" if _TRAINING.fullmatch(by) else "Architecture"
