"""Generated blocks and the evidence they carry, so that their numbers can be checked again.

<!-- lab:evidence {"kind": "comparison", "runs": [...], "by": "pooling", ...} -->

...the generated Markdown...

<!-- /lab:evidence -->
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from typing import Any

from lab.errors import LabError, RunNotFound
from lab.log.blocks import block_text
from lab.log.book import Book, edit
from lab.log.entry import read_books
from lab.workspace import Workspace

_OPEN = re.compile(r"<!-- lab:evidence (\{.*\}) -->\s*$")
_CLOSE = re.compile(r"<!-- /lab:evidence -->\s*$")


@dataclass(frozen=True)
class Block:
    """One generated block; lines are counted from 0, `start` and `end` enclose its content."""

    spec: dict[str, Any] | None  # None where the comment cannot be read
    start: int
    end: int


@dataclass(frozen=True)
class Drift:
    """A generated line that its runs no longer give; `recomputed` is what they give, or why not.

    `missing` says that nothing was contradicted: the block's runs are not on this machine.
    """

    file: str
    line: int
    printed: str
    recomputed: str
    missing: bool = False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        printed = self.printed or "(no line)"
        return f"{self.file}:{self.line}\n  printed     {printed}\n  recomputed  {self.recomputed}"


def wrapped(spec: dict[str, Any], text: str) -> str:
    """A generated text between comments that hold what is needed to generate it again."""
    short = sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:8]
    evidence = json.dumps({"block": short, **spec}, ensure_ascii=False)
    # `--` and `>` could end the comment; in JSON they can be written otherwise.
    evidence = evidence.replace("--", "-\\u002d").replace(">", "\\u003e")
    return f"<!-- lab:evidence {evidence} -->\n\n{text.strip()}\n\n<!-- /lab:evidence -->"


def blocks_of(book: Book) -> Iterator[Block]:
    """The generated blocks of a log file; one never closed reaches to the next, or the end."""
    start: int | None = None
    spec: dict[str, Any] | None = None
    for number, line in enumerate(book.lines):
        if number in book.code:
            continue
        if match := _OPEN.match(line):
            if start is not None:
                yield Block(None, start, number)
            start, spec = number + 1, _spec(match[1])
        elif _CLOSE.match(line) and start is not None:
            yield Block(spec, start, number)
            start = None
    if start is not None:
        yield Block(None, start, len(book.lines))


def check(*, workspace: Workspace | None = None) -> list[Drift]:
    """Generate every block again from its runs and tell the lines that differ."""
    workspace = workspace or Workspace.find()
    found: list[Drift] = []
    for book in read_books(workspace):
        file = workspace.relative(book.path)
        for block in blocks_of(book):
            printed = [line.rstrip() for line in book.lines[block.start : block.end]]
            try:
                fresh = _fresh(block, workspace)
            except LabError as error:
                first = next((line for line in printed if line), "")
                missing = isinstance(error, RunNotFound)
                found.append(Drift(file, block.start, first, str(error), missing))
                continue
            found += _drifts(file, block.start, printed, fresh)
    return found


def refresh(*, workspace: Workspace | None = None) -> list[str]:
    """Rewrite the blocks that drifted, and nothing outside them; returns where, as FILE:LINE.

    A block whose runs are gone stays as it is, and stays in what `check` finds.
    """
    workspace = workspace or Workspace.find()
    rewritten: list[str] = []
    for file in dict.fromkeys(drift.file for drift in check(workspace=workspace)):
        starts: list[int] = []
        edit(workspace.root / file, partial(_refreshed, workspace=workspace, starts=starts))
        rewritten += [f"{file}:{start}" for start in sorted(starts)]
    return rewritten


def _refreshed(book: Book, workspace: Workspace, starts: list[int]) -> bytes:
    starts.clear()  # after an edit by hand this is called again
    lines = list(book.lines)
    for block in reversed(list(blocks_of(book))):
        try:
            fresh = _fresh(block, workspace)
        except LabError:
            continue
        if [line.rstrip() for line in lines[block.start : block.end]] != fresh:
            lines[block.start : block.end] = [line + book.newline for line in fresh]
            starts.append(block.start)
    return book.encoded(lines)


def _fresh(block: Block, workspace: Workspace) -> list[str]:
    if block.spec is None:
        raise LabError("The evidence of this block cannot be read, or the block is not closed")
    text = block_text(block.spec, workspace).strip()
    return ["", *(line.rstrip() for line in text.split("\n")), ""]


def _spec(text: str) -> dict[str, Any] | None:
    try:
        spec = json.loads(text)
    except ValueError:
        return None
    return spec if isinstance(spec, dict) else None


def _drifts(file: str, start: int, printed: list[str], fresh: list[str]) -> Iterator[Drift]:
    matcher = difflib.SequenceMatcher(None, printed, fresh, autojunk=False)
    for tag, a, a_end, b, b_end in matcher.get_opcodes():
        if tag == "equal":
            continue
        for i in range(max(a_end - a, b_end - b)):
            was = printed[a + i] if a + i < a_end else ""
            now = fresh[b + i] if b + i < b_end else ""
            yield Drift(file, start + min(a + i, max(a_end - 1, a)) + 1, was, now)
