"""Names of metrics elsewhere, and what they are called here: split/name."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lab.errors import InputError
from lab.record.metrics import check_name

_SPLITS = ["train", "training", "val", "valid", "validation", "test", "eval"]
_SPLIT = "|".join(sorted(_SPLITS, key=len, reverse=True))
_BEFORE = re.compile(rf"({_SPLIT})[ _.\-](.+)", re.IGNORECASE)
_AFTER = re.compile(rf"(.+)[ _.\-]({_SPLIT})", re.IGNORECASE)
_ODD = re.compile(r"[^\w.@+-]+")
_ELSEWHERE = "metric"  # the split of a metric whose name says none


def metric_names(originals: Iterable[str]) -> dict[str, str]:
    """A name for each of these metrics that it can have here; no two have the same.

    val/accuracy   # val/accuracy: kept
    val_accuracy   # val/accuracy
    Loss/train     # train/Loss
    loss           # metric/loss: nothing says which split
    """
    found: dict[str, str] = {}
    # Names that may be kept are kept, whatever else would become the same.
    known = sorted(set(originals), key=lambda name: (_named(name) != name, name))
    taken: set[str] = set()
    for original in known:
        name = first = _named(original)
        count = 2
        while name in taken:
            name, count = f"{first}_{count}", count + 1
        found[original] = name
        taken.add(name)
    return found


def _named(original: str) -> str:
    parts = [part for part in (_ODD.sub("_", p.strip()) for p in original.split("/")) if part]
    if len(parts) == 1:
        parts = _split(parts[0])
    elif len(parts) == 2 and parts[1].lower() in _SPLITS and parts[0].lower() not in _SPLITS:
        parts.reverse()
    if not parts:
        parts = [_ELSEWHERE, "unnamed"]
    name = "/".join(parts)
    if name.endswith((".last", ".best")):  # what the value of a metric is asked for by
        name = f"{name[:-5]}_{name[-4:]}"
    return name if _is_name(name) else f"{_ELSEWHERE}/{_ODD.sub('_', name)}"


def _split(name: str) -> list[str]:
    if found := _BEFORE.fullmatch(name):
        return [found[1], found[2]]
    if found := _AFTER.fullmatch(name):
        return [found[2], found[1]]
    return [_ELSEWHERE, name]


def _is_name(name: str) -> bool:
    try:
        return check_name(name) == name
    except InputError:
        return False
