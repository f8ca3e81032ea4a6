"""Log files: read by source line, changed line by line, all else kept byte for byte."""

from __future__ import annotations

import bisect
import contextlib
import fcntl
import os
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

from lab.errors import LogError
from lab.log.dates import date_of, split_date
from lab.log.outline import Outline, Task, legible, outline_of
from lab.record.files import RecordWarning, write_atomic

__all__ = ["BOM", "Book", "Field", "Section", "Task", "date_of", "edit", "legible", "source_lines"]

BOM = "\ufeff"
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_ENDING = re.compile(r"\r\n|\n|\r")
# **Status**: Open    - **Status:** Open    Status: Open    **Date:** today | **Status:** Open
_FIELD = re.compile(
    r"(?:\*\*(?P<name>[^*:]+?)\s*(?::\*\*|\*\*\s*:)|(?P<plain>date|status|category|related)\s*:(?=\s))"
    r"[ \t]*(?P<value>.*?)[ \t]*(?=[|·•]\s*\*\*[^*:]+(?::\*\*|\*\*\s*:)|$)",
    re.IGNORECASE,
)
_FIELD_LEAD = re.compile(r"\s*(?:[-*+]\s+)?")
_FIELD_GAP = re.compile(r"[|·•\s]*")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Section:
    """What stands under one heading; lines are counted from 0, `end` is the line after the last.

    `date` is that of the heading, else of the nearest heading above it that is a date and no more.
    """

    level: int
    title: str
    line: int
    end: int
    date: str | None = None


class Field(NamedTuple):
    """A `**Name**: value`; the value stands in `line` from `start` to `end`."""

    line: int
    name: str
    value: str
    start: int
    end: int

    def replaced(self, line: str, value: str) -> str:
        """The line of the field with another value."""
        before = line[: self.start]
        gap = "" if before[-1:].isspace() else " "
        return f"{before}{gap}{value}{line[self.end :]}"


@dataclass(frozen=True)
class Book:
    """One log file as read; `lines` keep their own endings, so joining them gives the file back.

    Bytes that are no UTF-8 are kept as they are: in `lines` they are lone surrogates, which
    `encoded` turns back, and in titles, tasks and fields what `legible` makes of them.
    """

    path: Path
    lines: tuple[str, ...]
    bom: bool
    sections: tuple[Section, ...]
    tasks: tuple[Task, ...]
    rules: frozenset[int]  # lines of thematic breaks
    code: frozenset[int]  # lines inside code
    html: frozenset[int]  # lines of comments and other raw HTML
    open: int | None  # line of a fence or comment that is never closed

    @property
    def text(self) -> str:
        return "".join(self.lines)

    @cached_property
    def newline(self) -> str:
        """The line ending that most lines have."""
        counts = Counter(match[0] for line in self.lines if (match := _ENDING.search(line)))
        return max(("\n", "\r\n", "\r"), key=lambda ending: counts[ending])

    def encoded(self, lines: Sequence[str]) -> bytes:
        """The bytes of the file with these lines."""
        return ((BOM if self.bom else "") + "".join(lines)).encode("utf-8", "surrogateescape")

    @classmethod
    def read(cls, path: Path) -> Book:
        """The book in `path`; raises LogError where it cannot be read.

        Warns of bytes that are no UTF-8, which stay as they are whatever is written.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise LogError(
                "A log file cannot be read", seen=f"{path} ({error.strerror})", do="Mend its path."
            ) from None
        book = cls.parse(path, data)
        if (problem := not_utf8(data)) is not None:
            warnings.warn(
                f"{path} is not UTF-8: {problem}. It is shown as Windows-1252, its bytes stay.",
                RecordWarning,
                stacklevel=2,
            )
        return book

    @classmethod
    def parse(cls, path: Path, data: bytes) -> Book:
        """The book that `data` is, parsed once; raises LogError where it is UTF-16."""
        return _parsed(path, data)

    @classmethod
    def _of(cls, path: Path, data: bytes) -> Book:
        if data.startswith(_UTF16):
            raise LogError(
                f"{path} is UTF-16",
                seen=data[:2],
                do="Nothing was written. Save it as UTF-8, for example with "
                f"`iconv -f utf-16 -t utf-8 {path.name}`.",
            )
        text = data.decode("utf-8", "surrogateescape")
        bom = text.startswith(BOM)
        lines = source_lines(text.removeprefix(BOM))
        outline = outline_of(lines)
        return cls(
            path=path,
            lines=lines,
            bom=bom,
            sections=tuple(_sections(outline, len(lines))),
            tasks=outline.tasks,
            rules=outline.rules,
            code=outline.code,
            html=outline.html,
            open=outline.open,
        )

    def fields(self, section: Section) -> Iterator[Field]:
        """The `**Name**: value` fields before the next heading, in order."""
        after = bisect.bisect_right(self._heading_lines, section.line)
        end = min([section.end, *self._heading_lines[after : after + 1]])
        for number in range(section.line + 1, end):
            if ":" in self.lines[number] and number not in self.code and number not in self.html:
                yield from _fields(number, self.lines[number].rstrip("\r\n"))

    @cached_property
    def _heading_lines(self) -> list[int]:
        return [section.line for section in self.sections]


@lru_cache(maxsize=16)
def _parsed(path: Path, data: bytes) -> Book:
    return Book._of(path, data)


def source_lines(text: str) -> tuple[str, ...]:
    """The lines of a text with their own endings, split where an editor would and nowhere else."""
    return tuple(_LINE.findall(text))


def not_utf8(data: bytes) -> str | None:
    """Which byte of `data` is the first that is no UTF-8; None where there is none."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = len(_ENDING.findall(data[: error.start].decode("latin-1"))) + 1
        return f"byte 0x{data[error.start]:02x} at offset {error.start} (line {line})"
    return None


