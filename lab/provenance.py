"""Numbers that remember where they came from, and texts that remember their numbers.

A Quantity is a float and a Count an int, each with a Source. While a transcript is open
(`telling`), every number that is formatted leaves a mark in the text; `Transcript.read` takes the
marks out again and says which number stands where. With no transcript open they are formatted as
any float or int.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

# Noncharacters, which Unicode keeps free for use inside a program.
_OPEN, _MIDDLE, _CLOSE = "\ufdd0", "\ufdd1", "\ufdd2"
_MARK = re.compile(f"{_OPEN}(\\d+){_MIDDLE}([^{_OPEN}{_MIDDLE}{_CLOSE}]*){_CLOSE}")
_DECIMALS = re.compile(r"\.(\d+)([fegEG%])")


@dataclass(frozen=True)
class Source:
    """Where a number comes from: its runs, the field read in each, how they became one number.

    `terms` counts the values of a sum, so that dividing by as many is known as their mean.
    """

    runs: tuple[str, ...]
    field: str | None
    aggregation: str
    terms: int = 1


@dataclass(frozen=True)
class Number:
    """One number of a text: how it is written, its value, its source, how it was rounded.

    `line` counts from 0, `start` and `end` are columns of that line.
    """

    text: str
    value: float
    source: Source | None
    rounding: str
    line: int = 0
    start: int = 0
    end: int = 0


class Quantity(float):
    """A float with its source; sums, differences and multiples of it have one too."""

    source: Source

    def __new__(cls, value: float, source: Source) -> Quantity:
        made = super().__new__(cls, value)
        made.source = source
        return made

    def __reduce__(self) -> tuple[type[float], tuple[float]]:
        return float, (float(self),)

    def __format__(self, spec: str) -> str:
        return told(self, format(float(self), spec), rounding_of(spec))

    def __str__(self) -> str:
        return told(self, float.__repr__(self), rounding_of(""))

    def __neg__(self) -> Quantity:
        return Quantity(-float(self), self.source)

    def __abs__(self) -> Quantity:
        return Quantity(abs(float(self)), self.source)

    def __add__(self, other: float) -> Quantity:
        return Quantity(float(self) + other, _joined(self, other, "sum"))

    __radd__ = __add__

    def __sub__(self, other: float) -> Quantity:
        return Quantity(float(self) - other, _joined(self, other, "difference"))

    def __rsub__(self, other: float) -> Quantity:
        return Quantity(other - float(self), _joined(self, other, "difference"))

    def __mul__(self, other: float) -> Quantity:
        return Quantity(float(self) * other, _joined(self, other, "product"))

    __rmul__ = __mul__

    def __truediv__(self, other: float) -> Quantity:
        source = _joined(self, other, "ratio")
        if source.terms > 1 and other == source.terms:
            source = replace(source, aggregation=f"mean of {source.terms} values", terms=1)
        return Quantity(float(self) / other, source)


class Count(int):
    """An int with its source."""

    source: Source

    def __new__(cls, value: int, source: Source) -> Count:
        made = super().__new__(cls, value)
        made.source = source
        return made

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        return int, (int(self),)

    def __format__(self, spec: str) -> str:
        return told(self, format(int(self), spec), "whole number")

    def __str__(self) -> str:
        return told(self, int.__repr__(self), "whole number")


def known(value: Any, source: Source) -> Any:
    """`value` with this source where it is a number; anything else, and a sourced one, as it is."""
    if isinstance(value, bool | Quantity | Count):
        return value
    if isinstance(value, float):
        return Quantity(value, source)
    return Count(value, source) if isinstance(value, int) else value


def mean(values: Sequence[float]) -> float:
    """The mean of values; sourced where they are."""
    sources = [value.source for value in values if isinstance(value, Quantity)]
    found = math.fsum(values) / len(values)
    if len(sources) < len(values):
        return found
    fields = merged(source.field for source in sources if source.field)
    runs = merged(run for source in sources for run in source.runs)
    over = f"mean over {len(values)} runs" if len(values) > 1 else "value of the run"
    return Quantity(found, Source(runs, ", ".join(fields) or None, over))


def clipped(value: float, low: float, high: float) -> float:
    """`value` within bounds; where it came from stays known."""
    inside = min(max(float(value), low), high)
    return Quantity(inside, value.source) if isinstance(value, Quantity) else inside


class Transcript:
    """The numbers said while a text is made."""

    def __init__(self) -> None:
        self._numbers: list[Number] = []
        self._ids: dict[Number, int] = {}

    def marked(self, number: Number) -> str:
        # One mark for one number however often it is said, so that equal lines stay equal.
        if number not in self._ids:
            self._ids[number] = len(self._numbers)
            self._numbers.append(number)
        return f"{_OPEN}{self._ids[number]}{_MIDDLE}{number.text}{_CLOSE}"

    def read(self, text: str) -> tuple[str, list[Number]]:
        """The text without marks, and its numbers in the order of their places."""
        lines, found = [], []
        for row, line in enumerate(text.split("\n")):
            plain, at = "", 0
            for match in _MARK.finditer(line):
                plain += line[at : match.start()]
                number = self._numbers[int(match[1])]
                end = len(plain) + len(match[2])
                found.append(replace(number, line=row, start=len(plain), end=end))
                plain, at = plain + match[2], match.end()
            lines.append(plain + line[at:])
        return "\n".join(lines), found


_TRANSCRIPT: ContextVar[Transcript | None] = ContextVar("transcript", default=None)


@contextmanager
def telling() -> Iterator[Transcript]:
    """Open a transcript for the texts made inside."""
    transcript = Transcript()
    token = _TRANSCRIPT.set(transcript)
    try:
        yield transcript
    finally:
        _TRANSCRIPT.reset(token)


def is_telling() -> bool:
    """Whether a transcript is open."""
    return _TRANSCRIPT.get() is not None


def told(value: float | None, text: str, rounding: str) -> str:
    """`text`, which says `value`; marked where a transcript is open."""
    transcript = _TRANSCRIPT.get()
    if transcript is None or value is None:
        return text
    source = getattr(value, "source", None)
    plain = int(value) if isinstance(value, int) else float(value)
    return transcript.marked(Number(text, plain, source, rounding))


def rounding_of(spec: str) -> str:
    """A format in words: ".1f" is "1 decimal"."""
    if not (match := _DECIMALS.search(spec)):
        return "as recorded" if not spec else f"format {spec}"
    digits, kind = int(match[1]), match[2]
    if kind == "f":
        return decimals(digits)
    if kind == "%":
        return f"percent, {decimals(digits)}"
    return f"{digits + 1 if kind in 'eE' else digits} significant digits"


def decimals(n: int) -> str:
    return "1 decimal" if n == 1 else f"{n} decimals"


def merged(runs: Iterable[str]) -> tuple[str, ...]:
    """Ids, each once, in order."""
    return tuple(dict.fromkeys(runs))


def _joined(ours: Quantity, other: float, how: str) -> Source:
    """The source of what is made of two numbers; a plain one only scales or shifts."""
    theirs = getattr(other, "source", None)
    if theirs is None:
        return ours.source
    mine: Source = ours.source
    fields = merged(field for field in (mine.field, theirs.field) if field)
    terms = mine.terms + theirs.terms if how == "sum" else 1
    how = f"sum of {terms} values" if how == "sum" else how
    return Source(merged((*mine.runs, *theirs.runs)), ", ".join(fields) or None, how, terms)
