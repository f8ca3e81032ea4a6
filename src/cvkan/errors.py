"""The errors of cvkan, one tree:

    CvkanError
    └── UnknownNameError   a name that a registry or an option does not have

Every message says what happened, the value seen, and what to do next.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class CvkanError(ValueError):
    """Something asked of cvkan that it cannot do."""

    def __init__(self, what: str, *, seen: object, do: str) -> None:
        super().__init__(f"{what}: {seen!r}. {do}")
        self.what = what
        self.seen = seen
        self.do = do


class UnknownNameError(CvkanError):
    """A name that is not among the allowed ones; shows them, and the nearest first."""

    def __init__(self, kind: str, name: str, allowed: Iterable[str]) -> None:
        names = sorted(allowed)
        near = get_close_matches(name, names, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        super().__init__(f"unknown {kind}", seen=name, do=f"{hint}Allowed: {', '.join(names)}.")
        self.allowed = tuple(names)
