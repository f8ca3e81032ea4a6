"""Listing entries, and changing the status of one: one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from lab.errors import LogError, nearest
from lab.log.book import Book, edit
from lab.log.entry import Entry, entries_of, entry_sections, read_books
from lab.workspace import Workspace


def entries(*, workspace: Workspace | None = None) -> list[Entry]:
    """Every entry of every log file, file by file."""
    workspace = workspace or Workspace.find()
    return entries_of(read_books(workspace), workspace)


def status(entry: str | int, status: str, *, workspace: Workspace | None = None) -> Entry:
    """Change the `**Status**:` line of an entry, named by its number, date or part of its title."""
    if not status.strip() or "\n" in status or "\r" in status:
        raise LogError("A status is one line of text", seen=repr(status), do="As in: Resolved.")
    workspace = workspace or Workspace.find()
    found = find_entry(str(entry), entries(workspace=workspace))

    def change(book: Book) -> bytes:
        now = [e for e in entries_of([book], workspace) if e.title == found.title]
        same = [e for e in now if e.line == found.line] or now
        if not same:
            _gone(found)
        section = next(s for s in entry_sections(book) if s.line + 1 == same[0].line)
        for field in book.fields(section):
            if field.name.strip().lower() == "status":
                lines = list(book.lines)
                lines[field.line] = field.replaced(lines[field.line], status.strip())
                return book.encoded(lines)
        raise LogError(
            "The entry has no status",
            seen=f"{found.title} ({found.file}:{found.line})",
            do="Add a line `**Status**: ...` below its heading.",
        )

    edit(workspace.root / found.file, change)
    now = [
        e for e in entries(workspace=workspace) if (e.title, e.file) == (found.title, found.file)
    ]
    return next((e for e in now if e.line == found.line), now[0])


def find_entry(name: str, known: Sequence[Entry]) -> Entry:
    """The entry of this title, number, date or part of its title; LogError where it is not one."""
    matches = [entry for entry in known if entry.title.lower() == name.lower().strip()]
    if not matches and name.isdigit():
        matches = [entry for entry in known if entry.number == int(name)]
    matches = matches or [entry for entry in known if entry.date == name]
    matches = matches or [
        e for e in known if name.lower().strip() in f"{e.date or ''} {e.title}".lower()
    ]
    if len(matches) == 1:
        return matches[0]
    if matches:
        listed = "; ".join(
            f"{e.number} {e.date or 'undated'} {e.title} ({e.file}:{e.line})" for e in matches[:6]
        )
        listed += f"; and {len(matches) - 6} more" if len(matches) > 6 else ""
        raise LogError(f"{len(matches)} entries match", seen=name, do=f"Name one: {listed}.")
    titles = [entry.title for entry in known]
    advice = nearest(name, titles) if len(titles) <= 8 else "See `lab log list`."
    raise LogError("No entry has this title, date or number", seen=name, do=advice)


def _gone(found: Entry) -> NoReturn:
    raise LogError(
        "The log was edited meanwhile and the line is gone",
        seen=f"{found.file}:{found.line}",
        do="Nothing was written; try again.",
    )
