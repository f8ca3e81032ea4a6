"""A new space in the making: what is changed, frozen and dropped, and what is left of the old."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from lab.sweep.freezing import Frozen
from lab.sweep.good_range import width
from lab.sweep.space import Parameter, Space, number_text, value_text


@dataclass(frozen=True)
class Change:
    """One line of the new space that is other than before; `old` and `new` as the file writes them.

    `parameter` is its name; `new` may be `fixed at 16` or `dropped`. `lines` are the keys of its
    entry that changed, with what they were: {"high": "6"}.
    """

    parameter: str
    old: str
    new: str
    reason: str
    lines: dict[str, str] = field(default_factory=dict)


class NextSpace:
    """A new space in the making."""

    def __init__(self, old: Space) -> None:
        self._old = old
        self._new: dict[str, Parameter] = {p.name: p for p in old.params}
        # Frozen: where the optimum lies in them is not known.
        self.frozen: set[str] = set()
        self.fixed: dict[str, Any] = dict(old.fixed)
        self.changes: list[Change] = []

    @property
    def params(self) -> list[Parameter]:
        return [self._new[name] for name in self._old.names if name in self._new]

    def change(self, parameter: Parameter, new: Parameter, reason: str) -> None:
        self._new[parameter.name] = new
        told = new.describe()
        if len(new.choices) == 1 and not parameter.numeric:
            told = f"fixed at {value_text(new.choices[0])}"
        lines = _lines(parameter, new)
        self.changes.append(Change(parameter.name, parameter.describe(), told, reason, lines))

    def freeze(self, parameter: Parameter, frozen: Frozen) -> None:
        self.frozen.add(parameter.name)
        self._new[parameter.name] = frozen.parameter
        lines = _lines(parameter, frozen.parameter)
        before = parameter.describe()
        self.changes.append(Change(parameter.name, before, frozen.told, frozen.reason, lines))

    def settle(self) -> None:
        """Fix what has one value left everywhere, and drop what can no longer be active."""
        again = True
        while again:
            again = False
            for name, parameter in list(self._new.items()):
                met = {n: v for n, v in parameter.when.items() if n in self.fixed}
                if any(self.fixed[n] not in allowed for n, allowed in met.items()):
                    told = ", ".join(f"{n}={value_text(self.fixed[n])}" for n in met)
                    self._drop(parameter, f"plays no part with {told}")
                    again = True
                elif met:
                    rest = {n: v for n, v in parameter.when.items() if n not in met}
                    self._new[name] = replace(parameter, when=rest)
                    again = True
                elif not parameter.when and len(left := _left(parameter)) == 1:
                    self.fixed[name] = left[0]
                    del self._new[name]
                    again = True
        self._narrow_conditions()

    def _narrow_conditions(self) -> None:
        """Conditions name only values that their parents still have."""
        for name, parameter in list(self._new.items()):
            when = {}
            for parent, allowed in parameter.when.items():
                left = self._new[parent].values or ()
                when[parent] = tuple(value for value in allowed if value in left)
            if not all(when.values()):
                self._drop(parameter, "plays no part with what is left")
            else:
                self._new[name] = replace(parameter, when=when)

    def _drop(self, parameter: Parameter, reason: str) -> None:
        del self._new[parameter.name]
        self.frozen.discard(parameter.name)
        self.changes = [change for change in self.changes if change.parameter != parameter.name]
        before = self._old.parameter(parameter.name).describe()
        self.changes.append(Change(parameter.name, before, "dropped", reason))

    def holds(self, point: Mapping[str, Any]) -> bool:
        """Whether a configuration of the old space lies in the new one, what is frozen aside."""
        return all(self._has(name, value) for name, value in point.items())

    def _has(self, name: str, value: Any) -> bool:
        if name in self.frozen:
            return True
        if name in self._new:
            return self._new[name].contains(value)
        return name in self.fixed and self.fixed[name] == value

    @property
    def volume(self) -> float:
        """The chance that the new space has of a draw from the old one, widened ranges above 1."""
        switches = {parameter.name: len(parameter.values or ()) for parameter in self._old.switches}
        total = 0.0
        for branch in self._old.branches():
            if all(self._has(name, value) for name, value in branch.values.items()):
                weight = 1 / prod(switches[name] for name in branch.values)
                free = [name for name in branch.active if name not in branch.values]
                total += weight * prod(self._ratio(name) for name in free)
        return total

    def _ratio(self, name: str) -> float:
        old = self._old.parameter(name)
        if name in self.frozen:
            return 1.0
        if name in self._new:
            return width(old, self._new[name])
        return 1 / len(old.values) if old.values else 0.0


def _left(parameter: Parameter) -> tuple[Any, ...]:
    """The values of a parameter, those of a range that is one point too; () for a continuum."""
    if parameter.numeric and parameter.low == parameter.high:
        return (parameter.low,)
    return parameter.values or ()


def _lines(old: Parameter, new: Parameter) -> dict[str, str]:
    """The keys that differ, with what they were."""
    if old.kind != new.kind:
        return {"type": old.type_text, "choices": old.describe()}
    if old.choices != new.choices:
        return {"choices": old.describe()}
    bounds = ((key, getattr(old, key), getattr(new, key)) for key in ("low", "high"))
    return {key: number_text(before) for key, before, after in bounds if before != after}
