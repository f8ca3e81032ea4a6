"""What the page of an entry says, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from lab.comparison.measure import attribute, headline, label
from lab.log.entry import Action, entry_sections
from lab.log.items.alike import gathered, same_words, told_together
from lab.site.atlas import Atlas, LogFile, Note, in_time
from lab.site.links import LogLinks, anchor
from lab.site.markdown import render, render_line
from lab.site.rows import Row, shown

_GOOD = ("resolved", "confirmed", "complete", "done", "supported", "adopted")
_BAD = ("failed", "contradicted", "weakened", "rejected", "reverted", "negative", "not adopted")


@dataclass(frozen=True)
class EntryPage:
    """Everything on the page of one entry; `fields` are the lines below its heading."""

    note: Note
    fields: tuple[tuple[str, Markup], ...]
    body: Markup
    runs: tuple[Row, ...]
    log: LogFile | None
    before: Note | None
    after: Note | None


@dataclass(frozen=True)
class Source:
    """One run below a generated block: its arm there and the value it gave."""

    row: Row
    arm: str
    value: str


@dataclass(frozen=True)
class Sources:
    """The runs below a generated block, under the names of what was compared and measured."""

    by: str
    metric: str
    runs: tuple[Source, ...]


@dataclass(frozen=True)
class ActionRow:
    """An action item with the page it stands on."""

    action: Action
    text: Markup
    address: str
    entry: str


def entry_page(note: Note, links: LogLinks, before: Note | None, after: Note | None) -> EntryPage:
    """The page of an entry; `before` and `after` are its neighbours in time."""
    fields, skipped = _fields(note)
    lines = note.book.lines[note.start + 1 + skipped : note.end]
    atlas = links.atlas
    return EntryPage(
        note=note,
        fields=tuple((name, render_line(value, links)) for name, value in fields),
        body=render("".join(_without_rule(lines)), links, line=note.start + 1 + skipped),
        runs=tuple(atlas.row(run_id) for run_id in note.runs),
        log=next((log for log in atlas.logs if log.file == note.entry.file), None),
        before=before,
        after=after,
    )


def log_text(log: LogFile, links: LogLinks) -> Markup:
    """What stands in a log file below its title: all of it, or what comes before its entries."""
    lines = log.book.lines if log.whole else log.book.lines[: log.preamble_end]
    first = log.book.sections[0] if log.book.sections else None
    start = first.line + 1 if first is not None and first.level == 1 else 0
    if log.whole:
        return render("".join(lines[start:]), links, line=start)
    return render("".join(_without_rule(lines[start:])), links, line=start)


def sources(spec: Mapping[str, Any], run_ids: Sequence[str], atlas: Atlas) -> Sources:
    """Where the numbers of a generated block come from."""
    by, metric = spec.get("by"), spec.get("metric")
    return Sources(
        by=by if isinstance(by, str) and by != "arm" else "Arm",
        metric=metric if isinstance(metric, str) else "Value",
        runs=tuple(_source(spec, run_id, atlas) for run_id in run_ids),
    )


def action_rows(atlas: Atlas, links: Mapping[str, LogLinks]) -> list[ActionRow]:
    """Every action, newest entry first, in the order of its file within an entry."""
    rows = []
    for action in atlas.actions:
        note = atlas.note_at(action.file, action.line - 1)
        page = note.address if note else log_page(action.file, atlas)
        address = f"{page}#{anchor(action.id)}"
        rows.append(ActionRow(action, render_line(action.text, links[action.file]), address, page))
    place = {note.address: i for i, note in enumerate(in_time(atlas.notes))}
    return sorted(rows, key=lambda row: place.get(row.entry, -1), reverse=True)


def gathered_actions(
    rows: Sequence[ActionRow], links: Mapping[str, LogLinks]
) -> list[tuple[Markup, list[ActionRow]]]:
    """The rows, those that are alike together, with the words that they share."""
    found = []
    for group in gathered(rows, lambda row: (row.action.state, same_words(row.action.text))):
        alike = told_together([row.action.text for row in group])
        found.append((render_line(alike.text, links[group[0].action.file]), group))
    return found


def log_page(file: str, atlas: Atlas) -> str:
    """The address of a log file's page."""
    return next(log.address for log in atlas.logs if log.file == file)


def tone(status: str | None) -> str:
    """How a status is coloured: "good", "bad" or "open"."""
    said = (status or "").lower()
    if any(word in said for word in _BAD):
        return "bad"
    return "good" if any(word in said for word in _GOOD) else "open"


def _fields(note: Note) -> tuple[list[tuple[str, str]], int]:
    """The `**Name**: value` lines right below the heading, and how many lines they take."""
    section = next(s for s in entry_sections(note.book) if s.line == note.start)
    named: dict[int, list[tuple[str, str]]] = {}
    for field in note.book.fields(section):
        line, name, value = field[:3]
        named.setdefault(line, []).append((name, value))
    found: list[tuple[str, str]] = []
    line = note.start + 1
    while line < note.end and (line in named or not note.book.lines[line].strip()):
        found += named.get(line, [])
        line += 1
    return found, line - note.start - 1


def _without_rule(lines: Sequence[str]) -> list[str]:
    """Lines without the `---` that ends an entry in its file."""
    kept = list(lines)
    while kept and kept[-1].strip() in ("", "---", "***"):
        kept.pop()
    return kept


def _source(spec: Mapping[str, Any], run_id: str, atlas: Atlas) -> Source:
    run = atlas.known.get(run_id)
    row = atlas.row(run_id)
    if run is None:
        return Source(row, "", "")
    by = spec.get("by")
    arm = label(attribute(run, by)) if isinstance(by, str) else row.arm
    metric = spec.get("metric")
    metric = metric if isinstance(metric, str) else headline(run)
    value = atlas.value(run_id, metric) if metric else None
    return Source(row, arm, shown(str(metric), value) if value is not None else "")