def edit(path: Path, change: Callable[[Book], bytes], *, create: bytes | None = None) -> Book:
    """Change a log file under a lock, from what it holds now; returns the book as written.

    `change` may raise and then nothing is written. A file that somebody saves meanwhile is read
    again and changed again, so that their words stay.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path.parent):
        while True:
            before = path.read_bytes() if path.exists() else None
            if before is None and create is None:
                raise LogError("There is no such log file", seen=path, do="See `lab log list`.")
            after = change(Book.parse(path, create or b"" if before is None else before))
            now = path.read_bytes() if path.exists() else None
            if now != before:
                continue
            if after != before:
                write_atomic(path, after)
            return Book.parse(path, after)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    # The folder itself is locked, since a lock file beside the logs would end up in git. Where
    # folders cannot be locked, the comparison before the rename still protects what others save.
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sections(outline: Outline, end: int) -> list[Section]:
    """Every heading with the line where its section ends: the next of its level or a higher one."""
    found: list[Section] = []
    ends: dict[int, int] = {}  # per level, the line of the next heading of it
    for heading in reversed(outline.headings):
        until = min((line for level, line in ends.items() if level <= heading.level), default=end)
        found.append(Section(heading.level, heading.title, heading.line, until))
        ends[heading.level] = heading.line
    days: dict[int, str | None] = {}  # per level, the day that a heading of it says for all below
    dated = []
    for section in reversed(found):
        days = {level: day for level, day in days.items() if level < section.level}
        above = next((day for _, day in sorted(days.items(), reverse=True) if day), None)
        own = date_of(section.title)
        dated.append(Section(section.level, section.title, section.line, section.end, own or above))
        starts, rest = split_date(section.title)
        days[section.level] = starts if not rest else None
    return dated


def _fields(number: int, line: str) -> Iterator[Field]:
    lead = _FIELD_LEAD.match(line)
    at = lead.end() if lead else 0
    while match := _FIELD.match(line, at):
        if match["plain"] and at and line[:at].strip(" \t-*+"):
            return  # unmarked words are fields only where they begin the line
        name = match["name"] or match["plain"]
        yield Field(number, name, legible(match["value"]), match.start("value"), match.end("value"))
        gap = _FIELD_GAP.match(line, match.end())
        at = gap.end() if gap else match.end()
