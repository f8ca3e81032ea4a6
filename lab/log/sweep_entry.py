"""The entry that a sweep is written up in."""

from __future__ import annotations

from lab.errors import InputError
from lab.log.blocks import Spec
from lab.log.draft import NOT_ASSESSED, Draft, Request, as_code, distinct, generated
from lab.log.evidence.comment import PlainLines, blocks_of, lines_with_blocks
from lab.log.evidence.source import LiveRuns
from lab.log.sweep_block import PARTS, analyzed, sweep_spec
from lab.record.lazy import shelf_of
from lab.record.run import Run
from lab.sweep.advice import actions_of
from lab.sweep.analysis import Analysis
from lab.sweep.storage import read_study, studies_folder
from lab.workspace import Workspace

_SHOWN = 4  # parameters that a title names


def sweep_draft(
    request: Request, study: str | None, workspace: Workspace, *, again: bool = False
) -> tuple[list[Run], Draft]:
    """The runs of a study's complete trials, and the write-up of the study.

    Raises InputError where no study is named or no trial is complete, and, unless `again`, where
    the log has an entry of it in this very state.
    """
    if not study:
        raise InputError("A sweep entry needs a study", do="As in: --study visual_classifier_v2.")
    asked = {"--baseline": request.baseline, "--runs": request.query, "--suite": request.suite}
    useless = [*request.of_comparison, *(name for name, given in asked.items() if given)]
    if useless:
        raise InputError(
            "An entry of kind sweep does not take this",
            seen=", ".join(useless),
            do="Leave it out: the study says what is searched and what for.",
        )
    held = read_study(study, workspace)
    spec = sweep_spec(held)
    if not again and (place := _written(spec, workspace)):
        raise InputError(
            f"Study {held.name} is written up already, and has no trial since",
            seen=place,
            do="`lab log refresh` writes that entry's blocks anew; --dry-run shows a new one.",
        )
    source = LiveRuns(workspace, shelf_of(workspace))
    found = analyzed(spec, source)
    related = [f"`{held.notebook}`"] if held.notebook else []
    folder = workspace.relative(studies_folder(workspace) / held.name)
    draft = Draft(
        date=request.date,
        title=request.title or title_of(found),
        category=request.category or "Hyperparameters",
        status=request.status or "To Investigate",
        related=(*as_code(request.related), *related, f"study `{folder}`"),
        finding=request.finding,
        impact=request.impact or (NOT_ASSESSED,),
        actions=distinct((*request.actions, *actions_of(found))),
        parts={part: generated(_part(spec, part), workspace) for part in PARTS},
    )
    return [source.run(run_id) for run_id in spec["runs"]], draft


def title_of(found: Analysis) -> str:
    """What the study shows, in a line."""
    named = [f"`{effect.factor.name}`" for effect in found.marginals.found]
    if not named:
        return f"Sweep {found.study.name}: no parameter is told from chance"
    shown = ", ".join(named[:_SHOWN])
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    return f"Sweep {found.study.name}: {shown}{more} {'matter' if named[1:] else 'matters'}"


def _written(spec: Spec, workspace: Workspace) -> str | None:
    """Where the log has a block about this state of the study, as FILE:LINE; None where nowhere."""
    told = {key: value for key, value in spec.items() if key != "asked"}
    for path in workspace.log_files():
        for block in blocks_of(lines_with_blocks(path) or PlainLines(())):
            had = block.spec or {}
            if all(had.get(key) == value for key, value in told.items()):
                return f"{workspace.relative(path)}:{block.start}"
    return None


def _part(spec: Spec, part: str) -> Spec:
    return {**spec, "part": part}
