"""A generated block with its numbers, and with what it read to say them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lab.log.blocks import block_text
from lab.log.evidence.reads import Reads
from lab.log.evidence.source import NotedRuns, RunSource
from lab.provenance import Number, telling

if TYPE_CHECKING:
    from lab.sweep.study import Study

# A span of code is a name; a date and a time are names of a moment; 6m59s is one number.
TOKEN = re.compile(
    r"(?P<name>`[^`]*`|\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2})?|\d{8}_\d{6}\S*)"
    r"|(?P<number>(?:(?<![\w.)])[+-])?(?<![\w.])\d+(?:\.\d+)?(?:[dhms]\d+)?(?:e[+-]?\d+)?(?:[dhms]\b|%)?)"
    r"|(?P<word>\w+)|(?P<mark>[^\w\s])"
)


@dataclass(frozen=True)
class TaggedBlock:
    """Lines of a block, its numbers by line and column, and what was read of runs and a study."""

    lines: tuple[str, ...]
    numbers: tuple[Number, ...]
    reads: Mapping[str, Reads]
    study: Study | None = None

    def number_at(self, line: int, column: int) -> Number | None:
        """The number of which this column of this line is a part."""
        for number in self.numbers:
            if number.line == line and number.start <= column < number.end:
                return number
        return None


def tagged_block(spec: dict[str, Any], source: RunSource) -> TaggedBlock:
    """Generate a block so that each of its numbers is known. Raises LabError."""
    noted = NotedRuns(source)
    with telling() as transcript:
        marked = block_text(spec, source.workspace, noted)
    text, numbers = transcript.read(marked)
    told, skipped = block_lines(text), _blank_above(text)
    # What looks into a formatted number may find a mark; what is said is what is said without.
    lines = block_lines(block_text(spec, source.workspace, source))
    placed = [
        replace(number, line=row)
        for number in numbers
        if (row := number.line - skipped) < len(lines) and told[row] == lines[row]
    ]
    numbers = [*placed, *_others(lines, placed)]
    return TaggedBlock(lines, tuple(numbers), noted.reads, noted.study_read)


def block_lines(text: str) -> tuple[str, ...]:
    """The lines of a block's text, without space around it or at the ends of lines."""
    return tuple(line.rstrip() for line in text.strip().split("\n"))


def _blank_above(text: str) -> int:
    return text[: len(text) - len(text.lstrip())].count("\n")


def _others(lines: Sequence[str], known: Sequence[Number]) -> list[Number]:
    """The numbers that no formatting told of: counts and settings that a template placed."""
    taken: dict[int, list[tuple[int, int]]] = {}
    for number in known:
        taken.setdefault(number.line, []).append((number.start, number.end))
    found = []
    for row, line in enumerate(lines):
        for match in TOKEN.finditer(line):
            start, end = match.span()
            if match.lastgroup != "number":
                continue
            if any(a < end and start < b for a, b in taken.get(row, [])):
                continue
            digits = re.match(r"[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?", match[0])
            value = float(digits[0]) if digits else 0.0
            found.append(Number(match[0], value, None, "as written", row, start, end))
    return found
