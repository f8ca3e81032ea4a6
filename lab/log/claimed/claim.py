"""Claims: sentences registered with the runs that carry them, and tested again as runs arrive.

state          compared with the day the claim was made
supported      the verdict is that it holds
observed       as expected, with too few seeds for a verdict
undecided      enough seeds, and no verdict
opposed        not as expected, with too few seeds for a verdict
weakened       it was supported and is no longer, or was observed and is undecided or opposed now,
               or on no more evidence than then its lead is less than half
contradicted   the verdict is that it does not hold
open           one of its arms has no run
unknown        its runs are not on this machine
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from lab import numbers
from lab.comparison.measure import attribute
from lab.errors import LabError
from lab.log.book import Book, date_of
from lab.log.claimed.block import tested
from lab.log.claimed.testing import GRADES, ClaimTest
from lab.log.claimed.words import STATES, changed, halved, sentence
from lab.log.entry import entries_of, entry_sections, entry_title, read_books
from lab.log.evidence.comment import blocks_of
from lab.log.evidence.drift import Drift
from lab.log.evidence.snapshot import read_snapshot
from lab.record.lazy import Shelf
from lab.record.run import Run
from lab.workspace import Workspace

_GIVEN_UP = ("contradicted", "refuted", "withdrawn", "superseded", "wrong")
_EVIDENCE = {"open": 0, "opposed": 1, "observed": 1}  # every other grade is a verdict: 2


@dataclass(frozen=True)
class Claim:
    """One registered claim: how it stands now, and how it stood on its day."""

    id: str
    text: str
    state: str
    on_its_day: str | None  # None where the runs of that day are gone
    says: str  # one sentence on how it stands
    by: str
    metric: str | None
    expect: str
    seeds: int
    file: str
    line: int
    entry: str
    date: str | None
    new_runs: tuple[str, ...]
    acknowledged: bool  # its entry's status says that it does not hold
    results: tuple[dict[str, Any], ...] = field(repr=False)

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def fails(self) -> bool:
        """Whether it is contradicted, and the log does not say so yet."""
        return self.state == "contradicted" and not self.acknowledged

    @property
    def changed(self) -> bool:
        return self.on_its_day is not None and self.state not in (self.on_its_day, "unknown")

    def as_dict(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return plain | {"new_runs": list(self.new_runs), "results": list(self.results)}

    def as_drift(self) -> Drift:
        """The claim as what a check finds: its text, and what its runs say now."""
        reason = f"claim {self.state}"
        return Drift(self.file, self.line, self.text, self.says, reason, self.new_runs, self.metric)

    def __str__(self) -> str:
        before = f", {self.on_its_day} on its day" if self.changed else ""
        return f"{self.place}  {self.state}{before}: {self.text}\n  {self.says}"


def claims(*, workspace: Workspace | None = None) -> list[Claim]:
    """Every claim of every log file, tested again on its own runs and all new ones that match."""
    workspace = workspace or Workspace.find()
    # Most logs have none, and are not read for it.
    if not any(b'"kind": "claim"' in path.read_bytes() for path in workspace.log_files()):
        return []
    found = list(_registered(read_books(workspace), workspace))
    if not found:
        return []
    everything = list(Shelf(workspace).runs())
    return [_tested_again(*one, everything, workspace) for one in found]


@dataclass(frozen=True)
class _Place:
    file: str
    line: int
    entry: str
    date: str | None
    status: str
    block: str


def _registered(books: Sequence[Book], workspace: Workspace) -> list[tuple[dict[str, Any], _Place]]:
    found = []
    statuses = {(entry.file, entry.line): entry.status for entry in entries_of(books, workspace)}
    for book in books:
        file = workspace.relative(book.path)
        sections = list(entry_sections(book))
        for block in blocks_of(book):
            if block.spec is None or block.spec.get("kind") != "claim":
                continue
            holding = [s for s in sections if s.line <= block.start < s.end]
            section = holding[-1] if holding else None
            place = _Place(
                file=file,
                line=block.start,
                entry=entry_title(section) if section else "",
                date=date_of(section.title) if section else None,
                status=statuses.get((file, section.line + 1)) or "" if section else "",
                block=block.id,
            )
            found.append((block.spec, place))
    return found


def _tested_again(
    spec: dict[str, Any], place: _Place, everything: Sequence[Run], workspace: Workspace
) -> Claim:
    name = claim_id(spec)
    by_id = {run.id: run for run in everything}
    stored = _stored(place.block, workspace) if not by_id.keys() >= set(spec["runs"]) else {}
    pinned = [
        found
        for i in spec["runs"]
        if (found := by_id.get(i) or _archived(i, workspace) or stored.get(i))
    ]
    whole = len(pinned) == len(spec["runs"])
    fresh: list[Run] = []
    try:
        fresh = [run for run in matching(spec, everything) if run.id not in set(spec["runs"])]
        now = tested(spec, [*pinned, *fresh])
        before = tested(spec, pinned) if whole else None
    except LabError as error:
        now, before = ClaimTest("open", (), (), ()), None
        state, says = "unknown", str(error)
    else:
        state = state_of(before, now)
        says = _says(before, now, spec, state)
        if not whole and not now.results:
            gone = numbers.counted(len(spec["runs"]) - len(pinned), "run")
            state, says = "unknown", f"{gone} of it cannot be found on this machine."
    used = set(now.run_ids)
    return Claim(
        id=name,
        text=str(spec["text"]),
        state=state,
        on_its_day=before.grade if before else None,
        says=says,
        by=spec["by"],
        metric=spec.get("metric"),
        expect=spec["expect"],
        seeds=now.seeds,
        file=place.file,
        line=place.line,
        entry=place.entry,
        date=place.date,
        new_runs=tuple(run.id for run in fresh if run.id in used),
        acknowledged=place.status.lower().startswith(_GIVEN_UP),
        results=tuple(_plain(now)),
    )


def claim_id(spec: dict[str, Any]) -> str:
    """The same for a claim wherever its block is moved."""
    said = "\n".join(str(spec.get(key)) for key in ("text", "by", "metric", "expect", "rows"))
    return "c" + sha256(said.encode()).hexdigest()[:6]


def matching(spec: dict[str, Any], everything: Sequence[Run]) -> list[Run]:
    """The runs that a claim asks for: by its expression, on its notebooks and data sets.

    Raises QueryError where the expression names what no run has.
    """
    from lab.record.where import parse_query

    query = spec.get("query")
    found = parse_query(query).select(everything) if query else list(everything)
    for name, values in (spec.get("scope") or {}).items():
        found = [run for run in found if attribute(run, name) in values]
    return found


def state_of(before: ClaimTest | None, now: ClaimTest) -> str:
    """The state of a claim, from its test on its day and the one on all runs now."""
    grade = now.grade
    if before is None or grade == "contradicted":
        return grade
    less = GRADES.index(grade) < GRADES.index(before.grade)
    if before.grade == "supported" and less:
        return "weakened"
    if before.grade == "observed" and grade in ("undecided", "opposed"):
        return "weakened"
    holds = before.grade in ("supported", "observed")
    no_more = _EVIDENCE.get(grade, 2) <= _EVIDENCE.get(before.grade, 2)
    return "weakened" if holds and no_more and halved(before, now) else grade


def _says(before: ClaimTest | None, now: ClaimTest, spec: dict[str, Any], state: str) -> str:
    said = sentence(now, spec.get("margin"))
    if before is not None and set(before.run_ids) != set(now.run_ids):
        told = changed(before, now)
        said += f" {numbers.capital(told)}." if told else ""
    return said if state == now.grade else f"{STATES[now.grade]}. {said}"


def _archived(run_id: str, workspace: Workspace) -> Run | None:
    from lab.record.catalogue import find_run

    try:
        return find_run(workspace, run_id)
    except LabError:
        return None


def _stored(block: str, workspace: Workspace) -> dict[str, Run]:
    """The runs of a claim as its snapshot in docs/evidence/ holds them."""
    try:
        snapshot = read_snapshot(workspace, block)
        source = snapshot.source(workspace) if snapshot else None
        return {i: source.run(i) for i in snapshot.runs} if snapshot and source else {}
    except LabError:
        return {}


def _plain(test: ClaimTest) -> list[dict[str, Any]]:
    return [
        {
            "row": r.row,
            "expected": f"{r.step.first}{r.step.operator}{r.step.second}",
            "metric": r.metric,
            "grade": r.grade,
            "seeds": r.n,
            "first": r.first,
            "second": r.second,
            "lead": r.lead,
            "low": r.low,
            "high": r.high,
            "paired": r.paired,
        }
        for r in test.results
    ]
