"""Where a new entry goes in a log file."""

from __future__ import annotations

from pathlib import Path

from lab.errors import LogError
from lab.log.book import Book, Section, date_of, edit
from lab.log.entry import entry_sections

_TITLES = {
    "research_log": (
        "Research Log",
        "Findings, lessons learned and open questions, oldest first. Generated numbers carry "
        "their runs.",
    ),
    "experiment_log": ("Experiment Log", "One entry per notable run, oldest first."),
}


def add_entry(path: Path, text: str) -> int:
    """Write an entry into a log file at the place of its date; returns its line, from 1.

    A missing file is made, with a title. Raises LogError where the entry would not be seen, as
    behind a code fence that nobody closed.
    """
    heading = text.strip().split("\n", 1)[0].strip()
    placed: list[int] = []

    def change(book: Book) -> bytes:
        lines, at = _inserted(book, text, date_of(heading.lstrip("# ")))
        data = book.encoded(lines)
        after = Book.parse(book.path, data)
        if not any(section.line == at for section in after.sections):
            raise LogError(
                "The new entry would not be seen: a code fence or comment above it is not closed",
                seen=path,
                do="Close it; nothing was written.",
            )
        placed[:] = [at]
        return data

    edit(path, change, create=_fresh(path).encode())
    return placed[0] + 1


def _inserted(book: Book, text: str, date: str | None) -> tuple[list[str], int]:
    """The lines of the book with the entry in its place, and the line it starts at."""
    newline = book.newline
    own = [line + newline for line in text.strip("\n").split("\n")]
    if own[-1].strip() != "---":
        own += [newline, "---" + newline]
    later = _first_later(book, date)
    if later is None:
        above = list(book.lines)
        if above and not above[-1].endswith(("\n", "\r")):
            above[-1] += newline
        above += _separator(book, len(above), newline)
        return above + own, len(above)
    above = list(book.lines[: later.line])
    above += _separator(book, len(above), newline)
    return [*above, *own, newline, *book.lines[later.line :]], len(above)


def _first_later(book: Book, date: str | None) -> Section | None:
    """The entry that a new one of this date goes before; None for the end of the file."""
    if date is None:
        return None
    dated = [(s, d) for s in entry_sections(book) if s.level <= 2 and (d := date_of(s.title))]
    last = max((i for i, (_, d) in enumerate(dated) if d <= date), default=-1)
    return next((section for section, d in dated[last + 1 :] if d > date), None)


def _separator(book: Book, end: int, newline: str) -> list[str]:
    """What has to stand between the line before `end` and a new entry."""
    filled = [i for i in range(end) if book.lines[i].strip()]
    if not filled:
        return []
    blank = [] if filled[-1] < end - 1 else [newline]
    if filled[-1] in book.rules:
        return blank
    return [*blank, "---" + newline, newline]


def _fresh(path: Path) -> str:
    title, about = _TITLES.get(path.stem, (path.stem.replace("_", " ").title(), ""))
    return f"# {title}\n\n" + (f"{about}\n\n" if about else "") + "---\n\n"
