"""New entries: written by hand, from runs, or both."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import date as calendar
from pathlib import Path
from typing import TYPE_CHECKING

from lab.errors import InputError, LogError, nearest
from lab.log.blocks import Spec
from lab.log.book import date_of
from lab.log.draft import (
    Draft,
    Request,
    as_code,
    distinct,
    generated,
)
from lab.log.editor import edited
from lab.log.entry import Action
from lab.log.evidence.arrivals import query_of
from lab.log.evidence.refreshing import save_snapshots
from lab.log.expectation import Plan
from lab.log.items.repeats import Proposed, not_repeated
from lab.log.pictures import due_pictures, written
from lab.log.place import add_entry
from lab.log.planned import (
    Pending,
    as_experiment,
    complete,
    completed_text,
    find_pending,
    planned_draft,
)
from lab.log.plot_block import log_folder
from lab.log.render import render
from lab.log.research_entry import research_draft
from lab.log.selection import baseline_of, found_by, one_run, repeats_of, rows_for, selected
from lab.record.catalogue import find_run
from lab.record.lazy import reading_once
from lab.record.run import Run
from lab.workspace import Workspace

if TYPE_CHECKING:
    from lab.suite.schema import LogItem

KINDS = ("research", "experiment", "suite", "campaign", "sweep")

_OWN = ("experiment",)  # about one run, with nothing to compare
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


@reading_once
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
    study: str | None = None,
    expect: str | None = None,
    params: Mapping[str, object] | None = None,
    query: str | None = None,
    interesting: float | None = None,
    mix: bool = False,
    plot: str | bool | None = None,
    file: Path | str | None = None,
    date: calendar | str | None = None,
    dry_run: bool = False,
    edit: bool = False,
    workspace: Workspace | None = None,
) -> NewEntry:
    """Write an entry into the log: by hand, from runs, or both.

    new("research", "AMP breaks complex numbers", finding="...", actions=["..."])
    new("research", runs="suite.name == 'pilot'", by="pooling", rows="dataset")
    new("experiment", run="20260120_231502")   # baseline: a run id, by default the nearest before
    new("experiment", "Eight layers", expect="val/accuracy > 0.7")   # planned: no run yet
    new("suite", suite="overnight")
    new("campaign", "Width and depth", suite="width", baseline="plain")   # docs/experiments/
    new("sweep", study="visual_classifier_v2")   # the card of `lab sweep analyze`

    `runs` is an expression as for `lab.runs`, or runs, and then `query` may be the expression that
    found them: it is kept beside them, so that new ones are told later. A hand-written finding
    stands above the generated one, a hand-written impact replaces the generated, actions are added.
    `interesting` and `mix` are those of `lab.compare`. `plot` is a metric whose curves are drawn
    into docs/figures/, or True for the one that is compared.
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
        editing=edit, interesting=interesting, mix=mix, plot=_metric(plot),
        folder=log_folder(_file(file, kind, title or "", workspace), workspace),
    )  # fmt: skip
    _check_asked(kind, request)
    _check_lines(request)
    if study is not None and kind != "sweep":
        raise InputError("Only a sweep entry is about a study", seen=kind, do="Use that kind.")
    pending: Pending | None = None
    if kind == "experiment":
        plan = Plan(expect, {name: str(value) for name, value in (params or {}).items()})
        found = None
        if run is not None or runs is not None or suite is not None:
            found = one_run(run, runs, suite, metric, workspace)
            pending = _planned_for(found, title, plan, file, workspace)
        about = None if found is None else [found]
        draft = _experiment(request, found, pending.plan if pending else plan, workspace)
    elif kind == "sweep":
        from lab.log.sweep_entry import sweep_draft

        about, draft = sweep_draft(request, study, workspace, again=dry_run)
    else:
        about = selected(runs, suite, workspace, None if kind == "suite" else run)
        draft = _of_runs(kind)(request, about, workspace)
    own = draft.actions if about is None else request.actions
    proposed = not_repeated(draft.actions, about or (), workspace, keep=own)
    known = tuple(action.id for action in proposed.repeated)
    draft = replace(draft, actions=proposed.texts, asked_before=known)
    if pending is not None and about:
        return _complete(pending, draft, about[0], proposed, workspace, edit=edit, dry_run=dry_run)
    return _added(kind, draft, file, proposed, workspace, edit=edit, dry_run=dry_run)


