"""Experiments written down before they run, and completed in place by their run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import InputError, LogError
from lab.log.book import Book, Section, edit
from lab.log.draft import Draft, Request, as_code, distinct
from lab.log.entry import entry_sections, entry_title, read_books
from lab.log.expectation import Plan
from lab.log.items.wording import ticked
from lab.log.place import ended
from lab.notebook.contract import read_schema
from lab.record.run import Run
from lab.workspace import Workspace

_PENDING = {"pending", "planned"}
_ACTIONS = {"action items", "actions", "next steps", "to do", "todo"}
_RUN_IT = "Run it: `lab run"


@dataclass(frozen=True)
class Pending:
    """A planned experiment in a log file; `line` counts from 0."""

    path: Path
    title: str
    line: int
    plan: Plan


def planned_draft(request: Request, plan: Plan, workspace: Workspace) -> Draft:
    """The entry of an experiment that has no run yet; raises InputError where it says too little.

    With a notebook among the related files the planned values are held to its parameters.
    """
    if not request.title or not (plan.expect or plan.params or request.status or request.finding):
        raise InputError(
            "An experiment entry is about a run",
            seen="no run, and nothing planned" if request.title else "no run and no title",
            do='Name it with --run RUN; or plan it: lab log new experiment "Name" --expect TEXT.',
        )
    notebook = next((name for name in request.related if name.endswith(".ipynb")), None)
    if notebook and plan.params:
        read_schema(notebook, workspace).coerce(plan.params, text=True)
    name = request.title
    step = _run_step(name, notebook, plan.params)
    lines = [f"**Expected**: {plan.expect}"] if plan.expect else []
    if plan.params:
        settings = (f"- {name}: {value}" for name, value in plan.params.items())
        lines += [*([""] if lines else []), "**Configuration**:", *settings]
    return Draft(
        date=request.date,
        title=as_experiment(name),
        category=request.category or "Experiment",
        status=request.status or "Pending",
        related=as_code(request.related),
        finding=request.finding,
        impact=request.impact,
        actions=distinct((*request.actions, step)),
        heading="Plan",
        block="\n".join(lines) or "Not written down yet.",
    )


def as_experiment(name: str) -> str:
    return name if name.lower().startswith("experiment") else f"Experiment: {name}"


def find_pending(
    title: str | None, run: Run, workspace: Workspace, file: Path | None = None
) -> Pending | None:
    """The planned experiment of this title, or without one of the run's name; None for none.

    Raises LogError where several have it.
    """
    wanted = _name(title or run.name or "")
    if not wanted:
        return None
    found = []
    for book in read_books(workspace):
        if file is not None and book.path.resolve() != file.resolve():
            continue
        for section in entry_sections(book):
            if _name(entry_title(section)) == wanted and _is_pending(book, section):
                plan = Plan.read(book.lines[section.line : section.end])
                found.append(Pending(book.path, entry_title(section), section.line, plan))
    if len(found) > 1:
        places = ", ".join(f"{workspace.relative(p.path)}:{p.line + 1}" for p in found)
        raise LogError(
            "Several planned experiments have that name", seen=places, do="Rename all but one."
        )
    return found[0] if found else None


def complete(pending: Pending, draft: Draft, run: Run) -> int:
    """Write what the run gave into its planned entry; returns the line of the entry, from 1.

    What stands there stays: the status changes, the run is added to what is related, the result
    goes before the action items, new items behind the last one, and the item to run it is ticked.
    """
    started: list[int] = []

    def change(book: Book) -> bytes:
        section = _still_there(book, pending)
        lines = _completed(book, section, draft, run)
        data = book.encoded(lines)
        after = Book.parse(book.path, data)
        if len(after.sections) <= len(book.sections):
            raise LogError(
                "The result would not be seen: a code fence or comment above it is not closed",
                seen=f"{book.path}:{section.line + 1}",
                do="Close it; nothing was written.",
            )
        started[:] = [section.line + 1]
        return data

    edit(pending.path, change)
    return started[0]


def completed_text(pending: Pending, draft: Draft, run: Run) -> str:
    """The entry as `complete` would leave it."""
    book = Book.read(pending.path)
    section = _still_there(book, pending)
    grown = _completed(book, section, draft, run)
    return "".join(grown[section.line : section.end + len(grown) - len(book.lines)])


def _completed(book: Book, section: Section, draft: Draft, run: Run) -> list[str]:
    lines = list(book.lines)
    fields = {field.name.strip().lower(): field for field in reversed(list(book.fields(section)))}
    status = fields["status"]
    lines[status.line] = status.replaced(lines[status.line], draft.status)
    if (related := fields.get("related")) is not None:
        missing = [name for name in draft.related if name not in related.value]
        value = ", ".join([text for text in (related.value, *missing) if text])
        lines[related.line] = related.replaced(lines[related.line], value)
    for task in book.tasks:
        if section.line <= task.line < section.end and task.text.startswith(_RUN_IT):
            lines[task.line] = ticked(lines[task.line], task.column, by=run.id)
    added = _additions(book, section, draft)
    if related is None:
        added.append((status.line + 1, [f"**Related**: {', '.join(draft.related)}"]))
    for line, texts in sorted(added, key=lambda pair: pair[0], reverse=True):
        own = [text + book.newline for part in texts for text in part.split("\n")]
        if line:
            lines[line - 1] = ended(lines[line - 1], book.newline)
        lines[line:line] = own
    return lines


def _additions(book: Book, section: Section, draft: Draft) -> list[tuple[int, list[str]]]:
    """(line, texts to put before it): the result, and the new action items."""
    marks = "#" * min(section.level + 1, 6)
    result = [f"{marks} {draft.heading}", draft.block, ""]
    if draft.finding:
        result += [f"{marks} Finding", "\n\n".join(draft.finding), ""]
    if draft.impact:
        result += [f"{marks} Impact", "\n\n".join(draft.impact), ""]
    items = [f"- [ ] {text}" for text in draft.actions]
    parts = [s for s in book.sections if section.line < s.line < section.end]
    listed = next((s for s in parts if s.title.lower().strip(" :*") in _ACTIONS), None)
    if listed is None:
        end = _end_of_text(book, section)
        result = ["", *result, *([f"{marks} Action Items", *items] if items else [])]
        return [(end, result if items else result[:-1])]
    within = [t.line for t in book.tasks if listed.line < t.line < listed.end]
    last = _end_of_text(book, listed)
    gap = [] if within and within[-1] == last - 1 else [""]
    return [(listed.line, result), *([(last, [*gap, *items])] if items else [])]


def _end_of_text(book: Book, section: Section) -> int:
    """The line behind the last one of a section that is neither blank nor a separator."""
    end = section.end
    while end > section.line + 1 and (not book.lines[end - 1].strip() or end - 1 in book.rules):
        end -= 1
    return end


def _still_there(book: Book, pending: Pending) -> Section:
    for section in entry_sections(book):
        if entry_title(section) == pending.title and _is_pending(book, section):
            return section
    raise LogError(
        "The log was edited meanwhile and the planned entry is gone",
        seen=f"{pending.path}:{pending.line + 1}",
        do="Nothing was written; try again.",
    )


def _is_pending(book: Book, section: Section) -> bool:
    fields = {f.name.strip().lower(): f.value for f in reversed(list(book.fields(section)))}
    return re.sub(r"[^a-z]", "", fields.get("status", "").lower()) in _PENDING


def _name(title: str) -> str:
    """A title as far as it names an experiment."""
    bare = re.sub(r"^experiment\b[\s:–—-]*", "", title.strip().lower())
    return " ".join(bare.split())


def _run_step(name: str, notebook: str | None, params: Mapping[str, str]) -> str:
    words: Sequence[str] = [
        *("lab", "run", shlex.quote(notebook) if notebook else "NOTEBOOK"),
        *(f"-p {shlex.quote(f'{key}={value}')}" for key, value in params.items()),
        *("--name", shlex.quote(name)),
    ]
    return f"Run it: `{' '.join(words)}`, then `lab log new experiment --run RUN`"
