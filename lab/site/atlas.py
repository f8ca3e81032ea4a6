"""What is in a site and on which page: the runs, the entries, the log files, who cites whom."""

from __future__ import annotations

import tomllib
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from lab.comparison.measure import measured
from lab.errors import LabError
from lab.log.book import Book, Section
from lab.log.claimed.claim import Claim, claims
from lab.log.entry import Action, Entry, actions_of, entries_of, entry_sections, read_books
from lab.record.catalogue import ARCHIVE, find_runs
from lab.record.files import RecordWarning
from lab.record.paths import RunPaths
from lab.record.run import Run
from lab.site.address import Names, file_name, slug
from lab.site.markdown import runs_named
from lab.site.rows import Row, absent, row_of
from lab.workspace import Workspace


@dataclass(frozen=True)
class Note:
    """One entry with its source; `start` and `end` are lines of its file, counted from 0."""

    entry: Entry
    address: str
    book: Book
    start: int
    end: int
    runs: tuple[str, ...]  # every run it names, in its text or its evidence

    @property
    def source(self) -> str:
        """The text below its heading."""
        return "".join(self.book.lines[self.start + 1 : self.end])


@dataclass(frozen=True)
class LogFile:
    """One log file; a write-up of its own is shown whole, the running logs as what begins them."""

    file: str
    title: str
    address: str
    book: Book
    preamble_end: int
    whole: bool


@dataclass(frozen=True)
class Atlas:
    """Everything in the site; addresses are relative to its root."""

    workspace: Workspace
    title: str
    runs: tuple[Run, ...]  # newest first
    notes: tuple[Note, ...]
    logs: tuple[LogFile, ...]
    actions: tuple[Action, ...]
    claims: tuple[Claim, ...]
    known: Mapping[str, Run] = field(repr=False)
    rows: Mapping[str, Row] = field(repr=False)
    cited: Mapping[str, tuple[Note, ...]] = field(repr=False)
    _values: dict[tuple[str, str], float | None] = field(default_factory=dict, repr=False)

    def row(self, run_id: str) -> Row:
        """The run in a table, whether it is in the site or not."""
        return self.rows.get(run_id) or absent(run_id)

    def value(self, run_id: str, metric: str) -> float | None:
        """What a comparison takes of the run: of a test metric that of the epoch chosen."""
        if (run_id, metric) not in self._values:
            self._values[run_id, metric] = measured(self.known[run_id], metric)
        return self._values[run_id, metric]

    def note_at(self, file: str, line: int) -> Note | None:
        """The innermost entry that holds a line, counted from 0."""
        holding = [n for n in self.notes if n.entry.file == file and n.start <= line < n.end]
        return holding[-1] if holding else None


def survey(workspace: Workspace, where: str | None = None) -> Atlas:
    """Read the logs, and the runs that match `where`; an archived run that an entry cites is in."""
    books = read_books(workspace)
    notes = _notes(books, workspace)
    runs = find_runs(workspace, where=where)
    if where is None:
        runs += _archived(notes, runs, workspace)
    cited: dict[str, list[Note]] = defaultdict(list)
    for note in notes:
        for run_id in note.runs:
            cited[run_id].append(note)
    return Atlas(
        workspace=workspace,
        title=_title(workspace),
        runs=tuple(runs),
        notes=tuple(notes),
        logs=tuple(_logs(books, workspace)),
        actions=tuple(actions_of(books, workspace)),
        claims=tuple(claims(workspace=workspace)),
        known={run.id: run for run in runs},
        rows={run.id: row_of(run, f"runs/{file_name(run.id)}.html") for run in runs},
        cited={run_id: tuple(found) for run_id, found in cited.items()},
    )


def in_time(notes: Sequence[Note]) -> list[Note]:
    """The entries, oldest first: by day, within one as they stand in their file.

    Entries of a day in several files stand by the newest run that they or those before them name,
    as nothing else says when one was written.
    """
    latest: dict[tuple[str, str], str] = {}
    keys = {}
    for place, note in enumerate(notes):
        day = note.entry.date or ""
        file = (note.entry.file, day)
        latest[file] = max([latest.get(file, ""), *note.runs])
        keys[note.address] = (day, latest[file], place)
    return sorted(notes, key=lambda note: keys[note.address])


def _notes(books: Sequence[Book], workspace: Workspace) -> list[Note]:
    sections: dict[tuple[str, int], tuple[Book, Section]] = {
        (workspace.relative(book.path), section.line + 1): (book, section)
        for book in books
        for section in entry_sections(book)
    }
    names = Names()
    found = []
    for entry in entries_of(books, workspace):
        book, section = sections[entry.file, entry.line]
        page = names.take("-".join(filter(None, (entry.date, slug(entry.title)))))
        text = "".join(book.lines[section.line : section.end])
        found.append(
            Note(
                entry=entry,
                address=f"entries/{page}.html",
                book=book,
                start=section.line,
                end=section.end,
                runs=runs_named(text),
            )
        )
    return found


def _logs(books: Sequence[Book], workspace: Workspace) -> list[LogFile]:
    running = {workspace.research_log, workspace.experiment_log}
    names = Names()
    found = []
    for book in books:
        first = book.sections[0] if book.sections else None
        titled = first is not None and first.level == 1
        entries = [section.line for section in entry_sections(book)]
        file = workspace.relative(book.path)
        stem = PurePosixPath(file).stem
        found.append(
            LogFile(
                file=file,
                title=first.title if titled and first else stem.replace("_", " ").capitalize(),
                address=f"logs/{names.take(slug(stem))}.html",
                book=book,
                preamble_end=min(entries, default=len(book.lines)),
                whole=book.path not in running,
            )
        )
    return found


def _archived(notes: Sequence[Note], runs: Sequence[Run], workspace: Workspace) -> list[Run]:
    there = {run.id for run in runs}
    found = []
    for run_id in sorted({i for note in notes for i in note.runs} - there, reverse=True):
        folder = workspace.runs / ARCHIVE / run_id
        try:
            run = Run.read_if_there(RunPaths(folder)) if folder.is_dir() else None
        except LabError as error:
            warnings.warn(str(error), RecordWarning, stacklevel=2)
            continue
        found += [run] if run is not None else []
    return found


def _title(workspace: Workspace) -> str:
    """What the project calls itself, else the name of its folder."""
    try:
        text = (workspace.root / "pyproject.toml").read_text(encoding="utf-8")
        name = tomllib.loads(text).get("project", {}).get("name")
    except (OSError, ValueError, AttributeError):
        name = None
    return name if isinstance(name, str) and name else workspace.root.name