def new_for_suite(
    name: str, item: LogItem, run_ids: Sequence[str], workspace: Workspace
) -> NewEntry:
    """The entry that a suite asks for in its `log:` when it ends, about these runs of it."""
    found = [find_run(workspace, run_id) for run_id in run_ids]
    if item.where:
        kept = {run.id for run in found_by(item.where, workspace)}
        found = [run for run in found if run.id in kept]
    return new(
        item.kind, item.title, category=item.category, status=item.status, runs=found,
        by=item.by, metric=item.metric, rows=item.rows or rows_for(found, item.metric),
        suite=name, query=item.where, file=item.file, interesting=item.interesting, mix=item.mix,
        plot=item.plot, workspace=workspace,
    )  # fmt: skip


def _of_runs(kind: str) -> Callable[[Request, list[Run] | None, Workspace], Draft]:
    """What drafts an entry of this kind about selected runs. Each loads its own modules."""
    if kind == "suite":
        from lab.log.suite_entry import suite_draft

        return suite_draft
    if kind == "campaign":
        from lab.log.campaign.entry import campaign_draft

        return campaign_draft
    return research_draft


def _planned_for(
    run: Run, title: str | None, plan: Plan, file: Path | str | None, workspace: Workspace
) -> Pending | None:
    """The planned entry that this run completes; InputError where its plan is given again."""
    pending = find_pending(title, run, workspace, workspace.log_file(file) if file else None)
    if pending is not None and (plan.expect or plan.params):
        raise InputError(
            "What was expected is written down already",
            seen=f"{workspace.relative(pending.path)}:{pending.line + 1}",
            do="Leave out --expect and -p.",
        )
    return pending


def _added(
    kind: str,
    draft: Draft,
    file: Path | str | None,
    proposed: Proposed,
    workspace: Workspace,
    *,
    edit: bool,
    dry_run: bool,
) -> NewEntry:
    """The entry of this draft, in its file unless `dry_run`."""
    text = render(f"{kind}_entry", workspace, entry=draft)
    path = _file(file, kind, draft.title, workspace)
    line = None
    with edited(text) if edit else nullcontext(text) as text:
        # The editor may have changed title and date.
        heading = text.strip().split("\n", 1)[0].lstrip("# ").strip()
        dated = date_of(heading) or draft.date
        name = heading.removeprefix(dated).strip()
        if not dry_run:
            with written(due_pictures(text, workspace)):
                line = add_entry(path, text, title=name if kind == "campaign" else "")
    if not dry_run:
        save_snapshots(text, workspace)
    place = f"{workspace.relative(path)}:{line}" if line else workspace.relative(path)
    return NewEntry(name, dated, path, line, text, place, proposed.repeated)


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


def _experiment(request: Request, run: Run | None, plan: Plan, workspace: Workspace) -> Draft:
    """Of the run, or, where there is none yet, of what is planned."""
    if run is None:
        return planned_draft(request, plan, workspace)
    from lab.log.experiment import experiment_name, experiment_of

    baseline = baseline_of(request.baseline, run, workspace)
    spec: Spec = {
        "kind": "experiment",
        "run": run.id,
        "baseline": baseline.id if baseline else None,
        **({"nearest": True} if baseline and not request.baseline else {}),
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


def _metric(plot: str | bool | None) -> str | None:
    """The metric to draw, empty for the usual one; None for no plot."""
    if isinstance(plot, str):
        return plot
    return "" if plot else None


def _check_asked(kind: str, request: Request) -> None:
    """Refuse what an entry of this kind has no use for."""
    compares = {"--interesting": request.interesting is not None, "--mix": request.mix}
    useless = [name for name, given in compares.items() if given and kind in ("campaign", *_OWN)]
    if request.plot is not None and kind in _OWN:
        useless.append("--plot")
    if useless:
        kinds = "research or suite" if useless != ["--plot"] else "research, suite or campaign"
        raise InputError(
            f"An entry of kind {kind} does not take this",
            seen=", ".join(useless),
            do=f"Leave it out, or write one of kind {kinds}.",
        )


def _check_lines(request: Request) -> None:
    """Refuse what would break the shape of an entry: these are one line of text each."""
    given = [("title", request.title), ("category", request.category), ("status", request.status)]
    for name, text in given:
        if text is not None and len(text.splitlines()) > 1:
            raise InputError(f"A {name} is one line of text", seen=repr(text), do="Say it in one.")
    for text in (*request.actions, *request.related):
        if len(text.splitlines()) != 1 or not text.strip():
            raise InputError(
                "An action item, or what is related, is one line of text",
                seen=repr(text),
                do="Repeat the option for several.",
            )


def _file(file: Path | str | None, kind: str, title: str, workspace: Workspace) -> Path:
    if file is None and kind == "campaign":
        name = "_".join(_WORD.findall(title.lower())) or "campaign"
        if own := workspace.own_log(name):
            return own
    if file is None:
        return workspace.experiment_log if kind == "experiment" else workspace.research_log
    return workspace.log_file(file)


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
