"""The errors of cvkan, one tree:

    CvkanError
    ├── UnknownNameError   a name that a registry or an option does not have
    ├── ConfigError        an option with a value it cannot have
    ├── DataMissingError   a data set that is not on this machine
    └── DataError          a data set that is there and cannot be used as asked

Every message says what happened, the value seen, and what to do next.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


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


class ConfigError(CvkanError):
    """An option with a value it cannot have."""


class DataMissingError(CvkanError):
    """A data set that is not on this machine; says how to get it."""

    def __init__(self, name: str, *, folders: Iterable[Path], do: str) -> None:
        looked = ", ".join(str(folder) for folder in folders)
        super().__init__(f"data set not found (looked in {looked})", seen=name, do=do)


class DataError(CvkanError):
    """A data set that is there and cannot be used as asked."""
