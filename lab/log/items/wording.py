"""How an action item is written on its line: its words, and what the tool notes beside them.

- [ ] Test bfloat16
- [ ] Train longer (closes with `epochs=50`)
- [x] Test bfloat16 (done by run `20260120_231502`)
- [x] ~~Try dropout above 0.5~~ (rejected: training accuracy falls)
- [ ] Run seeds 3 and 4 of every arm <!-- lab:action a1b2c3d -->

The comment carries the id of an item that the tool wrote; no Markdown viewer shows it. An item that
is struck out while its box is empty is rejected as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_STAMP = re.compile(r"\s*<!--\s*lab:action\s+([A-Za-z0-9-]+)\s*-->")
_BY = re.compile(r"\s*\(done by run `([^`]+)`\)")
_STRUCK = re.compile(r"~~(?P<text>.+?)~~(?P<note>\s*\(rejected(?::\s*(?P<reason>[^)]*))?\))?")
_REJECTED = re.compile(r"\s*\(rejected(?::\s*(?P<reason>[^()]*))?\)\s*$")
_BOX = "[ ]"
# Comments, blanks and the line ending behind the words stay where they are.
_TAIL = re.compile(r"(?:\s*<!--(?:(?!-->).)*-->)*\s*$", re.DOTALL)


@dataclass(frozen=True)
class Wording:
    """What one item says: `text` are its words alone, the rest what is noted beside them."""

    text: str
    state: str  # "open", "done" or "rejected"
    id: str | None = None
    by: str | None = None
    reason: str | None = None


def read_item(raw: str, *, ticked: bool) -> Wording:
    """The words and notes of an item whose source is `raw`, without list marker and box."""
    stamp = _STAMP.search(raw)
    text = _STAMP.sub("", raw).strip()
    struck = _STRUCK.match(text)
    noted = _REJECTED.search(text)
    if noted or (struck and (struck["note"] or not ticked)):
        said = noted["reason"] if noted else struck["reason"] if struck else None
        reason = said.strip() if said else None
        plain = _unrejected(text)
        return Wording(plain, "rejected", stamp[1] if stamp else None, None, reason)
    by = _BY.search(text) if ticked else None
    if by:
        text = _BY.sub("", text)
    state = "done" if ticked else "open"
    return Wording(text.strip(), state, stamp[1] if stamp else None, by[1] if by else None)


def stamped(text: str, action_id: str) -> str:
    """The words of an item with its id behind them."""
    return f"{text} <!-- lab:action {action_id} -->"


def ticked(line: str, column: int, by: str | None = None) -> str:
    """The line with its box at `column` ticked, and the run that did it noted."""
    head, box, words, tail = _parts(line, column)
    if by is not None:
        words = f"{_BY.sub('', words)} (done by run `{by}`)"
    return f"{head}{'[x]' if box == _BOX else box}{words}{tail}"


def rejected(line: str, column: int, reason: str | None = None) -> str:
    """The line ticked and struck out, with why."""
    head, _, words, tail = _parts(line, column)
    words = _BY.sub("", words)
    lead = words[: len(words) - len(words.lstrip())]
    bare = words.strip()
    # Struck words inside would end the strike early.
    text = bare if "~~" in bare else f"~~{bare}~~"
    note = f"(rejected: {reason})" if reason else "(rejected)"
    return f"{head}[x]{lead}{text} {note}{tail}"


def reopened(line: str, column: int) -> str:
    """The line as it was before it was ticked or rejected."""
    head, _, words, tail = _parts(line, column)
    lead = words[: len(words) - len(words.lstrip())]
    return f"{head}{_BOX}{lead}{_unrejected(_BY.sub('', words).strip())}{tail}"


def _unrejected(text: str) -> str:
    struck = _STRUCK.match(text)
    if struck:
        text = struck["text"] + text[struck.end() :]
    return _REJECTED.sub("", text).strip()


def _parts(line: str, column: int) -> tuple[str, str, str, str]:
    """What stands before the box, the box, the words, and the comments and blanks behind."""
    rest = line[column + 3 :]
    tail = _TAIL.search(rest)
    end = tail.start() if tail else len(rest)
    return line[:column], line[column : column + 3], rest[:end], rest[end:]
