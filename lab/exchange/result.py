"""What an export or an import did, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Exported:
    """`runs` were written to `target`; `there` are those that it held already.

    `notes` tell what did not come along.
    """

    kind: str  # zip, mlflow or tensorboard
    target: str
    runs: tuple[str, ...]
    there: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "target": self.target,
            "runs": list(self.runs),
            "there": list(self.there),
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Imported:
    """`runs` are new here; `here` are ids of runs that were here already with equal content.

    `renamed` holds (id it had, id it has here); `notes` tell what did not come along.
    """

    kind: str  # zip, mlflow, tensorboard or csv
    source: str
    runs: tuple[str, ...]
    here: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "source": self.source,
            "runs": list(self.runs),
            "here": list(self.here),
            "renamed": [{"id": old, "new_id": new} for old, new in self.renamed],
            "notes": list(self.notes),
        }
