"""`lab log check`: every generated number again, from its runs or from its snapshot.

A block is checked against the runs in runs/. Where none of its runs is there and none ever was (a
fresh clone), its snapshot in docs/evidence/ stands in for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from lab.errors import LabError, RunNotFound
from lab.log.blocks import block_text
from lab.log.entry import entry_sections, read_books
from lab.log.evidence import drift as reasons
from lab.log.evidence.arrivals import Arrivals, described
from lab.log.evidence.comment import Block, block_id, blocks_of, lines_with_blocks
from lab.log.evidence.drift import Difference, Drift, differences, normal, same
from lab.log.evidence.seen import remembered
from lab.log.evidence.snapshot import (
    Snapshot,
    evidence_folder,
    read_snapshot,
    snapshot_path,
    text_hash,
)
from lab.log.evidence.source import (
    STUDIES,
    EitherRuns,
    LiveRuns,
    RunSource,
    runs_of,
    studies_of,
)
from lab.log.evidence.telling import TaggedBlock, block_lines, tagged_block
from lab.log.pictures import is_plot, picture_drifts, shown, stray_pictures
from lab.log.plot_block import figures_folder
from lab.numbers import capital, counted
from lab.provenance import Number
from lab.record.lazy import Shelf
from lab.workspace import Workspace

RUNS = "runs"
SNAPSHOT = "snapshot"
BOTH = "runs and snapshot"
NOTHING = "nothing"


@dataclass(frozen=True)
class LogNote:
    """Something to know that is no fault, as new runs that match the query of a block."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}  {self.text}" if self.line else self.text


@dataclass(frozen=True)
class CheckedLog:
    """What a check found; `sources` counts the blocks that were held against each source."""

    drifts: tuple[Drift, ...]
    notes: tuple[LogNote, ...]
    sources: dict[str, int]

    @property
    def holds(self) -> bool:
        return not self.drifts

    @property
    def blocks(self) -> int:
        return sum(self.sources.values())


@dataclass(frozen=True)
class PlacedBlock:
    """A block, its file and what it prints."""

    file: str
    block: Block
    lines: tuple[str, ...]

    def line(self, row: int) -> int:
        """The line in the file, from 1, of a printed line of the block."""
        return self.block.start + row + 1


def check(*, workspace: Workspace | None = None) -> list[Drift]:
    """Every generated number that no longer holds; `lab.log.examine` tells notes and sources."""
    return list(examine(workspace=workspace).drifts)


def examine(*, workspace: Workspace | None = None, snapshot: bool = False) -> CheckedLog:
    """Generate every block again and tell what differs, what is new, and what it was held against.

    With `snapshot` nothing but docs/evidence/ is read, as in a fresh clone.
    """
    workspace = workspace or Workspace.find()
    checker = Checker(workspace, snapshot=snapshot)
    drifts: list[Drift] = []
    notes: list[LogNote] = []
    sources: Counter[str] = Counter()
    for placed in placed_blocks(workspace):
        found, source = checker.judged(placed)
        drifts += found
        sources[source] += 1
        notes += checker.arrived(placed)
    return CheckedLog(tuple(drifts), (*notes, *checker.of_snapshots()), dict(sources))


def placed_blocks(workspace: Workspace) -> Iterator[PlacedBlock]:
    """Every generated block of every log file."""
    for path in workspace.log_files():
        if (book := lines_with_blocks(path)) is None:
            continue
        file = workspace.relative(path)
        for block in blocks_of(book):
            lines = tuple(line.rstrip() for line in book.lines[block.start : block.end])
            yield PlacedBlock(file, block, lines)


