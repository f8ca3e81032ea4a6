"""New entries: written by hand, from runs, or both."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date as calendar
from pathlib import Path
from typing import TYPE_CHECKING

from lab.comparison import compare
from lab.comparison.measure import ARM, headline
from lab.errors import InputError, LogError, nearest
from lab.log.arrivals import query_of
from lab.log.blocks import Spec, comparison_spec, read_run
from lab.log.book import date_of
from lab.log.campaign_entry import campaign_draft
from lab.log.draft import (
    NOT_ASSESSED,
    Draft,
    Request,
    as_code,
    distinct,
    generated,
    related_runs,
)
from lab.log.editor import edited
from lab.log.entry import Action
from lab.log.expectation import Plan
from lab.log.experiment import experiment_name, experiment_of
from lab.log.findings import Story, tell
from lab.log.nights import night_of
from lab.log.place import add_entry
from lab.log.planned import (
    Pending,
    as_experiment,
    complete,
    completed_text,
    find_pending,
    planned_draft,
)
from lab.log.refreshing import save_snapshots
from lab.log.render import render
from lab.log.items.repeats import Proposed, not_repeated
from lab.log.report import failure_actions, suite_specs
from lab.log.selection import baseline_of, found_by, one_run, repeats_of, rows_for, selected
from lab.log.source import runs_of
from lab.log.tried import tried_spec
from lab.record.run import Run
from lab.workspace import Workspace

if TYPE_CHECKING:
    from lab.suite.schema import LogItem

KINDS = ("research", "experiment", "suite", "campaign")

_TRAINING = re.compile(
    r"lr|epochs|batch_size|optimizer|schedule|warmup|clip|patience|weight_decay|dropout"
    r"|label_smoothing|class_weights|momentum"
)
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class NewEntry:
    """An entry as written, or as it would be; `line` is None where nothing was written."""

    title: str
    date: str
    file: Path
    line: int | None
    text: str
    place: str  # as FILE:LINE
    repeated: tuple[Action, ...] = ()  # items that it does not ask for again


def new(
    kind: str,
    title: str | None = None,
    *,
    category: str | None = None,
    status: str | None = None,
    related: Sequence[str] = (),
    finding: str | Sequence[str] = (),
    impact: str | Sequence[str] = (),
    actions: Sequence[str] = (),
    runs: str | Sequence[Run] | None = None,
    by: str | None = None,
    metric: str | None = None,
    rows: str | None = None,
    baseline: str | None = None,
    seed_param: str = "seed",
    run: str | None = None,
    suite: str | None = None,
    expect: str | None = None,
    params: Mapping[str, object] | None = None,
    query: str | None = None,
    file: Path | str | None = None,
    date: calendar | str | None = None,
    dry_run: bool = False,
    edit: bool = False,
    workspace: Workspace | None = None,
) -> NewEntry:
    """Write an entry into the log: by hand, from runs, or both.

    new("research", "AMP breaks complex numbers", finding="...", actions=["..."])
    new("research", runs="suite.name == 'pilot'", by="pooling", rows="dataset")
    new("experiment", run="20260120_231502")   # baseline: a run id, by default the one before
    new("experiment", "Eight layers", expect="val/accuracy > 0.7")   # planned: no run yet
    new("suite", suite="overnight")
    new("campaign", "Width and depth", suite="width", baseline="plain")   # docs/experiments/

    `runs` is an expression as for `lab.runs`, or runs, and then `query` may be the expression that
    found them: it is kept beside them, so that new ones are told later. A hand-written finding
    stands above the generated one, a hand-written impact replaces the generated, actions are added.
    A run that was planned, by this title or else by its own name, completes the planned entry.
    Without a title the verdict becomes it. Raises InputError or LogError; then nothing was written.
    """
    if kind not in KINDS:
        raise InputError("Unknown kind of entry", seen=kind, do=nearest(kind, KINDS))
    if kind != "experiment" and (expect or params):
        raise InputError("Only an experiment is planned", seen=kind, do="Use that kind.")
    workspace = workspace or Workspace.find()
    request = Request(
        title=title, date=checked_date(date), category=category, status=status,
        related=tuple(related), finding=_texts(finding), impact=_texts(impact),
        actions=tuple(actions), by=by,
        metric=metric, rows=rows, baseline=baseline, seed_param=seed_param, suite=suite,
        query=query_of(runs if isinstance(runs, str) else query, suite),
        editing=edit,
    )  # fmt: skip
    about: list[Run] | None
    pending: Pending | None = None
    if kind == "experiment":
        plan = Plan(expect, {name: str(value) for name, value in (params or {}).items()})
        if run is None and runs is None and suite is None:
            about, draft = None, planned_draft(request, plan, workspace)
        else:
            about = [one_run(run, runs, suite, metric, workspace)]
            given = workspace.root / file if file else None
            pending = find_pending(title, about[0], workspace, given)
            if pending is not None and (expect or params):
                raise InputError(
                    "What was expected is written down already",
                    seen=f"{workspace.relative(pending.path)}:{pending.line + 1}",
                    do="Leave out --expect and -p.",
                )
            draft = _experiment(request, about[0], pending.plan if pending else plan, workspace)
    elif kind == "suite":
        about = selected(runs, suite, workspace)
        draft = _suite(request, about, workspace)
    elif kind == "campaign":
        about = selected(runs, suite, workspace, run)
        draft = campaign_draft(request, about, workspace)
    else:
        about = selected(runs, suite, workspace, run)
        draft = _research(request, about, workspace)
    own = request.actions if about else draft.actions
    proposed = not_repeated(draft.actions, about or (), workspace, keep=own)
    known = tuple(action.id for action in proposed.repeated)
    draft = replace(draft, actions=proposed.texts, asked_before=known)
    if pending is not None and about:
        return _complete(pending, draft, about[0], proposed, workspace, edit=edit, dry_run=dry_run)
    text = render(f"{kind}_entry", workspace, entry=draft)
    path = _file(file, kind, draft.title, workspace)
    if edit:
        text = edited(text)
    line = None if dry_run else add_entry(path, text)
    if not dry_run:
        save_snapshots(text, workspace)
    # The editor may have changed title and date.
    heading = text.strip().split("\n", 1)[0].lstrip("# ").strip()
    dated = date_of(heading) or draft.date
    place = f"{workspace.relative(path)}:{line}" if line else workspace.relative(path)
    name = heading.removeprefix(dated).strip()
    return NewEntry(name, dated, path, line, text, place, proposed.repeated)


def new_for_suite(
    name: str, item: LogItem, run_ids: Sequence[str], workspace: Workspace
) -> NewEntry:
    """The entry that a suite asks for in its `log:` when it ends, about these runs of it."""
    found = [read_run(run_id, workspace) for run_id in run_ids]
    if item.where:
        kept = {run.id for run in found_by(item.where, workspace)}
        found = [run for run in found if run.id in kept]
    return new(
        item.kind, item.title, category=item.category, status=item.status, runs=found,
        by=item.by, metric=item.metric, rows=item.rows or rows_for(found, item.metric),
        suite=name, query=item.where, file=item.file, workspace=workspace,
    )  # fmt: skip


def _research(request: Request, runs: list[Run] | None, workspace: Workspace) -> Draft:
    if runs is None:
        return _by_hand(request)
    blocks, story = _compared(request, runs, workspace)
    title = request.title or story.title
    return Draft(
        date=request.date,
        title=title,
        category=request.category or _category(request.by or ARM),
        status=request.status or story.status,
        related=(*as_code(request.related), *related_runs(runs)),
        finding=(*request.finding, blocks["comparison"]),
        impact=request.impact or (blocks["impact"],),
        actions=distinct((*request.actions, *story.actions)),
    )


def _by_hand(request: Request) -> Draft:
    if request.by or request.metric or request.rows:
        raise InputError(
            "There are no runs to compare",
            seen=f"--by {request.by}" if request.by else "--metric or --rows alone",
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
            do="Give --finding TEXT, or --runs EXPR with --by NAME, or --edit.",
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


def _compared(
    request: Request, runs: list[Run], workspace: Workspace, known: Sequence[str] = ()
) -> tuple[dict[str, str], Story]:
    """The generated blocks of a comparison, each with its evidence, and its story.

    What was tried before follows the comparison; runs of these ids are `known` to the entry.
    """
    if not request.by:
        raise InputError(
            "Runs are compared by something", seen="no --by", do="As in: --by pooling, --by arm."
        )
    comparison = compare(
        runs,
        by=request.by,
        metric=request.metric,
        rows=request.rows,
        baseline=request.baseline,
        seed_param=request.seed_param,
    )
    query = {"query": request.query} if request.query else {}
    specs = {
        kind: comparison_spec(comparison, runs, kind) | query for kind in ("comparison", "impact")
    }
    made = {kind: generated(spec, workspace) for kind, spec in specs.items()}
    if before := tried_spec(specs["comparison"], runs, workspace, known=known):
        made["comparison"] += "\n\n" + generated(before, workspace)
    return made, tell(comparison, runs)


def _suite(request: Request, runs: list[Run] | None, workspace: Workspace) -> Draft:
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
        baseline=request.baseline,
    )  # fmt: skip
    first, details = (generated(spec, workspace) for spec in specs)
    blocks, impact, verdict = [first, details], NOT_ASSESSED, "To Investigate"
    actions = failure_actions(night.failures)
    title = f"Suite {request.suite}: {night.verdict[:1].lower()}{night.verdict[1:]}"
    if measured:
        made, story = _compared(request, runs, workspace, runs_of(specs[0]))
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


def _complete(
    pending: Pending,
    draft: Draft,
    run: Run,
    proposed: Proposed,
    workspace: Workspace,
    *,
    edit: bool,
    dry_run: bool,
) -> NewEntry:
    """The planned entry with the result of its run in it."""
    file = workspace.relative(pending.path)
    if edit:
        raise InputError(
            "The entry is there already and is completed where it stands",
            seen=f"{file}:{pending.line + 1}",
            do="Leave out --edit, and edit the file.",
        )
    text = completed_text(pending, draft, run)
    line = None if dry_run else complete(pending, draft, run)
    if not dry_run:
        save_snapshots(text, workspace)
    place = f"{file}:{line}" if line else file
    date = date_of(text.split("\n", 1)[0].lstrip("# ")) or draft.date
    return NewEntry(pending.title, date, pending.path, line, text, place, proposed.repeated)


def _experiment(request: Request, run: Run, plan: Plan, workspace: Workspace) -> Draft:
    baseline = baseline_of(request.baseline, run, workspace)
    spec: Spec = {
        "kind": "experiment",
        "run": run.id,
        "baseline": baseline.id if baseline else None,
        **plan.as_spec(),
    }
    story = experiment_of(run, baseline, repeats=len(repeats_of(run, workspace)))
    related = [f"`{run.notebook}`"] if run.notebook else []
    related.append(f"run `{run.id}`")
    related += [f"baseline `{baseline.id}`"] if baseline else []
    done = "Complete" if run.status == "done" else run.status.capitalize()
    return Draft(
        date=request.date,
        title=as_experiment(request.title or story.name),
        category=request.category or "Experiment",
        status=request.status or done,
        related=(*as_code(request.related), *related),
        finding=request.finding,
        impact=request.impact,
        actions=distinct((*request.actions, *story.next_steps)),
        heading=f"Experiment: {experiment_name(run)}",
        block=generated(spec, workspace),
    )


def _category(by: str) -> str:
    if by in (ARM, "suite.arm", "notebook"):
        return "Benchmark"
    return "Training" if _TRAINING.fullmatch(by) else "Architecture"


def _file(file: Path | str | None, kind: str, title: str, workspace: Workspace) -> Path:
    if file is None and kind == "campaign":
        name = "_".join(_WORD.findall(title.lower())) or "campaign"
        return workspace.root / "docs" / "experiments" / f"{name}.md"
    if file is None:
        return workspace.experiment_log if kind == "experiment" else workspace.research_log
    return workspace.root / file


def _texts(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def checked_date(date: calendar | str | None) -> str:
    """A date as YYYY-MM-DD, today where none is given; raises LogError."""
    if not isinstance(date, str):
        return (date or calendar.today()).isoformat()
    try:
        return calendar.fromisoformat(date).isoformat()
    except ValueError:
        raise LogError("Not a date", seen=date, do="Write it as 2026-01-20.") from None
