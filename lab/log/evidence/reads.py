"""What a generated text reads of its runs, noted while it is made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lab.provenance import Count, Quantity, Source, known
from lab.record.metrics import rows_of
from lab.record.run import Run

Path = tuple[str | int, ...]
_MISSING = object()


class Reads:
    """The values that were read of one run: by path, as ("summary", "val/loss", "best").

    `history` holds the rows of its curves where these were asked for. Keys of a dictionary that
    was gone through stand in the order it has.
    """

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.values: dict[Path, Any] = {}
        self.history: list[dict[str, Any]] | None = None
        self.metrics: tuple[str, ...] | None = None  # those of `history`; () for all

    def of(self, run: Run) -> Run:
        """The run, noting here what is read of it; its results are numbers with a source."""
        return _NotedRun(
            run,
            self,
            _Noted(run.record, ("record",), self),
            _Noted(run.params, ("params",), self),
            _Noted(run.summary, ("summary",), self),
        )

    def noted(self, path: Path, value: Any) -> Any:
        """Note a value, and give it to the reader."""
        if isinstance(value, dict):
            self.values.setdefault(path, {})
            return _Noted(value, path, self)
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            return [self.noted((*path, i), item) for i, item in enumerate(value)]
        self.values[path] = value
        if path[0] == "summary" and len(path) == 3 and path[1] != "notes":
            source = Source((self.run_id,), f"{path[1]}.{path[2]}", "value of the run")
            return known(value, source)
        if path == ("record", "seconds"):
            return known(value, Source((self.run_id,), "seconds", "value of the run"))
        return value


class _NotedRun(Run):
    def __init__(
        self,
        run: Run,
        reads: Reads,
        record: dict[str, Any],
        params: dict[str, Any],
        summary: dict[str, Any],
    ) -> None:
        super().__init__(run.path, record, params, summary)
        object.__setattr__(self, "_run", run)
        object.__setattr__(self, "_reads", reads)

    def history(self, *names: str) -> list[dict[str, Any]]:
        run: Run = self._run  # type: ignore[attr-defined]
        reads: Reads = self._reads  # type: ignore[attr-defined]
        # What was read once stays noted beside what is read now.
        reads.metrics = () if reads.metrics == () or not names else (*(reads.metrics or ()), *names)
        reads.history = run.history(*dict.fromkeys(reads.metrics))
        return [_known_row(run.id, row) for row in rows_of(reads.history, names)]


def _known_row(run_id: str, row: dict[str, Any]) -> dict[str, Any]:
    step = row.get("step")
    made: dict[str, Any] = {}
    for name, value in row.items():
        if name == "step":
            made[name] = Count(value, Source((run_id,), "step", "value of the run"))
        elif "/" in name and isinstance(value, int | float):
            source = Source((run_id,), name, f"value at step {step}")
            made[name] = Quantity(value, source)
        else:
            made[name] = value
    return made


class _Noted(dict[str, Any]):
    """A dictionary that notes every way of reading it."""

    def __init__(self, content: dict[str, Any], path: Path, reads: Reads) -> None:
        super().__init__(content)
        self._path = path
        self._reads = reads

    def __getitem__(self, key: str) -> Any:
        return self._reads.noted((*self._path, key), super().__getitem__(key))

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if super().__contains__(key) else default

    def __contains__(self, key: object) -> bool:
        found = super().__contains__(key)
        if found:
            self[str(key)]
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole())

    def keys(self) -> Any:
        return self._whole().keys()

    def values(self) -> Any:
        return self._whole().values()

    def items(self) -> Any:
        return self._whole().items()

    def __eq__(self, other: object) -> bool:
        return self._whole() == other

    __hash__ = None

    def __len__(self) -> int:
        return len(self._whole())

    def __or__(self, other: Any) -> Any:
        return self._whole() | other

    def copy(self) -> dict[str, Any]:
        return self._whole()

    def _whole(self) -> dict[str, Any]:
        made = {}
        for key in super().__iter__():
            # Taken out and put back, so that the notes have the order of the dictionary.
            path = (*self._path, key)
            before = self._reads.values.pop(path, _MISSING)
            if before is not _MISSING:
                self._reads.values[path] = before
            made[key] = self[key]
        return made
