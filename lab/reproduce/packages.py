"""Packages that a run was made with, and how lists of them differ."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

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
    """The first few in words: "numpy 2.4.5 -> 2.4.6, dask new, and 3 more"."""
    words = [_told(change) for change in changes[:_SHOWN]]
    more = len(changes) - len(words)
    return ", ".join([*words, *([f"and {more} more"] if more else [])])


def _told(change: Change) -> str:
    if change.a is None:
        return f"{change.name} new"
    if change.b is None:
        return f"{change.name} gone"
    return f"{change.name} {change.a} -> {change.b}"


def _normal(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(".", "-")
