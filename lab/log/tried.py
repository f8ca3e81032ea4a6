"""How often a question was asked before: earlier entries that compare the same, and their seeds.

A question is what is compared (`by`), on which notebook and data set, by which metric. Arms of
suites have names of their own, so two of them have to be the same. An entry counts as an earlier
try where the new one has runs that it had not; the same runs written up twice are one try.

The evidence counts all that came before and pins the latest of it, so that a question asked for
the hundredth time does not carry every run of the others along.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lab import numbers
from lab.comparison.alike import alike, fixed
from lab.comparison.measure import ARM, attribute, headline, label, seed_of
from lab.log.book import Book, Section, date_of
from lab.log.entry import entry_sections, entry_title, read_books
from lab.log.evidence.comment import blocks_of
from lab.log.evidence.source import runs_of
from lab.log.findings import listed
from lab.record.lazy import Shelf, shelf_of
from lab.record.run import Run
from lab.workspace import Workspace

Spec = dict[str, Any]
_ARMS = (ARM, "suite.arm")
_SAME_ARMS = 2  # of suites, which name theirs as they like
_NO_TEXTS = ("None", "True", "False", "nan", "inf")
_MOST = 4  # entries and runs told by name
_SO_FAR = "So far, with this entry"
_PINNED = 100  # earlier runs whose seeds are told, the latest


@dataclass(frozen=True)
class _Asked:
    """One question: tasks are (notebook, data set, metric)."""

    by: str
    tasks: frozenset[tuple[str, str, str]]
    runs: tuple[Run, ...]

    @cached_property
    def arms(self) -> frozenset[str]:
        values = (attribute(run, self.by) for run in self.runs)
        return frozenset(label(value) for value in values if value is not None)

    def same(self, other: _Asked) -> bool:
        return (
            self.by == other.by
            and bool(self.tasks & other.tasks)
            and (self.by not in _ARMS or len(self.arms & other.arms) >= _SAME_ARMS)
        )


def tried_spec(
    comparison: Spec, runs: Sequence[Run], workspace: Workspace, *, known: Collection[str] = ()
) -> Spec | None:
    """The evidence of what was tried before the comparison of this evidence; None for nothing.

    `known` are ids of runs that the same entry tells of elsewhere.
    """
    by, metric = comparison["by"], comparison.get("metric")
    asked = _asked(by, metric, runs)
    ours = {run.id for run in runs}
    shelf = shelf_of(workspace)
    elsewhere = _on_other_data(runs, shelf)
    earlier: dict[tuple[str, str], set[str]] = defaultdict(set)
    written = set(known)
    for book in read_books(workspace):
        sections = list(entry_sections(book))
        for block in blocks_of(book):
            spec = block.spec or {}
            about = runs_of(spec)
            written.update(about)
            if spec.get("kind") != "comparison" or spec.get("by") != by:
                continue
            if elsewhere.issuperset(about):
                continue
            found = [run for i in about if (run := shelf.run(i)) is not None]
            before = _asked(by, spec.get("metric"), found)
            if found and asked.same(before) and _newer(runs, metric, found, before):
                at = _entry(book, sections, block.start)
                earlier[at] |= {run.id for run in found if run.status == "done"}
    unknown = [i for i in shelf.ids if i not in written and i not in ours]
    loose = _never_written(by, asked.arms, runs, shelf, unknown)
    if not earlier and not loose:
        return None
    done = {run.id for run in runs if run.status == "done"}
    past = sorted({*loose, *(i for ids in earlier.values() for i in ids)} - done)
    shown = [{"date": date, "title": title} for date, title in list(earlier)[-_MOST:]]
    latest = past[-_PINNED:]
    return {
        "kind": "tried",
        "by": by,
        "seed_param": comparison.get("seed_param", "seed"),
        "runs": sorted({*done, *latest}),
        "times": len(earlier),
        "entries": shown,
        "unwritten": loose[:_MOST],
        "unwritten_runs": len(loose),
    } | ({"earlier_runs": len(past), "latest_runs": len(latest)} if past != latest else {})


def tried_text(spec: Spec, runs: Sequence[Run]) -> str:
    """The sentences of that evidence; `runs` are all that it pins."""
    entries, loose = spec["entries"], spec["unwritten"]
    # Evidence of before these counts were kept names every entry and every run.
    times, unwritten = spec.get("times", len(entries)), spec.get("unwritten_runs", len(loose))
    said = []
    if times:
        often = "once" if times == 1 else f"{times} times"
        names = [f'"{one["title"]}" ({one["date"] or "undated"})' for one in entries[-_MOST:]]
        more = [f"{times - _MOST} before these"] if times > _MOST else []
        said.append(f"This question was tried {often} before: {listed([*names, *more])}.")
    if unwritten:
        ids = [f"`{i}`" for i in loose[:_MOST]]
        more = [f"{unwritten - _MOST} more"] if unwritten > _MOST else []
        verb = "was" if unwritten == 1 else "were"
        first = numbers.counted(unwritten, "run")
        said.append(
            f"{numbers.capital(first)} with these settings {verb} never written up: "
            f"{listed([*ids, *more])}."
        )
    latest, earlier = spec.get("latest_runs"), spec.get("earlier_runs")
    capped = f"In this entry and the latest {latest} of {earlier} earlier runs"
    said.append(f"{capped if earlier else _SO_FAR}: {listed(_seeds(spec, runs))}.")
    return " ".join(said)


def _newer(runs: Sequence[Run], metric: str | None, earlier: Sequence[Run], asked: _Asked) -> bool:
    """Whether one of `runs` is on a task of the earlier entry and was not in it."""
    known = {run.id for run in earlier}
    return any(run.id not in known and _task(run, metric) in asked.tasks for run in runs)


def _task(run: Run, metric: str | None) -> tuple[str, str, str]:
    return str(run.notebook), str(attribute(run, "dataset")), str(metric or headline(run))


def _asked(by: str, metric: str | None, runs: Sequence[Run]) -> _Asked:
    done = tuple(run for run in runs if run.status == "done")
    return _Asked(by, frozenset(_task(run, metric) for run in done), done)


def _never_written(
    by: str, arms: Collection[str], runs: Sequence[Run], shelf: Shelf, ids: Sequence[str]
) -> list[str]:
    """Of the runs of these ids those that are done, of the same arms and in the same settings."""

    def done(run: Run) -> bool:
        return run.status == "done" and label(attribute(run, by)) in arms

    if by in _ARMS:
        suites = {_suite(run) for run in runs}
        near = {i for name, _ in suites for i in shelf.may_hold("record", [name])}
        of_suites = shelf.runs([i for i in ids if i in near])
        return [run.id for run in of_suites if _suite(run) in suites and done(run)]
    examples = [run for run in runs if by in run.params]
    if not examples:
        return []
    first, *others = (fixed(run.params, by) for run in examples)
    common = [v for n, v in first.items() if all(other.get(n) == v for other in others)]
    near = {*shelf.may_hold("params", common)}
    new = [run for run in shelf.runs([i for i in ids if i in near]) if done(run)]
    return sorted({run.id for example in examples for run in alike(new, example, by=by)})


def _on_other_data(runs: Sequence[Run], shelf: Shelf) -> frozenset[str]:
    """Ids of runs that are surely on none of the data sets that these done runs are on."""
    names = [attribute(run, "dataset") for run in runs if run.status == "done"]
    if not names or not all(_only_a_text(name) for name in names):
        return frozenset()
    near = {i for name in names for i in shelf.may_hold("params", [name])}
    return frozenset(shelf.ids) - near


def _only_a_text(value: Any) -> bool:
    """Whether this is a text, and no number or the like is shown in the same words."""
    return isinstance(value, str) and value[:1].isalpha() and value not in _NO_TEXTS


def _suite(run: Run) -> tuple[str | None, str]:
    return (run.record.get("suite") or {}).get("name"), str(run.notebook)


def _entry(book: Book, sections: Sequence[Section], line: int) -> tuple[str, str]:
    """Date and title of the entry that a line is in."""
    holding = [section for section in sections if section.line <= line < section.end]
    if not holding:
        return "", book.path.name
    return date_of(holding[-1].title) or "", entry_title(holding[-1])


def _seeds(spec: Spec, runs: Sequence[Run]) -> list[str]:
    arms: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        if (value := attribute(run, spec["by"])) is not None:
            arms[label(value)].append(run)
    said = []
    for arm, of in arms.items():
        seeds = {repr(seed_of(run, spec["seed_param"])) for run in of}
        told = f"`{arm}` {numbers.counted(len(seeds), 'seed')}"
        more = f" in {numbers.counted(len(of), 'run')}" if len(of) > len(seeds) else ""
        said.append(told + more)
    return said
