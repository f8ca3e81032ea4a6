"""The block structure of a Markdown text: headings, task items, rules, and what is not Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from lab.log.dates import date_of

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_TASK = re.compile(r"\[([ xX])\]\s+(?=\S)")
_SPLIT = re.compile(r"#{1,6}(?:[ \t\r\n]|$)")
_ESCAPED = re.compile("[\udc80-\udcff]+")
_SPACE = " \t"  # to Markdown; characters like U+0085 and U+2028 are text
_SEPARATOR = 3  # dashes below prose are a rule to their author, more of them underline a heading


@dataclass(frozen=True)
class Heading:
    """A heading and its line, counted from 0."""

    level: int
    title: str
    line: int


@dataclass(frozen=True)
class Task:
    """One task-list item: its text, whether it is done, its line and the column of its mark."""

    text: str
    done: bool
    line: int
    column: int


@dataclass(frozen=True)
class Outline:
    """The structure of a text; lines are counted from 0."""

    headings: tuple[Heading, ...] = ()
    tasks: tuple[Task, ...] = ()
    rules: frozenset[int] = frozenset()  # lines of thematic breaks
    code: frozenset[int] = frozenset()  # lines inside code
    html: frozenset[int] = frozenset()  # lines of comments and other raw HTML
    open: int | None = None  # line of a fence, comment or tag that the text does not close

    def moved(self, by: int) -> Outline:
        return Outline(
            tuple(Heading(one.level, one.title, one.line + by) for one in self.headings),
            tuple(Task(one.text, one.done, one.line + by, one.column) for one in self.tasks),
            frozenset(line + by for line in self.rules),
            frozenset(line + by for line in self.code),
            frozenset(line + by for line in self.html),
            None if self.open is None else self.open + by,
        )


def outline_of(lines: Sequence[str]) -> Outline:
    """The outline of a text, parsed part by part and each part once.

    A part ends before a heading at the margin, which ends every paragraph, list and quote; only a
    fence, a comment or raw HTML that is still open goes on, and takes the next parts with it.
    """
    starts = [0, *(i for i, line in enumerate(lines) if i and _SPLIT.match(line)), len(lines)]
    parts: list[Outline] = []
    at = 0
    while at < len(starts) - 1:
        step = 1
        while True:
            end = min(at + step, len(starts) - 1)
            part = _parsed("".join(lines[starts[at] : starts[end]]))
            if part.open is None or end == len(starts) - 1:
                break
            step *= 2  # so that a fence over a whole book is not parsed once per heading in it
        parts.append(part.moved(starts[at]))
        at = end
    return _joined(parts)


def legible(text: str) -> str:
    """`text` with bytes that are no UTF-8 shown as Windows-1252, which such files mostly are."""
    return _ESCAPED.sub(_as_windows, text)


def _as_windows(match: re.Match[str]) -> str:
    data = match[0].encode("utf-8", "surrogateescape")
    # Five of its bytes stand for nothing; Latin-1 has a character for each.
    return "".join(bytes([b]).decode("latin-1" if b in _UNUSED else "windows-1252") for b in data)


_UNUSED = frozenset(b"\x81\x8d\x8f\x90\x9d")


def _joined(parts: Sequence[Outline]) -> Outline:
    return Outline(
        tuple(heading for part in parts for heading in part.headings),
        tuple(task for part in parts for task in part.tasks),
        frozenset().union(*(part.rules for part in parts)),
        frozenset().union(*(part.code for part in parts)),
        frozenset().union(*(part.html for part in parts)),
        parts[-1].open if parts else None,
    )


@lru_cache(maxsize=8192)
def _parsed(text: str) -> Outline:
    through = parsed_by.get()
    return _parse(text) if through is None else through(text, _parse)


# What gives the outline of a part, by the function that makes it, where somebody remembers some.
Remembered = Callable[[str, Callable[[str], Outline]], Outline]
parsed_by: ContextVar[Remembered | None] = ContextVar("parsed_by", default=None)


def _parse(text: str) -> Outline:
    tokens = _markdown().parse(text)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return Outline(
        tuple(_headings(tokens, lines)),
        tuple(_tasks(tokens, lines)),
        frozenset(t.map[0] for t in tokens if t.type == "hr" and t.map),
        _covered(tokens, ("fence", "code_block")),
        _covered(tokens, ("html_block",)),
        _open(tokens, lines),
    )


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    # Inline text is kept as raw source, which is all that is needed and several times faster.
    # Tables are left out as well: no line of one is a heading or a task item.
    return MarkdownIt("commonmark").disable(["inline", "text_join"])


def _covered(tokens: Sequence[Token], kinds: tuple[str, ...]) -> frozenset[int]:
    return frozenset(line for t in tokens if t.type in kinds and t.map for line in range(*t.map))


def _open(tokens: Sequence[Token], lines: Sequence[str]) -> int | None:
    """The line of what is still open where the text ends."""
    last = tokens[-1] if tokens else None
    if last is None or last.level or not last.map:
        return None
    end = len(lines) - (not lines[-1].strip(_SPACE))
    if last.map[1] < end:
        return None
    if last.type == "html_block":
        return last.map[0]
    if last.type != "fence":
        return None
    closing = rf" {{0,3}}{re.escape(last.markup[0])}{{{len(last.markup)},}}[{_SPACE}]*"
    is_closed = end - 1 > last.map[0] and re.fullmatch(closing, lines[end - 1])
    return None if is_closed else last.map[0]


def _headings(tokens: Sequence[Token], lines: Sequence[str]) -> Iterator[Heading]:
    for i, token in enumerate(tokens):
        if token.type != "heading_open" or token.level or not token.map:
            continue
        title = legible(tokens[i + 1].content).strip()
        first, end = token.map
        if token.markup.startswith("#") or _is_underlined(title, lines[first:end]):
            yield Heading(int(token.tag[1]), title, first)


def _is_underlined(title: str, lines: Sequence[str]) -> bool:
    """Whether a text with its underline is a heading to its author, not prose above a separator."""
    if len(lines) != 2:
        return False
    return lines[1].strip() != "-" * _SEPARATOR or date_of(title) is not None


def _tasks(tokens: Sequence[Token], lines: Sequence[str]) -> Iterator[Task]:
    for i, token in enumerate(tokens):
        if token.type != "list_item_open" or tokens[i + 1].type != "paragraph_open":
            continue
        inline = tokens[i + 2]
        match = _TASK.match(inline.content)
        if match and inline.map:
            # Nothing but list markers and quote marks can stand before the mark.
            column = lines[inline.map[0]].index("[")
            text = " ".join(legible(inline.content[match.end() :]).split())
            yield Task(text, match[1] != " ", inline.map[0], column)
