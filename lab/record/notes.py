"""The notes of a run that is under way: `run.summary["note"] = ...`."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

from lab.record.paths import RunPaths
from lab.record.plain import plain
from lab.record.redact import Secrets
from lab.record.run import update_notes
from lab.record.summary import read_notes


class Notes(MutableMapping[str, Any]):
    """The notes of a run; every change is saved at once."""

    def __init__(self, paths: RunPaths, secrets: Secrets) -> None:
        self._paths = paths
        self._secrets = secrets

    def __setitem__(self, name: str, value: Any) -> None:
        self.update({name: value})

    def update(self, *mappings: Any, **named: Any) -> None:
        """Save several notes at once."""
        notes = plain(dict(*mappings, **named), "The notes of a run")
        update_notes(self._paths, self._secrets.value(notes))

    def __delitem__(self, name: str) -> None:
        if name not in self._notes():
            raise KeyError(name)
        update_notes(self._paths, {}, remove=(name,))

    def __getitem__(self, name: str) -> Any:
        return self._notes()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._notes())

    def __len__(self) -> int:
        return len(self._notes())

    def __repr__(self) -> str:
        return repr(self._notes())

    def _notes(self) -> dict[str, Any]:
        return read_notes(self._paths)
