"""Where a new entry goes in a log file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LogError
from lab.log.book import Book, Section, edit
from lab.log.dates import date_in, date_of
from lab.log.entry import entry_sections

_TITLES = {
    "research_log": (
        "Research Log",
        "Findings, lessons learned and open questions, oldest first. Generated numbers carry "
        "their runs.",
    ),
    "experiment_log": ("Experiment Log", "One entry per notable run, oldest first."),
}


@dataclass(frozen=True)
class Piece:
    """A new entry: its lines with their endings, the heading first, and the date it goes by."""

    lines: tuple[str, ...]
    date: str | None


def add_entry(path: Path, text: str, *, title: str = "") -> int:
    """Write an entry into a log file at the place of its date; returns its line, from 1.

    A missing file is made, with this title or else the one that its name gives. Raises LogError
    where the entry would not be seen, as behind a code fence that nobody closed, or would hide
    what follows.
    """
    plain = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    heading = plain.strip().split("\n", 1)[0].strip()
    placed: list[int] = []

    def change(book: Book) -> bytes:
        lines = tuple(line + book.newline for line in plain.split("\n"))
        data, placed[:] = inserted(book, [Piece(lines, date_of(heading.lstrip("# ")))])
        return data

    edit(path, change, create=fresh(path, title).encode())
    return placed[0] + 1


def inserted(book: Book, pieces: Sequence[Piece]) -> tuple[bytes, list[int]]:
    """The bytes of the book with every piece in the place of its date, and the line of each.

    Pieces that go to the same place keep their order; nothing that was there changes. Raises
    LogError where a piece, or something after it, would not be seen.
    """
    dated = _dated(book)
    going: dict[int, list[int]] = {}
    for number, piece in enumerate(pieces):
        going.setdefault(_line_for(book, dated, piece.date), []).append(number)
    lines: list[str] = []
    starts = [0] * len(pieces)
    moved: list[tuple[int, int]] = []  # (line, by): from this line on, lines move down by so many
    at = 0
    for line, numbers in sorted(going.items()):
        lines += book.lines[at:line]
        if lines:
            lines[-1] = ended(lines[-1], book.newline)
        lines += _separator(book, line)
        for number in numbers:
            starts[number] = len(lines)
            lines += [*_own(pieces[number], book.newline), book.newline]
        if line == len(book.lines):
            lines.pop()  # the blank line after an entry parts it from the next
        moved.append((line, len(lines) - line))
        at = line
    lines += book.lines[at:]
    data = book.encoded(lines)
    _refuse_hidden(book, data, pieces, starts, moved)
    return data, starts


def ended(line: str, newline: str) -> str:
    """The line with an ending behind which another line can follow."""
    if line.endswith("\r") and newline == "\n":
        return line + newline  # a blank line behind it would only make this ending longer
    return line if line.endswith(("\n", "\r")) else line + newline


def fresh(path: Path, title: str = "") -> str:
    """What a new log file starts with; without a title the name of the file gives one."""
    named = title or path.stem.replace("_", " ").title()
    title, about = _TITLES.get(path.stem, (named, ""))
    return f"# {title}\n\n" + (f"{about}\n\n" if about else "") + "---\n\n"


def _own(piece: Piece, newline: str) -> list[str]:
    lines = list(piece.lines)
    lines[-1] = ended(lines[-1], newline)
    if lines[-1].strip() != "---":
        lines += [newline, "---" + newline]
    return lines


def own_date(book: Book, section: Section) -> str | None:
    """The date of an entry: of its heading, else of its date line."""
    if date := date_of(section.title):
        return date
    values = [field.value for field in book.fields(section) if field.name.lower() == "date"]
    return date_in(values[0]) if values else None


def _dated(book: Book) -> list[tuple[Section, str]]:
    return [(s, d) for s in entry_sections(book) if s.level <= 2 and (d := own_date(book, s))]


def _line_for(book: Book, dated: Sequence[tuple[Section, str]], date: str | None) -> int:
    """The line that a new entry of this date goes before; the end of the file for none."""
    if date is None:
        return len(book.lines)
    last = max((i for i, (_, d) in enumerate(dated) if d <= date), default=-1)
    later = (section.line for section, d in dated[last + 1 :] if d > date)
    return next(later, len(book.lines))


def _separator(book: Book, end: int) -> list[str]:
    """What has to stand between the line before `end` and a new entry."""
    filled = next((i for i in range(end - 1, -1, -1) if book.lines[i].strip()), None)
    if filled is None:
        return []
    blank = [] if filled < end - 1 else [book.newline]
    if filled in book.rules:
        return blank
    return [*blank, "---" + book.newline, book.newline]


def _refuse_hidden(
    book: Book,
    data: bytes,
    pieces: Sequence[Piece],
    starts: Sequence[int],
    moved: Sequence[tuple[int, int]],
) -> None:
    """Hold the headings and items of the new file to those of the old one and of each piece."""
    after = Book.parse(book.path, data)
    expected = [_seen(book, lambda line: line + _by(moved, line))]
    for piece, start in zip(pieces, starts, strict=True):
        own = _own(piece, book.newline)
        alone = Book.parse(book.path, "".join(own).encode("utf-8", "surrogateescape"))
        if alone.open is not None:
            raise LogError(
                "A code fence or comment in the new entry is not closed",
                seen=own[alone.open].strip(),
                do="Close it; nothing was written.",
            )
        expected.append(_seen(alone, start.__add__))
    if set().union(*expected) == _seen(after, int):
        return
    opened = f"{book.path}:{book.open + 1}" if book.open is not None else str(book.path)
    raise LogError(
        "The new entry would not be seen: a code fence or comment above it is not closed",
        seen=opened,
        do="Close it; nothing was written.",
    )


def _by(moved: Sequence[tuple[int, int]], line: int) -> int:
    return max((by for start, by in moved if start <= line), default=0)


def _seen(book: Book, moved: Callable[[int], int]) -> set[tuple[object, ...]]:
    headings = {(s.level, s.title, moved(s.line)) for s in book.sections}
    return headings | {(t.done, t.text, moved(t.line)) for t in book.tasks}
