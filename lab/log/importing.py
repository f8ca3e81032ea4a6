"""Bringing the entries of another log in: each byte for byte, in date order, and only once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lab.errors import LogError
from lab.log.book import Book, Section, edit, not_utf8
from lab.log.entry import entry_sections, entry_title, read_books
from lab.log.place import Piece, fresh, inserted, own_date
from lab.workspace import Workspace

_MARK = re.compile(r"^(\s*(?:[-*+]|\d+[.)])\s+)\[[ xX]\]")
_HEADING = re.compile(r"#{1,6}(?=[ \t\r\n]|$)")
_Key = tuple[str | None, str]
_ALIKE = 0.5  # share of equal lines from which entries of one date and title are the same entry


@dataclass(frozen=True)
class Imported:
    """What became of one entry: `imported`, `present` already, or present but `different`.

    `place` is where the entry stands, or after a dry run would stand, as FILE:LINE; `source` is its
    line in the file that was read.
    """

    state: str
    title: str
    date: str | None
    source: int
    place: str
    actions: int
    open: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class ImportResult:
    """What an import did, or would do; `left_out` counts lines of text outside any entry."""

    target: str
    entries: tuple[Imported, ...]
    left_out: int
    releveled: int  # entries whose headings had to move to be entries here
    written: bool

    def count(self, state: str) -> int:
        return sum(entry.state == state for entry in self.entries)

    def as_dict(self) -> dict[str, Any]:
        plain = asdict(self)
        return plain | {"entries": [entry.as_dict() for entry in self.entries]}


@dataclass(frozen=True)
class _Chunk:
    """An entry with all that stands under it, without the separator behind it."""

    section: Section
    lines: tuple[str, ...]
    date: str | None
    experiment: bool

    @property
    def title(self) -> str:
        return entry_title(self.section)

    @property
    def key(self) -> _Key:
        return self.date, self.title

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Its lines below the heading as far as they tell entries apart: ticks are left out."""
        plain = (_MARK.sub(r"\1[ ]", line.rstrip()) for line in self.lines[1:])
        return tuple(line.lstrip("#") for line in plain if line.strip())


def import_entries(
    source: Path | str,
    file: Path | str | None = None,
    *,
    dry_run: bool = False,
    workspace: Workspace | None = None,
) -> ImportResult:
    """Bring the entries of the log `source` into a log of this workspace.

    An entry keeps its bytes, its action items and their ticks, and goes to the place of its date;
    one without a date stays behind the one it followed. Entries that a log of the workspace has
    already are not repeated. Without `file`, dated entries go to the research log, or to the
    experiment log where all of them are experiments; a document without any date becomes a file
    of its own among the longer write-ups. Raises LogError, and then nothing was written.
    """
    workspace = workspace or Workspace.find()
    foreign = _read(Path(source))
    chunks = _chunks(foreign)
    target = workspace.log_file(file) if file else _target(Path(source), chunks, workspace)
    if not chunks and target.exists():
        raise LogError(
            f"{source} has no entries",
            seen=f"{len(foreign.sections)} headings",
            do="An entry is a heading of the second level, or one that begins with a date.",
        )
    known = _known(target, workspace)
    found = [_find(chunk, known) for chunk in chunks]
    new = [chunk for chunk, (state, _) in zip(chunks, found, strict=True) if state == "imported"]
    layout = _laid_out(foreign, chunks, new, target)
    is_new = bool(new) or not chunks
    lines = _written(layout, new, target, dry_run=dry_run) if is_new else {}
    name = workspace.relative(target)

    def told(chunk: _Chunk, state: str, place: str | None) -> Imported:
        line = lines.get(chunk.section.line)
        here = name if line is None else f"{name}:{line + 1}"
        return _told(foreign, chunk, state, place or here)

    return ImportResult(
        target=name,
        entries=tuple(told(c, *there) for c, there in zip(chunks, found, strict=True)),
        left_out=_left_out(foreign, chunks) if layout.pieces else 0,
        releveled=sum(c.section.level != 2 for c in new) if layout.pieces else 0,
        written=is_new and not dry_run,
    )


def _written(
    layout: _Layout, new: Sequence[_Chunk], target: Path, *, dry_run: bool
) -> dict[int, int]:
    """Carry a layout out; per entry, its line in the source and its line in the target."""
    if not layout.pieces:  # the file as a whole
        if not dry_run:
            edit(target, lambda book: book.encoded(book.lines) or layout.create, create=b"")
        return {chunk.section.line: chunk.section.line for chunk in new}
    starts: list[int] = []

    def change(book: Book) -> bytes:
        data, starts[:] = inserted(book, layout.pieces)
        return data

    if dry_run:
        exists = target.exists()
        change(Book.parse(target, target.read_bytes() if exists else layout.create))
    else:
        edit(target, change, create=layout.create)
    return dict(zip(layout.order, starts, strict=True))


def _told(foreign: Book, chunk: _Chunk, state: str, place: str) -> Imported:
    tasks = [t for t in foreign.tasks if chunk.section.line <= t.line < chunk.section.end]
    return Imported(
        state=state,
        title=chunk.title,
        date=chunk.date,
        source=chunk.section.line + 1,
        place=place,
        actions=len(tasks),
        open=sum(not task.done for task in tasks),
    )


