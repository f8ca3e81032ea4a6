"""Runs that match the query of a block and came after it was written.

An entry is a record of its day, so they are told and change nothing until they are taken in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from lab.errors import LabError
from lab.log.nights import latest_per_slot
from lab.log.selection import standing
from lab.record.lazy import Shelf
from lab.record.run import Run
from lab.record.where import Query, parse_query

Spec = dict[str, Any]


def query_of(runs: str | None, suite: str | None) -> dict[str, str] | None:
    """What was asked for, as the evidence of a block keeps it beside the runs it gave."""
    asked = {"runs": runs, "suite": suite}
    return {key: value for key, value in asked.items() if value} or None


def described(spec: Spec) -> str:
    """The query of a block as one would type it."""
    asked = _asked(spec)
    told = [f'--runs "{asked["runs"]}"'] if asked.get("runs") else []
    return " ".join([*told, *([f"--suite {asked['suite']}"] if asked.get("suite") else [])])


class Arrivals:
    """The runs of a workspace, asked by many blocks."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._by_suite: dict[str, list[Run]] | None = None
        self._matches: dict[str, list[Run]] = {}

    def of(self, spec: Spec, cited: Sequence[str]) -> list[Run]:
        """The runs that the block would take in now, beside those it has; none without a query.

        Only runs that are done count: one that failed has nothing to add.
        """
        known = set(cited)
        return [run for run in self.selection(spec, cited) if run.id not in known]

    def selection(self, spec: Spec, cited: Sequence[str]) -> list[Run]:
        """The block's runs and those that match its query and were done after the last of them."""
        asked = _asked(spec)
        latest = max(cited, default=None)
        if not asked or latest is None or not self._shelf.ids or self._shelf.ids[-1] <= latest:
            return []
        later = (run for run in self._matching(asked) if run.id > latest)
        fresh = [run for run in later if run.status == "done"]
        if not fresh:
            return []
        pinned = [run for i in cited if (run := self._shelf.run(i)) is not None]
        chosen = standing([*pinned, *fresh])
        if asked.get("suite"):
            chosen = latest_per_slot(chosen)
        return sorted(chosen, key=lambda run: run.id)

    def _matching(self, asked: dict[str, str]) -> list[Run]:
        key = repr(sorted(asked.items()))
        if key not in self._matches:
            try:
                query = parse_query(asked["runs"]) if asked.get("runs") else None
            except LabError:
                return []
            found = self._candidates(asked.get("suite") or _suite_asked(query))
            self._matches[key] = [run for run in found if query is None or query.matches(run)]
        return self._matches[key]

    def _candidates(self, suite: str | None) -> Iterable[Run]:
        if suite is None:
            return self._shelf.runs()
        if self._by_suite is None:
            self._by_suite = defaultdict(list)
            for run in self._shelf.runs():
                name = (run.record.get("suite") or {}).get("name")
                if name is not None:
                    self._by_suite[str(name)].append(run)
        return self._by_suite.get(suite, [])


def _asked(spec: Spec) -> dict[str, str]:
    asked = spec.get("query")
    if isinstance(asked, dict):
        return {key: str(value) for key, value in asked.items() if key in ("runs", "suite")}
    return {}


def _suite_asked(query: Query | None) -> str | None:
    """The suite whose runs alone can match."""
    needed = dict(query.needs) if query is not None else {}
    return needed.get("suite.name")