class Checker:
    """Holds blocks against their runs; every run is read once."""

    def __init__(self, workspace: Workspace, *, snapshot: bool = False) -> None:
        self.workspace = workspace
        self.shelf = Shelf(workspace)
        self.live = LiveRuns(workspace, self.shelf)
        self._arrivals = None if snapshot else Arrivals(self.shelf)
        self._were_here = remembered(workspace)
        self._snapshot_only = snapshot
        self._entry_lines: list[tuple[str, int]] | None = None  # file and line of each entry
        self._unsaved = 0
        self._reworded = 0
        self._blocks: set[str] = set()
        self._pictures: set[Path] = set()

    def judged(self, placed: PlacedBlock) -> tuple[list[Drift], str]:
        """What no longer holds in a block, and what it was held against."""
        spec = placed.block.spec
        if spec is None:
            return [_unreadable(placed)], NOTHING
        self._blocks.add(placed.block.id)
        found = list(_edited(placed, spec))
        if is_plot(placed.block):
            first, folder = placed.line(0), (self.workspace.root / placed.file).parent
            found += picture_drifts(placed.file, first, placed.lines, self.workspace)
            self._pictures.update(shown(placed.lines, folder))
        try:
            snapshot = read_snapshot(self.workspace, placed.block.id)
        except LabError as error:
            snapshot = None
            file = self.workspace.relative(snapshot_path(self.workspace, placed.block.id))
            found.append(Drift(file, 1, "", None, reasons.EVIDENCE, detail=str(error)))
        else:
            self._unsaved += snapshot is None
        ids = [*runs_of(spec), *studies_of(spec)]
        missing = [i for i in ids if self._snapshot_only or not self._is_here(i)]
        source, name = self._source(ids, missing, snapshot)
        if source is None:
            text = "What this block is made of is not here, and it has no snapshot"
            return [*found, _whole(placed, reasons.MISSING, text, tuple(missing))], NOTHING
        gone = missing if name == BOTH else []
        return [*found, *self._differing(placed, source, snapshot, gone)], name

    def arrived(self, placed: PlacedBlock) -> Iterator[LogNote]:
        """New runs that match the query of a block."""
        spec = placed.block.spec
        if self._arrivals is None or spec is None or spec.get("kind") in ("impact", "plot"):
            return
        if spec.get("kind") == "sweep":
            yield from self._later_trials(placed, spec)
            return
        new = self._arrivals.of(spec, runs_of(spec))
        if new:
            verb = "matches" if len(new) == 1 else "match"
            text = f"{counted(len(new), 'new run')} {verb} {described(spec)}"
            yield LogNote(placed.file, placed.block.start, f"{text}: {self._extending(placed)}")

    def _later_trials(self, placed: PlacedBlock, spec: dict[str, Any]) -> Iterator[LogNote]:
        """Trials that the study has had since, told once an entry."""
        from lab.log.sweep_block import later_trials

        later = later_trials(spec, self.live) if spec.get("part") == "verdict" else ()
        if later:
            text = f"{counted(len(later), 'new trial')} of study {spec['study']}"
            yield LogNote(placed.file, placed.block.start, f"{text}: {self._extending(placed)}")

    def _extending(self, placed: PlacedBlock) -> str:
        """The command that takes new runs into the entry of a block and into no other."""
        if self._entry_lines is None:
            books = ((self.workspace.relative(b.path), b) for b in read_books(self.workspace))
            self._entry_lines = [(file, s.line) for file, b in books for s in entry_sections(b)]
        above = [
            number
            for number, (file, line) in enumerate(self._entry_lines, 1)
            if file == placed.file and line < placed.block.start
        ]
        # A block above every heading is of no entry.
        entry = f" --entry {above[-1]}" if above else ""
        return f"`lab log refresh{entry} --extend`"

    def of_snapshots(self) -> Iterator[LogNote]:
        """What is to be known of docs/evidence/ as a whole."""
        folder = evidence_folder(self.workspace)
        place = self.workspace.relative(folder)
        if self._unsaved:
            blocks = counted(self._unsaved, "block")
            text = f"{blocks} without a snapshot in {place}: `lab log refresh` writes it"
            yield LogNote(place, 0, capital(text))
        if self._reworded:
            blocks = counted(self._reworded, "block")
            text = f"{blocks} would be worded otherwise by this version: `lab log refresh` does so "
            text += "where their runs are"
            yield LogNote(place, 0, capital(text))
        unseen = stray_pictures(self._pictures, self.workspace)
        if unseen:
            figures = self.workspace.relative(figures_folder(self.workspace))
            text = f"{counted(len(unseen), 'picture')} in {figures} of no block"
            yield LogNote(figures, 0, f"{text}: {', '.join(unseen[:5])}")
        stray = sorted(path.stem for path in folder.glob("*.json") if path.stem not in self._blocks)
        if stray:
            text = (
                f"{counted(len(stray), 'snapshot')} in {place} of no block: {', '.join(stray[:5])}"
            )
            yield LogNote(place, 0, capital(text))

    def _is_here(self, run_id: str) -> bool:
        if run_id.startswith(STUDIES):
            return (self.workspace.runs / run_id / "study.json").is_file()
        try:
            return self.shelf.run(run_id) is not None
        except LabError:  # damaged, and so as good as gone; `lab check` tells more
            return False

    def _source(
        self, ids: list[str], missing: list[str], snapshot: Snapshot | None
    ) -> tuple[RunSource | None, str]:
        if not missing:
            return self.live, RUNS
        stored = snapshot.source(self.workspace) if snapshot else None
        elsewhere = len(missing) == len(ids) and not self._were_here.intersection(missing)
        if self._snapshot_only or elsewhere or stored is None:
            return stored, SNAPSHOT
        return EitherRuns(self.live, stored), BOTH

    def _differing(
        self,
        placed: PlacedBlock,
        source: RunSource,
        snapshot: Snapshot | None,
        missing: Sequence[str],
    ) -> list[Drift]:
        spec = placed.block.spec or {}
        try:
            text = block_text(spec, self.workspace, source)
            if not missing and same(placed.lines, block_lines(text)):
                return []
            fresh = tagged_block(spec, source)
        except LabError as error:
            ended = self._no_longer_done(spec, snapshot, placed.lines)
            kind = reasons.MISSING if isinstance(error, RunNotFound) else reasons.EVIDENCE
            return [_whole(placed, reasons.NOT_DONE if ended else kind, str(error), ended)]
        before = _before(spec, snapshot, self.workspace)
        ended = self._no_longer_done(spec, snapshot, placed.lines)
        found = list(differences(placed.lines, fresh))
        if snapshot and snapshot.text == text_hash(placed.lines) and snapshot.still_said_by(source):
            # As it was generated, from values that are the same: this version words it otherwise.
            kept = [one for one in found if not (one.reworded or one.in_other_digits)]
            self._reworded += len(kept) < len(found)
            found = kept
        return [
            *_of_missing(placed, fresh, missing),
            *(_drift(placed, one, before, ended) for one in found),
        ]

    def _no_longer_done(
        self, spec: dict[str, Any], snapshot: Snapshot | None, printed: Sequence[str]
    ) -> tuple[str, ...]:
        """The runs that were done when the block was written, and are not now."""
        here = [i for i in runs_of(spec) if not self._snapshot_only and self._is_here(i)]
        failed = [i for i in here if (run := self.shelf.run(i)) and run.status != "done"]
        if snapshot is None:
            # A run that was not done then is named in the block.
            return tuple(i for i in failed if not any(f"`{i}`" in line for line in printed))
        stored = snapshot.source(self.workspace)
        return tuple(
            i for i in failed if i in snapshot.runs and stored.run(i).status in ("done", "None")
        )


