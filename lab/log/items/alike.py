"""Items that say the same of different things, gathered so that a list tells them once.

Run seeds 3 and 4 of every arm (closes with suite `etth1`, `seed=3`)      alike: only the suite
Run seeds 3 and 4 of every arm (closes with suite `sst2`, `seed=3`)       differs
Try `width` above 256                                                     alike: the parameter
Try `depth` above 256
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lab.log.items.closing import without_closer

MANY = 3  # alike items from which on they are told together

_CODE = re.compile(r"`[^`]*`")

T = TypeVar("T")


@dataclass(frozen=True)
class Alike:
    """What the texts of alike items share, and in which words each differs."""

    text: str  # with "…" for what differs
    own: tuple[str, ...]  # one an item; empty where nothing but the way it closes differs


def gathered(
    items: Iterable[T], key: Callable[[T], Hashable | None], *, many: int = MANY
) -> list[list[T]]:
    """The items in groups of one key, each group where its first item stood.

    An item without a key, or of a key that fewer than `many` have, stays alone.
    """
    keyed = [(key(item), item) for item in items]
    counts = Counter(found for found, _ in keyed)
    groups: dict[Hashable, list[T]] = {}
    for place, (found, item) in enumerate(keyed):
        alone = found is None or counts[found] < many
        groups.setdefault(("alone", place) if alone else ("alike", found), []).append(item)
    return list(groups.values())


def same_words(text: str) -> str:
    """What alike items have in common: the text without its names and how it closes."""
    return _CODE.sub("`…`", without_closer(text)).strip()


def told_together(texts: Sequence[str]) -> Alike:
    """What alike texts say, with the names that differ taken out."""
    plain = [without_closer(text).strip() for text in texts]
    names = [_CODE.findall(text) for text in plain]
    varied = [len(set(column)) > 1 for column in zip(*names, strict=True)]
    turn = iter(varied)
    text = _CODE.sub(lambda match: "…" if next(turn) else match[0], plain[0])
    own = (
        ", ".join(name for name, other in zip(found, varied, strict=True) if other)
        for found in names
    )
    return Alike(text, tuple(own))
