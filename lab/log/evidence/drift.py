"""What a log prints and its runs do not give, number by number."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from lab.log.evidence.source import STUDIES
from lab.log.evidence.telling import TOKEN, TaggedBlock
from lab.provenance import Number

CHANGED = "value changed"
MISSING = "run missing"
NOT_DONE = "run no longer done"
WORDS = "text changed"
EVIDENCE = "evidence changed"
PICTURE = "picture missing or changed"

UNKNOWN = "not known"  # what a number would be now
_NO_LINE = "(no line)"
_RULE = re.compile(r"-{3,}")
_PLAIN = re.compile(r"(?P<value>[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?P<unit>%?)")


@dataclass(frozen=True)
class Drift:
    """One printed number, or line, that no longer holds.

    `recomputed` is what the runs give; None where they cannot say. `field` is what was read in each
    of `runs`. `detail` says more where there is more to say.
    """

    file: str
    line: int
    printed: str
    recomputed: str | None
    reason: str
    runs: tuple[str, ...] = ()
    field: str | None = None
    aggregation: str | None = None
    detail: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"runs": list(self.runs)}

    def __str__(self) -> str:
        told = f"{self.file}:{self.line}  {self._shown}\n  {self.reason}"
        if self.field:
            told += f": {self.field}, {self.aggregation}"
        if self.runs:
            told += f" ({_few(self.runs)})"
        return told + (f"\n  {self.detail}" if self.detail and not self.of_block else "")

    @property
    def of_block(self) -> bool:
        """Whether a block as a whole cannot be held against anything, and `detail` says why."""
        return self.reason in (EVIDENCE, MISSING) and self.recomputed is None and bool(self.detail)

    @property
    def _shown(self) -> str:
        if self.of_block:
            return self.detail
        if self.reason == PICTURE:
            return self.printed
        now = UNKNOWN if self.recomputed is None else self.recomputed
        shown = f"{self.printed or _NO_LINE}  ->  {now or _NO_LINE}"
        return shown if len(shown) <= 90 else shown.replace("  ->  ", "\n  ->  ", 1)


@dataclass(frozen=True)
class Difference:
    """One place where two texts of a block differ.

    `row` is the printed line, from 0, and `at` the columns of `printed` in it; `number` is the
    recomputed number, where it is one.
    """

    row: int
    at: tuple[int, int]
    printed: str
    recomputed: str
    number: Number | None
    is_number: bool
    reworded: bool  # more than numbers differs in its line

    @property
    def in_other_digits(self) -> bool:
        """Whether both are one number, told with more digits in one than in the other."""
        coarse, fine = sorted((self.printed, self.recomputed), key=_decimals)
        if not self.is_number or _decimals(coarse) == _decimals(fine):
            return False
        one, other = _PLAIN.fullmatch(coarse), _PLAIN.fullmatch(fine)
        if one is None or other is None or one["unit"] != other["unit"]:
            return False
        half = Decimal(5).scaleb(-1 - _decimals(coarse))
        return abs(Decimal(one["value"]) - Decimal(other["value"])) <= half


def normal(line: str) -> str:
    """A line as it reads: editors and formatters change spaces and the rules of tables."""
    line = " ".join(line.split())
    if line.startswith("|"):
        line = "|".join(part.strip() for part in line.split("|"))
        return _RULE.sub("---", line)
    return line


def same(printed: Sequence[str], fresh: Sequence[str]) -> bool:
    """Whether two texts read the same."""
    if list(printed) == list(fresh):
        return True
    return [n for p in printed if (n := normal(p))] == [n for f in fresh if (n := normal(f))]


def differences(printed: Sequence[str], fresh: TaggedBlock) -> Iterator[Difference]:
    """Every place where the printed lines differ from those just made."""
    ours = [i for i, line in enumerate(printed) if line.strip()]
    theirs = [i for i, line in enumerate(fresh.lines) if line.strip()]
    matcher = difflib.SequenceMatcher(
        None,
        [normal(printed[i]) for i in ours],
        [normal(fresh.lines[i]) for i in theirs],
        autojunk=False,
    )
    for tag, a, a_end, b, b_end in matcher.get_opcodes():
        if tag == "equal":
            continue
        for k in range(max(a_end - a, b_end - b)):
            row = ours[a + k] if a + k < a_end else None
            other = theirs[b + k] if b + k < b_end else None
            if row is None or other is None:
                place = ours[min(a + k, len(ours) - 1)] if ours else 0
                text = fresh.lines[other] if other is not None else ""
                line = printed[row] if row is not None else ""
                at = (0, len(line))
                yield Difference(
                    row if row is not None else place, at, line, text, None, False, True
                )
            else:
                yield from _in_line(row, printed[row], other, fresh)


def _in_line(row: int, printed: str, other: int, fresh: TaggedBlock) -> Iterator[Difference]:
    line = fresh.lines[other]
    ours, theirs = list(TOKEN.finditer(printed)), list(TOKEN.finditer(line))
    matcher = difflib.SequenceMatcher(
        None, [m[0] for m in ours], [m[0] for m in theirs], autojunk=False
    )
    changed = [one for one in matcher.get_opcodes() if one[0] != "equal"]
    pairs, worded = [], False
    for _, a, a_end, b, b_end in changed:
        were = [m for m in ours[a:a_end] if m.lastgroup == "number"]
        now = [m for m in theirs[b:b_end] if m.lastgroup == "number"]
        pairs += list(zip(were, now, strict=False))
        worded = worded or not len(were) == len(now) == a_end - a == b_end - b
    for was, is_now in pairs:
        number = fresh.number_at(other, is_now.start())
        longer = number is not None and len(number.text) > len(is_now[0])
        said = number.text if number is not None and longer else is_now[0]
        yield Difference(row, was.span(), was[0], said, number, True, worded)
    if worded:
        at = (0, len(printed))
        yield Difference(row, at, printed.strip(), line.strip(), None, False, True)


def _decimals(number: str) -> int:
    """How many digits stand behind the point of a printed number."""
    found = _PLAIN.fullmatch(number)
    return -int(Decimal(found["value"]).as_tuple().exponent) if found else 0


def _few(runs: Sequence[str]) -> str:
    if len(runs) == 1 and runs[0].startswith(STUDIES):
        return f"study {runs[0].removeprefix(STUDIES)}"
    shown = ", ".join(runs[:3])
    return (
        f"runs {shown} and {len(runs) - 3} more"
        if len(runs) > 3
        else (f"run {shown}" if len(runs) == 1 else f"runs {shown}")
    )
