"""Registering a claim: an entry of its own, or a block in one that is there."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date as calendar
from pathlib import Path
from typing import Any

from lab import numbers
from lab.comparison.measure import attribute, check_attribute, check_metric, label
from lab.comparison.verdict import VERDICT_FROM
from lab.datasets import datasets
from lab.errors import InputError, LogError, nearest
from lab.log.book import Book, edit
from lab.log.changes import entries, find_entry
from lab.log.claimed.block import claim_text, tested
from lab.log.claimed.claim import claim_id
from lab.log.claimed.expect import Step, arms_of, read_expectation
from lab.log.claimed.testing import ClaimTest
from lab.log.claimed.words import STATES, sentence
from lab.log.compose import NewEntry, checked_date
from lab.log.draft import NOT_ASSESSED, Draft, related_runs
from lab.log.entry import entry_sections, read_books
from lab.log.evidence.comment import blocks_of, wrapped
from lab.log.evidence.refreshing import save_snapshots
from lab.log.findings import listed
from lab.log.items.repeats import not_repeated
from lab.log.place import add_entry
from lab.log.render import render
from lab.record.run import Run
from lab.workspace import Workspace

_POINT = 0.01  # of an accuracy: the difference below which arms count as no worse
_STATUS = {"supported": "Confirmed", "contradicted": "Contradicted"}


@dataclass(frozen=True)
class NewClaim:
    """A claim as registered, or as it would be; `entry` holds the text that was written."""

    state: str
    says: str
    entry: NewEntry


def claim(
    text: str,
    *,
    by: str,
    expect: str,
    metric: str | None = None,
    runs: str | None = None,
    rows: str | None = None,
    margin: float | None = None,
    seed_param: str = "seed",
    entry: str | int | None = None,
    file: Path | str | None = None,
    date: calendar | str | None = None,
    dry_run: bool = False,
    workspace: Workspace | None = None,
) -> NewClaim:
    """Register a claim with its evidence, in an entry of its own or in the one named by `entry`.

    claim("attention beats mean", by="pooling", metric="val/accuracy", expect="attention>mean")

    `runs` is an expression as for `lab.runs`, by default every run with one of the arms, on the
    data sets that the text names; several data sets or notebooks among them become rows, and the
    claim has to hold in each. `margin` is
    what `>=` and `=` allow, in the unit of the metric; 0.01 for accuracies.
    Raises InputError or LogError, and then nothing was written.
    """
    workspace = workspace or Workspace.find()
    if not text.strip() or "\n" in text:
        raise InputError("A claim is one line of text", seen=repr(text), do="Say it in one.")
    spec, found = _evidence(text.strip(), by, expect, metric, runs, rows, margin, seed_param,
                            workspace)  # fmt: skip
    test = tested(spec, found)
    block = wrapped(spec, claim_text(spec, found, workspace))
    if entry is not None:
        made = _into(str(entry), block, spec, dry_run, workspace)
    else:
        made = _own_entry(spec, block, test, found, file, checked_date(date), dry_run, workspace)
    if not dry_run:
        save_snapshots(block, workspace)
    said = f"{STATES[test.grade]}. {sentence(test, spec['margin'])}"
    return NewClaim(test.grade, said, made)


def _evidence(
    text: str,
    by: str,
    expect: str,
    metric: str | None,
    query: str | None,
    rows: str | None,
    margin: float | None,
    seed_param: str,
    workspace: Workspace,
) -> tuple[dict[str, Any], list[Run]]:
    """The evidence of a claim, and the runs that it pins."""
    from lab.record.catalogue import find_runs

    steps = read_expectation(expect)
    everything = [run for run in find_runs(workspace, where=query) if run.status == "done"]
    if not everything:
        raise InputError(
            "A claim needs runs that are done", seen=query or "no run", do="See `lab runs`."
        )
    check_attribute(everything, by, "--by")
    found = [run for run in everything if label(attribute(run, by)) in arms_of(steps)]
    known = dict.fromkeys(label(v) for r in everything if (v := attribute(r, by)) is not None)
    for arm in arms_of(steps):
        if not any(label(attribute(run, by)) == arm for run in found):
            raise InputError(f"No run has this `{by}`", seen=arm, do=nearest(arm, known))
    if metric is not None:
        check_metric(found, metric)
        found = [run for run in found if metric in run.summary]
    found = _named(text, found) if query is None else found
    rows = rows or _rows_of(found)
    spec: dict[str, Any] = {
        "kind": "claim", "text": text, "runs": [], "query": query, "by": by, "metric": metric,
        "rows": rows, "expect": expect, "margin": _margin(steps, margin, metric),
        "seed_param": seed_param,
    }  # fmt: skip
    test = tested(spec, found)
    if not test.results:
        raise InputError(
            "These arms were never run on the same task", seen=expect,
            do="Widen --runs, or name another --metric. " + " ".join(test.notes),
        )  # fmt: skip
    pinned = [run for run in found if run.id in set(test.run_ids)]
    spec["runs"] = sorted(test.run_ids)
    spec["scope"] = {
        name: values
        for name in ("notebook", "dataset")
        if (values := sorted({str(v) for r in pinned if (v := attribute(r, name)) is not None}))
    }
    return spec, pinned


def _rows_of(runs: Sequence[Run]) -> str | None:
    """What tells tasks apart that must not be pooled: data sets where each run names one."""
    datasets = {attribute(run, "dataset") for run in runs}
    if len(datasets) > 1 and None not in datasets:
        return "dataset"
    return "notebook" if len({run.notebook for run in runs}) > 1 else None


def _named(text: str, runs: Sequence[Run]) -> list[Run]:
    """The runs on the data sets that the claim names, as "CIFAR-10"; all where it names none.

    Raises InputError where it names a registered data set that none of them is on.
    """
    ran = {str(name) for run in runs if (name := attribute(run, "dataset")) is not None}
    if named := _spoken(ran, text):
        return [run for run in runs if str(attribute(run, "dataset")) in named]
    if ran and (absent := _spoken(datasets(), text)):
        raise InputError(
            "The claim names a data set that no run of its arms is on",
            seen=", ".join(sorted(absent)),
            do="Run them there, or say with --runs which runs carry it.",
        )
    return list(runs)


def _spoken(names: Iterable[str], text: str) -> set[str]:
    """The names that stand in the text as words of their own, however they are joined."""
    found = set()
    for name in names:
        letters = "[^a-z0-9]*".join(mark for mark in name.lower() if mark.isalnum())
        if len(name) > 2 and re.search(rf"(?<![a-z0-9]){letters}(?![a-z0-9])", text.lower()):
            found.add(name)
    return found


def _margin(steps: tuple[Step, ...], margin: float | None, metric: str | None) -> float | None:
    if all(step.operator == ">" for step in steps):
        if margin is not None:
            raise InputError(
                "A margin is for `>=` and `=`", seen=margin, do="Leave it out, or expect A>=B."
            )
        return None
    if margin is not None and not 0 < margin < math.inf:
        raise InputError("A margin is above zero", seen=margin, do="As in: --margin 0.01.")
    if margin is None and (metric is None or not numbers.is_fraction(metric)):
        raise InputError(
            "`>=` and `=` need the margin that is still no worse",
            seen=metric or "no --metric",
            do="Give --margin in the unit of the metric.",
        )
    return _POINT if margin is None else margin


def _own_entry(
    spec: dict[str, Any],
    block: str,
    test: ClaimTest,
    runs: Sequence[Run],
    file: Path | str | None,
    date: str,
    dry_run: bool,
    workspace: Workspace,
) -> NewEntry:
    proposed = not_repeated(_actions(spec, test), runs, workspace)
    draft = Draft(
        date=date,
        title=f"Claim: {spec['text']}",
        category="Claim",
        status=_STATUS.get(test.grade, "To Investigate"),
        related=tuple(related_runs(runs)),
        finding=(block,),
        impact=(NOT_ASSESSED,),
        actions=proposed.texts,
        asked_before=tuple(action.id for action in proposed.repeated),
    )
    path = workspace.log_file(file) if file else workspace.research_log
    _refuse_twin(spec, workspace)
    text = render("claim_entry", workspace, entry=draft)
    line = None if dry_run else add_entry(path, text)
    shown = workspace.relative(path)
    place = f"{shown}:{line}" if line else shown
    return NewEntry(draft.title, date, path, line, text, place, proposed.repeated)


def _actions(spec: dict[str, Any], test: ClaimTest) -> list[str]:
    if test.seeds >= VERDICT_FROM:
        return []
    used = {seed for result in test.results for seed in result.seeds}
    free = [str(s) for s in range(100) if s not in used][: VERDICT_FROM - test.seeds]
    word = "seed" if len(free) == 1 else "seeds"
    arms = listed([f"`{arm}`" for arm in arms_of(read_expectation(spec["expect"]))])
    return [
        f"Run {word} {listed(free)} of {arms} (`{spec['by']}`): {VERDICT_FROM} seeds allow a "
        "verdict on the claim"
    ]


def _into(
    entry: str, block: str, spec: dict[str, Any], dry_run: bool, workspace: Workspace
) -> NewEntry:
    """Put the block into an entry, below its finding."""
    found = find_entry(entry, entries(workspace=workspace))
    _refuse_twin(spec, workspace)
    path = workspace.root / found.file
    if dry_run:
        return NewEntry(found.title, found.date or "", path, None, block, found.place)
    at: list[int] = []

    def change(book: Book) -> bytes:
        sections = [s for s in entry_sections(book) if s.line + 1 == found.line]
        if not sections or sections[0].title.find(found.title) < 0:
            raise LogError("The log was edited meanwhile", seen=found.place, do="Try again.")
        line = _end_of_finding(book, sections[0].line, sections[0].end)
        own = [text + book.newline for text in ["### Claim", *block.split("\n"), ""]]
        above = [] if not book.lines[line - 1].strip() else [book.newline]
        at[:] = [line + len(above) + 2]  # of the comment that opens the block
        return book.encoded([*book.lines[:line], *above, *own, *book.lines[line:]])

    edit(path, change)
    place = f"{found.file}:{at[0]}"
    return NewEntry(found.title, found.date or "", path, at[0], block, place)


def _end_of_finding(book: Book, start: int, end: int) -> int:
    """The line in an entry before which a claim goes: its impact or actions, else its end."""
    for section in book.sections:
        after = ("impact", "action", "next step")
        if start < section.line < end and section.title.lower().startswith(after):
            return section.line
    while end > start + 1 and (not book.lines[end - 1].strip() or end - 1 in book.rules):
        end -= 1
    return end


def _refuse_twin(spec: dict[str, Any], workspace: Workspace) -> None:
    for book in read_books(workspace):
        for block in blocks_of(book):
            known = block.spec
            if known and known.get("kind") == "claim" and claim_id(known) == claim_id(spec):
                raise InputError(
                    "This claim is registered already",
                    seen=f"{workspace.relative(book.path)}:{block.start}",
                    do="`lab log claims` shows how it stands.",
                )