def _read(path: Path) -> Book:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LogError(
            "The file cannot be read", seen=f"{path} ({error.strerror})", do="Mend its path."
        ) from None
    if not data.strip():
        raise LogError("There is nothing in this file", seen=path, do="Nothing was written.")
    if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise LogError("That is no text file", seen=path, do="A log is a Markdown file.")
    if (problem := not_utf8(data)) is not None and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        # Mixed into a log that is UTF-8, such bytes would be lost in the next editor.
        raise LogError(
            f"{path} is not UTF-8",
            seen=problem,
            do="Nothing was written. Import a copy in UTF-8, for example of "
            f"`iconv -f windows-1252 -t utf-8 {path.name}`.",
        )
    return Book.parse(path, data)


def _chunks(book: Book) -> list[_Chunk]:
    """The outermost entries of a book, each with the date it is sorted by."""
    found: list[_Chunk] = []
    sections = list(entry_sections(book))
    end = 0
    for section in sections:
        if section.line < end:
            continue
        end = section.end
        inner = [s for s in sections if section.line <= s.line < end]
        dates = [date for s in inner if (date := own_date(book, s))]
        titles = [entry_title(s) for s in inner if own_date(book, s)] or [entry_title(section)]
        found.append(
            _Chunk(
                section,
                tuple(_without_separator(book, section)),
                dates[0] if dates else None,
                all(title.lower().startswith("experiment") for title in titles),
            )
        )
    return found


def _without_separator(book: Book, section: Section) -> Sequence[str]:
    end = section.end
    while end > section.line + 1 and (not book.lines[end - 1].strip() or end - 1 in book.rules):
        end -= 1
    return book.lines[section.line : end]


def _target(source: Path, chunks: Sequence[_Chunk], workspace: Workspace) -> Path:
    dated = [chunk for chunk in chunks if chunk.date]
    if not dated:
        stem = re.sub(r"\W+", "_", source.stem.strip()).strip("_").lower() or "imported"
        if own := workspace.own_log(stem):
            return own
    if dated and all(chunk.experiment for chunk in dated):
        return workspace.experiment_log
    return workspace.research_log


def _find(
    chunk: _Chunk, known: Mapping[_Key, Sequence[tuple[_Chunk, str]]]
) -> tuple[str, str | None]:
    """Whether the logs have the entry, and where."""
    different: str | None = None
    for other, place in known.get(chunk.key, ()):
        if other.words == chunk.words:
            return "present", place
        mine, theirs = set(chunk.words), set(other.words)
        if len(mine & theirs) >= _ALIKE * min(len(mine), len(theirs)) > 0:
            different = place
    return ("different", different) if different else ("imported", None)


def _known(target: Path, workspace: Workspace) -> dict[_Key, list[tuple[_Chunk, str]]]:
    """Every entry of every log, the target among them, by what it is recognised by."""
    books = {book.path.resolve(): book for book in read_books(workspace)}
    if target.exists() and target.resolve() not in books:
        books[target.resolve()] = Book.read(target)
    found: dict[_Key, list[tuple[_Chunk, str]]] = {}
    for book in books.values():
        file = workspace.relative(book.path)
        for chunk in _chunks(book):
            place = f"{file}:{chunk.section.line + 1}"
            found.setdefault(chunk.key, []).append((chunk, place))
    return found


@dataclass(frozen=True)
class _Layout:
    """The bytes that a target gets, and the line of each new entry in it, from 0."""

    create: bytes
    pieces: tuple[Piece, ...]  # none where `create` is the whole file
    order: tuple[int, ...]  # per piece, the line of its entry in the source


def _laid_out(
    foreign: Book, chunks: Sequence[_Chunk], new: Sequence[_Chunk], target: Path
) -> _Layout:
    dated = list(zip(chunks, _sorting_dates(chunks), strict=True))
    ordered = sorted(dated, key=lambda pair: pair[1] or "")
    if not target.exists() and ordered == dated and len(new) == len(chunks):
        return _Layout(foreign.encoded(foreign.lines), (), ())
    wanted = {chunk.section.line for chunk in new}
    going = [(chunk, date) for chunk, date in ordered if chunk.section.line in wanted]
    head = foreign.lines[: chunks[0].section.line] if chunks else ()
    own_head = "".join(head).strip() and not target.exists()
    return _Layout(
        create="".join(head).encode() if own_head else fresh(target).encode(),
        pieces=tuple(Piece(_releveled(chunk), date) for chunk, date in going),
        order=tuple(chunk.section.line for chunk, _ in going),
    )


def _sorting_dates(chunks: Sequence[_Chunk]) -> list[str | None]:
    """The date of each entry; of one without, that of the entry it follows, else of the first."""
    date = next((chunk.date for chunk in chunks if chunk.date), None)
    dates = []
    for chunk in chunks:
        date = chunk.date or date
        dates.append(date)
    return dates


def _releveled(chunk: _Chunk) -> tuple[str, ...]:
    """The lines of an entry with its own heading on the second level and the others moved along."""
    by = 2 - chunk.section.level
    if by == 0:
        return chunk.lines
    book = Book.parse(Path(), "".join(chunk.lines).encode("utf-8", "surrogateescape"))
    lines = list(chunk.lines)
    for section in book.sections:
        level = min(section.level + by, 6)
        line = lines[section.line].lstrip(" ")
        if _HEADING.match(line):
            lines[section.line] = "#" * level + line.lstrip("#")
        elif level == 2:  # underlined by ===
            lines[section.line + 1] = lines[section.line + 1].replace("=", "-")
    return tuple(lines)


def _left_out(foreign: Book, chunks: Sequence[_Chunk]) -> int:
    """How many lines of text belong to no entry."""
    inside = {n for c in chunks for n in range(c.section.line, c.section.end)}
    return sum(
        1
        for number, line in enumerate(foreign.lines)
        if number not in inside and number not in foreign.rules and line.strip()
    )
