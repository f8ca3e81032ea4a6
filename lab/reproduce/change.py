"""One thing that differs between two runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Change:
    """`a` and `b` are its values in the two runs; None where a run does not have it."""

    name: str
    a: Any
    b: Any

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "a": self.a, "b": self.b}
