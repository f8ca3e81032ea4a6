"""Log files: read by source line, changed line by line, all else kept byte for byte."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from lab.errors import LogError
from lab.record.files import write_atomic

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

BOM = "\ufeff"
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\b")
_TASK = re.compile(r"\[([ xX])\]\s+(?=\S)")
_FIELD = re.compile(r"\s*\*\*(?P<name>[^*:]+?)\s*(?::\*\*|\*\*\s*:)\s*(?P<value>.*?)\s*$")


@dataclass(frozen=True)
class Section:
    """What stands under one heading; lines are counted from 0, `end` is the line after the last."""

    level: int
    title: str
    line: int
    end: int


@dataclass(frozen=True)
class Task:
    """One task-list item: its text, whether it is done, its line and the column of its mark."""

    text: str
    done: bool
    line: int
    column: int


@dataclass(frozen=True)
class Book:
    """One log file as read; `lines` keep their own endings, so joining them gives the file back."""

    path: Path
    lines: tuple[str, ...]
    bom: bool
    sections: tuple[Section, ...]
    tasks: tuple[Task, ...]
    rules: frozenset[int]  # lines of thematic breaks
    code: frozenset[int]  # lines inside code

    @property
    def text(self) -> str:
        return "".join(self.lines)

    @property
    def newline(self) -> str:
        """The line ending that most lines have."""
        windows = sum(line.endswith("\r\n") for line in self.lines)
        return "\r\n" if windows * 2 > len(self.lines) else "\n"

    def encoded(self, lines: tuple[str, ...] | list[str]) -> bytes:
        return ((BOM if self.bom else "") + "".join(lines)).encode("utf-8")

    @classmethod
    def read(cls, path: Path) -> Book:
        """The book in `path`; raises LogError where it cannot be read or is not UTF-8."""
        try:
            return cls.parse(path, path.read_bytes())
        except OSError as error:
            raise LogError(
                "A log file cannot be read", seen=f"{path} ({error.strerror})", do="Mend its path."
            ) from None

    @classmethod
    def parse(cls, path: Path, data: bytes) -> Book:
        text = _decoded(path, data)
        bom = text.startswith(BOM)
        lines = tuple(_LINE.findall(text.removeprefix(BOM)))
        tokens = _markdown().parse("".join(lines))
        return cls(
            path=path,
            lines=lines,
            bom=bom,
            sections=tuple(_sections(tokens, len(lines))),
            tasks=tuple(_tasks(tokens, lines)),
            rules=frozenset(t.map[0] for t in tokens if t.type == "hr" and t.map),
            code=frozenset(
                line
                for t in tokens
                if t.type in ("fence", "code_block") and t.map
                for line in range(*t.map)
            ),
        )

    def fields(self, section: Section) -> Iterator[tuple[int, str, str]]:
        """(line, name, value) of the `**Name**: value` lines before the next heading."""
        nested = [s.line for s in self.sections if s.line > section.line]
        for number in range(section.line + 1, min([section.end, *nested])):
            if number not in self.code and (match := _FIELD.match(self.lines[number])):
                yield number, match["name"], match["value"]


def date_of(title: str) -> str | None:
    """The date a heading starts with."""
    match = _DATE.match(title)
    return match[0] if match else None


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


def _decoded(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise LogError(
            f"{path} is not UTF-8",
            seen=f"byte 0x{data[error.start]:02x} at offset {error.start} (line {line})",
            do="Nothing was written. Save the file as UTF-8, for example with "
            f"`iconv -f windows-1252 -t utf-8 {path.name}`.",
        ) from None


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    # Inline text is kept as raw source, which is all that is needed and several times faster.
    return MarkdownIt("commonmark").enable("table").disable("inline")


def _sections(tokens: list[Token], end: int) -> Iterator[Section]:
    headings = [
        (int(token.tag[1]), tokens[i + 1].content.strip(), token.map[0])
        for i, token in enumerate(tokens)
        if token.type == "heading_open"
        and token.level == 0
        and token.map
        # A paragraph underlined by `---` is a heading to Markdown but a separator to its author.
        and (token.markup.startswith("#") or date_of(tokens[i + 1].content.strip()))
    ]
    for i, (level, title, line) in enumerate(headings):
        following = (other[2] for other in headings[i + 1 :] if other[0] <= level)
        yield Section(level, title, line, next(following, end))


def _tasks(tokens: list[Token], lines: tuple[str, ...]) -> Iterator[Task]:
    for i, token in enumerate(tokens):
        if token.type != "list_item_open" or tokens[i + 1].type != "paragraph_open":
            continue
        inline = tokens[i + 2]
        match = _TASK.match(inline.content)
        if match and inline.map:
            first = inline.content.split("\n", 1)[0].rstrip()
            column = lines[inline.map[0]].index(first)
            text = " ".join(inline.content[match.end() :].split())
            yield Task(text, match[1] != " ", inline.map[0], column)