def _edited(placed: PlacedBlock, spec: dict[str, Any]) -> Iterator[Drift]:
    own, made = placed.block.id, block_id(spec)
    if own != made:
        text = "The evidence in the comment was edited by hand"
        yield Drift(placed.file, placed.block.start, own, made, reasons.EVIDENCE, detail=text)


def _unreadable(placed: PlacedBlock) -> Drift:
    block = placed.block
    if block.start < block.end:
        text = "The evidence of this block cannot be read, or the block is not closed"
        return _whole(placed, reasons.EVIDENCE, text)
    text = (
        "A generated block ends here, and the comment that opened it, with its evidence, is gone; "
        "take it back from git, or write the block again"
    )
    return Drift(placed.file, block.start + 1, "", None, reasons.EVIDENCE, detail=text)


def _whole(placed: PlacedBlock, reason: str, detail: str, runs: tuple[str, ...] = ()) -> Drift:
    first = next((line for line in placed.lines if line), "")
    return Drift(placed.file, placed.block.start, first, None, reason, runs, detail=detail)


def _before(
    spec: dict[str, Any], snapshot: Snapshot | None, workspace: Workspace
) -> TaggedBlock | None:
    """The block as its snapshot gives it: what was printed when it was written."""
    if snapshot is None:
        return None
    try:
        return tagged_block(spec, snapshot.source(workspace))
    except LabError:
        return None


def _of_missing(placed: PlacedBlock, fresh: TaggedBlock, missing: Sequence[str]) -> list[Drift]:
    """The printed numbers that rest on a run that is gone."""
    if not missing:
        return []
    gone = set(missing)
    ours = [normal(line) for line in placed.lines]
    theirs = [normal(line) for line in fresh.lines]
    rows = {
        match.b + i: match.a + i
        for match in SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
        for i in range(match.size)
    }
    found = [
        Drift(
            placed.file,
            placed.line(rows[number.line]),
            number.text,
            None,
            reasons.MISSING,
            tuple(run for run in number.source.runs if run in gone),
            number.source.field,
            number.source.aggregation,
        )
        for number in sorted(fresh.numbers, key=lambda n: (n.line, n.start))
        if number.source and gone & set(number.source.runs) and number.line in rows
    ]
    return found or [_whole(placed, reasons.MISSING, "", tuple(missing))]


def _drift(
    placed: PlacedBlock, one: Difference, before: TaggedBlock | None, ended: tuple[str, ...]
) -> Drift:
    drift = Drift(
        placed.file,
        placed.line(one.row),
        one.printed,
        one.recomputed,
        reasons.CHANGED if one.is_number else reasons.WORDS,
    )
    line = placed.lines[one.row] if placed.lines else ""
    was = _number_before(line, one, before)
    number = was or one.number
    if number is not None and number.source is not None:
        source = number.source
        drift = replace(drift, runs=source.runs, field=source.field, aggregation=source.aggregation)
    as_written = before is not None and normal(line) in map(normal, before.lines)
    if ended and (as_written or before is None):
        return replace(drift, reason=reasons.NOT_DONE, runs=ended)
    if before is not None and not as_written and one.is_number:
        return replace(drift, detail="Edited by hand: it is not what was generated.")
    return drift


def _number_before(line: str, one: Difference, before: TaggedBlock | None) -> Number | None:
    """The number that was generated where `one` is printed."""
    if before is None or not one.is_number:
        return None
    for row, text in enumerate(before.lines):
        if text == line:
            return before.number_at(row, one.at[0])
    return None
