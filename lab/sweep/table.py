"""Trials as a table, before they are a study: what every importer reads its source into."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lab.sweep.space import Direction, Parameter


@dataclass
class Row:
    """One trial: its active parameters, and `state` as Optuna names it."""

    number: int
    params: dict[str, Any]
    value: float | None
    state: str
    extra: dict[str, Any] = field(default_factory=dict)
    steps: dict[int, float] = field(default_factory=dict)
    seconds: float | None = None


@dataclass
class Table:
    """All trials of a source; `declared`: ranges it states itself, `notes`: what was assumed."""

    rows: list[Row]
    names: list[str]
    objective: str
    direction: Direction
    source: str
    notes: list[str]
    declared: dict[str, Parameter] = field(default_factory=dict)
