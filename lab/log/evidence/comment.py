"""Generated blocks in log files, and the evidence in the comment above each.

<!-- lab:evidence {"block": "36caf2e4", "kind": "comparison", "runs": [...], "by": "arm", ...} -->

...the generated Markdown...

<!-- /lab:evidence -->

`block` is made of all the rest, so that a comment edited by hand is told, and names the snapshot of
the block in docs/evidence/.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from lab.log.book import Book, source_lines

_OPEN = re.compile(r"<!-- lab:evidence (\{.*\}) -->\s*$")
_CLOSE = re.compile(r"<!-- /lab:evidence -->\s*$")


@dataclass(frozen=True)
class Block:
    """One generated block; lines are counted from 0, `start` and `end` enclose its content."""

    spec: dict[str, Any] | None  # None where the comment cannot be read, or the block not closed
    start: int
    end: int

    @property
    def id(self) -> str:
        return str((self.spec or {}).get("block") or "")


def block_id(spec: dict[str, Any]) -> str:
    """The name of a block: the same wherever it stands, another with other evidence."""
    asked = {key: value for key, value in spec.items() if key != "block"}
    return sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:8]


def opening(spec: dict[str, Any]) -> str:
    """The comment above a block."""
    asked = {key: value for key, value in spec.items() if key != "block"}
    evidence = json.dumps({"block": block_id(spec), **asked}, ensure_ascii=False)
    # `--` and `>` could end the comment; in JSON they can be written otherwise.
    evidence = evidence.replace("--", "-\\u002d").replace(">", "\\u003e")
    return f"<!-- lab:evidence {evidence} -->"


def wrapped(spec: dict[str, Any], text: str) -> str:
    """A generated text between comments that hold what is needed to generate it again."""
    return f"{opening(spec)}\n\n{text.strip()}\n\n<!-- /lab:evidence -->"


class Lines(Protocol):
    """Lines of a log file, and which of them are code."""

    @property
    def lines(self) -> Sequence[str]: ...

    @property
    def code(self) -> frozenset[int]: ...


@dataclass(frozen=True)
class PlainLines:
    """The lines of a log file without any code, which needs no parser to be seen."""

    lines: tuple[str, ...]
    code: frozenset[int] = frozenset()


def lines_with_blocks(path: Path) -> Lines | None:
    """The lines of a log file; None where it has no block. Raises LogError."""
    data = path.read_bytes() if path.is_file() else b""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Book.read(path)
    if b"lab:evidence" not in data:
        return None
    # A comment at the beginning of its line can only be code inside a fence.
    if b"```" in data or b"~~~" in data:
        return Book.read(path)
    return PlainLines(source_lines(data.decode("utf-8-sig", "surrogateescape")))


def blocks_of(book: Lines) -> Iterator[Block]:
    """The generated blocks of a log file; one never closed reaches to the next, or the end.

    An end without a beginning is a block of no lines that cannot be read.
    """
    start: int | None = None
    spec: dict[str, Any] | None = None
    for number, line in enumerate(book.lines):
        if "lab:evidence" not in line or number in book.code:
            continue
        if match := _OPEN.match(line):
            if start is not None:
                yield Block(None, start, number)
            start, spec = number + 1, _spec(match[1])
        elif _CLOSE.match(line):
            # An end without a beginning closes what is not held against anything any more.
            yield Block(spec, start, number) if start is not None else Block(None, number, number)
            start, spec = None, None
    if start is not None:
        yield Block(None, start, len(book.lines))


def _spec(text: str) -> dict[str, Any] | None:
    try:
        spec = json.loads(text)
    except ValueError:
        return None
    return spec if isinstance(spec, dict) else None
