"""The life of an action item: listed, ticked, rejected, reopened; each change is one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import shorten
from typing import NoReturn

from lab.errors import LogError, nearest
from lab.log.book import Book, Task, edit
from lab.log.entry import Action, actions_of, read_books
from lab.log.items.register import Loose, remember
from lab.log.items.wording import rejected, reopened, ticked
from lab.workspace import Workspace

STATES = ("open", "done", "rejected")


def actions(state: str | None = None, *, workspace: Workspace | None = None) -> list[Action]:
    """Every action item of every log file; with `state` only those that are so.

    Writes nothing beside the logs; what the items say is noted in runs/, from which their ids are
    found again after an edit by hand.
    """
    if state is not None and state not in STATES:
        raise LogError("Unknown state", seen=state, do=nearest(state, STATES))
    found = _noted(workspace or Workspace.find(), shared=False)
    return [action for action in found if state is None or action.state == state]


def keep_ids(workspace: Workspace) -> list[Action]:
    """Every action item, its words kept in docs/evidence/ as the logs now have them."""
    return _noted(workspace, shared=True)


def _noted(workspace: Workspace, *, shared: bool) -> list[Action]:
    found = actions_of(read_books(workspace), workspace)
    loose = [Loose(action.text, action.entry, None) for action in found]
    remember(workspace, loose, [action.id for action in found], shared=shared)
    return found


def done(action: str | int, *, by: str | None = None, workspace: Workspace | None = None) -> Action:
    """Tick an action, named by its id, a unique beginning of it, or its number in `actions()`.

    `by` is the run that did it, noted behind the words. Changes the one line, and nothing where it
    is ticked already. Raises LogError, or RunNotFound for a run that is not there.
    """
    workspace = workspace or Workspace.find()
    found = find_action(str(action), keep_ids(workspace))
    if found.state == "rejected":
        raise LogError(
            "This item was rejected", seen=f"{found.text:.60}", do=f"`lab log reopen {found.id}`."
        )
    run = _ended(by, workspace) if by is not None else None

    def change(line: str, task: Task) -> str:
        return line if task.done and run is None else ticked(line, task.column, run)

    return _changed(found, change, workspace)


def reject(
    action: str | int, *, why: str | None = None, workspace: Workspace | None = None
) -> Action:
    """Strike an action out, so that it is proposed no more; `why` is noted behind its words."""
    workspace = workspace or Workspace.find()
    if why is not None and ("\n" in why or "\r" in why or not why.strip()):
        raise LogError("A reason is one line of text", seen=repr(why), do="As in: too slow.")
    reason = why.strip().replace("(", "[").replace(")", "]") if why else None
    found = find_action(str(action), keep_ids(workspace))
    if found.state == "rejected":
        if reason is None or reason == found.reason:
            return found
        raise LogError(
            "This item is rejected already",
            seen=f"{found.text:.60} ({found.reason or 'no reason given'})",
            do=f"Edit {found.place} to change the reason.",
        )
    return _changed(found, lambda line, task: rejected(line, task.column, reason), workspace)


def reopen(action: str | int, *, workspace: Workspace | None = None) -> Action:
    """Take a tick or a rejection back."""
    workspace = workspace or Workspace.find()
    found = find_action(str(action), keep_ids(workspace))
    if found.state == "open":
        return found
    return _changed(found, lambda line, task: reopened(line, task.column), workspace)


def find_action(name: str, known: Sequence[Action]) -> Action:
    """The action of this id, beginning of an id, number or part of its text; raises LogError."""
    if not name.strip():
        raise LogError("An action item has no name here", seen=name, do="See `lab log actions`.")
    exact = [action for action in known if action.id == name]
    matches = exact or [action for action in known if action.id.startswith(name)]
    number = name.removeprefix("#")
    if not exact and number.isdigit():
        matches = [action for action in known if action.number == int(number)]
    if not matches and len(name) > 2:
        matches = [action for action in known if name.lower() in action.text.lower()]
    if len(matches) == 1:
        return matches[0]
    if matches:
        listed = "; ".join(f"{a.id} {shorten(a.text, 60, placeholder='…')}" for a in matches[:6])
        listed += f"; and {len(matches) - 6} more" if len(matches) > 6 else ""
        raise LogError(f"{len(matches)} actions match", seen=name, do=f"Name one: {listed}.")
    raise LogError(
        "No action item has this id or number, or these words",
        seen=name,
        do="See `lab log actions`; words are looked for from three letters on.",
    )


def _changed(found: Action, change: Callable[[str, Task], str], workspace: Workspace) -> Action:
    """Change the line of an action, wherever in its file it stands by now."""

    def changed(book: Book) -> bytes:
        # The file may have been edited since it was listed. Ids are given over all files.
        books = [book if b.path == book.path else b for b in read_books(workspace)]
        now = next((a for a in actions_of(books, workspace) if a.id == found.id), None)
        if now is None or now.file != found.file:
            _gone(found)
        task = next(task for task in book.tasks if task.line + 1 == now.line)
        lines = list(book.lines)
        lines[task.line] = change(lines[task.line], task)
        return book.encoded(lines)

    edit(workspace.root / found.file, changed)
    return next(a for a in keep_ids(workspace) if a.id == found.id)


def _ended(run_id: str, workspace: Workspace) -> str:
    """The whole id of a run that has ended."""
    from lab.record.catalogue import find_run

    run = find_run(workspace, run_id)
    if run.status == "running":
        raise LogError("The run is still running", seen=run.id, do="Tick the item when it is done.")
    return run.id


def _gone(found: Action) -> NoReturn:
    raise LogError(
        "The log was edited meanwhile and the line is gone",
        seen=found.place,
        do="Nothing was written; try again.",
    )
