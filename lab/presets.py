"""Presets: parameters by name, found through the entry-point group `lab.presets`.

A preset is any object with `notebook` (a path from the workspace), `description` and `values`
(parameters by name), so that lab imports no science.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib.metadata import entry_points
from typing import Any

from lab.errors import InputError, nearest

GROUP = "lab.presets"


def presets() -> dict[str, Any]:
    """Every registered preset by name."""
    found: dict[str, Any] = {}
    for entry in entry_points(group=GROUP):
        found.update(entry.load())
    return found


def find_preset(name: str) -> Any:
    """The preset `name`; an unknown name is an InputError that shows the nearest."""
    known = presets()
    if name not in known:
        raise InputError("No such preset", seen=name, do=nearest(name, known))
    return known[name]


def preset_values(name: str | None, allowed: Collection[str] | None = None) -> dict[str, Any]:
    """The parameters that preset `name` sets; none without a name.

    Where a notebook's parameters are given as `allowed`, one that it lacks is an InputError.
    """
    if name is None:
        return {}
    preset = find_preset(name)
    lacking = [
        parameter for parameter in preset.values if parameter not in (allowed or preset.values)
    ]
    if lacking:
        raise InputError(
            f"Preset {name} sets what this notebook does not have",
            seen=", ".join(lacking),
            do=f"It is made for {preset.notebook}.",
        )
    return dict(preset.values)
