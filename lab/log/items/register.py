"""Ids of action items that last: through edits of their words, moves, and other machines.

An item that the tool wrote carries its id in a comment on its line. A hand-written one has none;
what every item last said is kept, so that after an edit by hand its id is found again: by equal
words first, then by words that are alike, in the same entry before others. Without that an id is
made from the entry's title and the words, the same on every machine.

Commands that write keep it in docs/evidence/actions.jsonl, to be committed. Commands that only list
leave the log's folder alone and note it in runs/.index-actions, a cache of this machine; of an item
that both know, the file written last holds.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path

import orjson

from lab.record.files import write_atomic
from lab.workspace import Workspace

# How much of their words two texts share, by which one is taken for an edit of the other.
_ALIKE_HERE, _ALIKE_ELSEWHERE = 0.5, 0.7
_ALIKE_LETTERS = 0.75  # of the letters: a word mended

_WORD = re.compile(r"[^\W_]+(?:[._-][^\W_]+)*")


@dataclass(frozen=True)
class Known:
    """What one item last said; `seen` is the day it was first read."""

    id: str
    text: str
    entry: str
    seen: str


@dataclass(frozen=True)
class Loose:
    """An item as it stands in a log file, with the id on its line or None."""

    text: str
    entry: str
    stamp: str | None


def register_file(workspace: Workspace) -> Path:
    """Where the items' last words are kept, beside the evidence of the log."""
    return workspace.research_log.parent / "evidence" / "actions.jsonl"


def own_register(workspace: Workspace) -> Path:
    """Where this machine notes them when they are listed."""
    return workspace.runs / ".index-actions"


def read_register(workspace: Workspace) -> list[Known]:
    """The items known so far; lines that are none, as of a merge, are passed over."""
    files = [own_register(workspace), register_file(workspace)]
    known: dict[str, Known] = {}
    for path in sorted(files, key=_modified):
        known |= _read(path)
    return list(known.values())


def _read(path: Path) -> dict[str, Known]:
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return {}
    found: dict[str, Known] = {}
    for line in lines:
        with contextlib.suppress(ValueError, TypeError):
            known = Known(**orjson.loads(line))
            if all(isinstance(value, str) for value in vars(known).values()):
                found[known.id] = known
    return found


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def remember(
    workspace: Workspace, items: Sequence[Loose], ids: Sequence[str], *, shared: bool
) -> None:
    """Note what the items say now; a folder that cannot be written to changes nothing.

    With `shared` in the file that is committed, else in that of this machine.
    """
    today = date.today().isoformat()
    known = {item.id: item for item in read_register(workspace)}
    path = register_file(workspace) if shared else own_register(workspace)
    before = _read(path) if shared else dict(known)
    for item, action_id in zip(items, ids, strict=True):
        seen = known[action_id].seen if action_id in known else today
        known[action_id] = Known(action_id, item.text, item.entry, seen)
    if known != before:
        rows = sorted(known.values(), key=lambda item: item.id)
        text = "".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows)
        with contextlib.suppress(OSError):
            write_atomic(path, text.encode(), sync=shared)


def ids_for(items: Sequence[Loose], known: Sequence[Known]) -> list[str]:
    """The id of every item, in order; no two are the same."""
    found: dict[int, str] = {}
    taken: set[str] = set()
    for i, item in enumerate(items):
        # A line that was copied keeps its comment; the first of them keeps the id.
        if item.stamp is not None and item.stamp not in taken:
            found[i] = item.stamp
            taken.add(item.stamp)
    free = {one.id: one for one in known if one.id not in taken}
    _take_equal(items, found, free, lambda one: (one.entry, one.text))
    _take_equal(items, found, free, lambda one: one.text)
    _take_alike(items, found, free)
    taken = {*found.values(), *(one.id for one in known)}
    for i, item in enumerate(items):
        if i not in found:
            found[i] = fresh_id(f"{item.entry}\n{item.text}", taken)
            taken.add(found[i])
    _order_equal(items, found)
    return [found[i] for i in range(len(items))]


def _order_equal(items: Sequence[Loose], found: dict[int, str]) -> None:
    """Give items of one entry with the same words their ids in the order `_take_equal` will."""
    equal: dict[Hashable, list[int]] = defaultdict(list)
    for i, item in enumerate(items):
        if found[i] != item.stamp:
            equal[item.entry, item.text].append(i)
    for indices in equal.values():
        ids = sorted((found[i] for i in indices), key=lambda one: (len(one), one))
        found.update(zip(indices, ids, strict=True))


def fresh_id(text: str, taken: Iterable[str]) -> str:
    """An id made from `text`, with a counter where it is taken already."""
    base = "a" + sha256(text.encode()).hexdigest()[:6]
    used = set(taken)
    number = 1
    while (name := base if number == 1 else f"{base}-{number}") in used:
        number += 1
    return name


def _take_equal(
    items: Sequence[Loose],
    found: dict[int, str],
    free: dict[str, Known],
    key: Callable[[Loose | Known], Hashable],
) -> None:
    waiting: dict[Hashable, list[str]] = defaultdict(list)
    for one in sorted(free.values(), key=lambda one: (len(one.id), one.id), reverse=True):
        waiting[key(one)].append(one.id)
    for i, item in enumerate(items):
        if i not in found and waiting.get(key(item)):
            found[i] = waiting[key(item)].pop()
            del free[found[i]]


def _take_alike(items: Sequence[Loose], found: dict[int, str], free: dict[str, Known]) -> None:
    """Pair what is left, the most alike first."""
    left = [i for i in range(len(items)) if i not in found]
    pairs = [*_pairs_here(items, left, free), *_pairs_elsewhere(items, left, free)]
    for _, i, action_id in sorted(pairs, key=lambda pair: -pair[0]):
        if i not in found and action_id in free:
            found[i] = action_id
            del free[action_id]


def _pairs_here(
    items: Sequence[Loose], left: Sequence[int], free: dict[str, Known]
) -> Iterable[tuple[float, int, str]]:
    came: dict[str, list[int]] = defaultdict(list)
    gone: dict[str, list[Known]] = defaultdict(list)
    for i in left:
        came[items[i].entry].append(i)
    for one in free.values():
        gone[one.entry].append(one)
    for entry, indices in came.items():
        for i in indices:
            for one in gone[entry]:
                alike = _alike(items[i].text, one.text)
                if alike >= _ALIKE_HERE:
                    yield 1 + alike, i, one.id  # the same entry comes before any other


def _pairs_elsewhere(
    items: Sequence[Loose], left: Sequence[int], free: dict[str, Known]
) -> Iterable[tuple[float, int, str]]:
    holding: dict[str, list[str]] = defaultdict(list)
    for one in free.values():
        for word in set(_words(one.text)):
            holding[word].append(one.id)
    for i in left:
        shared = Counter(name for word in set(_words(items[i].text)) for name in holding[word])
        for name, _ in shared.most_common(5):
            alike = _alike(items[i].text, free[name].text)
            if alike >= _ALIKE_ELSEWHERE:
                yield alike, i, name


def _alike(a: str, b: str) -> float:
    words = difflib.SequenceMatcher(None, _words(a), _words(b), autojunk=False).ratio()
    by_letter = difflib.SequenceMatcher(None, a.lower(), b.lower(), autojunk=False)
    # The exact ratio takes long, and the quick one is never below it.
    letters = by_letter.ratio() if by_letter.quick_ratio() >= _ALIKE_LETTERS else 0.0
    return max(words, letters if letters >= _ALIKE_LETTERS else 0.0)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
