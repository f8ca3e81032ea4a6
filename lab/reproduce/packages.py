"""Packages that a run was made with, and how lists of them differ."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lab.numbers import counted
from lab.reproduce.change import Change

_SHOWN = 4


def recorded_packages(file: Path) -> dict[str, str] | None:
    """Versions by name as packages.txt has them; None where nothing was recorded."""
    try:
        return parse_packages(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None


def parse_packages(text: str) -> dict[str, str]:
    pairs = (line.partition("==") for line in text.splitlines() if "==" in line)
    return {_normal(name): version.strip() for name, _, version in pairs}


def package_changes(a: Mapping[str, str] | None, b: Mapping[str, str] | None) -> list[Change]:
    """Packages whose versions differ; none where one side is not known."""
    if a is None or b is None:
        return []
    return [
        Change(name, a.get(name), b.get(name))
        for name in sorted(a.keys() | b.keys())
        if a.get(name) != b.get(name)
    ]


def told(changes: list[Change]) -> str:
    """In words: "numpy 2.4.5 -> 2.4.6, 3 more versions, 2 new (dask, zict), one gone (six)"."""
    both = [f"{c.name} {c.a} -> {c.b}" for c in changes if None not in (c.a, c.b)]
    words = both[:_SHOWN]
    if more := len(both) - len(words):
        words.append(counted(more, "more version"))
    for what, names in (
        ("new", [change.name for change in changes if change.a is None]),
        ("gone", [change.name for change in changes if change.b is None]),
    ):
        if names:
            listed = ", ".join(names[:_SHOWN]) + (" ..." if len(names) > _SHOWN else "")
            words.append(f"{len(names)} {what} ({listed})")
    return ", ".join(words)


def _normal(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(".", "-")
