"""`lab log refresh`: write generated blocks and their snapshots again; prose is never touched."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.log.book import Book, edit
from lab.log.changes import entries, find_entry
from lab.log.entry import Entry, entry_sections, read_books
from lab.log.evidence.arrivals import Arrivals
from lab.log.evidence.comment import Block, block_id, blocks_of, opening
from lab.log.evidence.drift import same
from lab.log.evidence.seen import remember
from lab.log.evidence.snapshot import Snapshot, snapshot_path, write_snapshot
from lab.log.evidence.source import LiveRuns, runs_of, studies_of
from lab.log.evidence.telling import TaggedBlock, tagged_block
from lab.log.items.life import keep_ids
from lab.log.pictures import drop_unused, due_picture, is_plot, of_plots, shown
from lab.log.plot_block import log_folder
from lab.record.lazy import shelf_of
from lab.workspace import Workspace


@dataclass
class Refreshed:
    """Where blocks were rewritten (FILE:LINE), what was written beside, what could not be made."""

    rewritten: list[str] = field(default_factory=list)
    snapshots: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)  # drawn again
    taken_in: dict[str, int] = field(default_factory=dict)  # place -> new runs
    left: dict[str, str] = field(default_factory=dict)  # place -> why it stays as it is


def refresh(*, workspace: Workspace | None = None) -> list[str]:
    """Write every block that drifted again; returns where, as FILE:LINE."""
    return renew(workspace=workspace).rewritten


def renew(
    *, entry: str | int | None = None, extend: bool = False, workspace: Workspace | None = None
) -> Refreshed:
    """Write blocks and snapshots again from the runs, and nothing outside them.

    With `entry` (its number, date or part of its title) only those of one entry; `extend` takes in
    the new runs that match the query of a block. A block whose runs are gone stays as it is.
    """
    workspace = workspace or Workspace.find()
    chosen = None if entry is None else find_entry(str(entry), entries(workspace=workspace))
    made = Refreshed()
    writer = _Writer(workspace, extend)
    for book in read_books(workspace):
        file = workspace.relative(book.path)
        if chosen is not None and chosen.file != file:
            continue
        if any(blocks_of(book)):
            edit(book.path, partial(writer.rewritten, file=file, entry=chosen, made=made))
    writer.save(made)
    keep_ids(workspace)
    return made


def save_snapshots(text: str, workspace: Workspace) -> None:
    """Write the snapshots of the blocks in a text that was just made from its runs.

    A block that an editor broke has none; `lab log check` tells of it.
    """
    writer = _Writer(workspace, extend=False)
    for block in blocks_of(Book.parse(Path("entry.md"), text.encode())):
        if block.spec is not None and block.id == block_id(block.spec):
            with contextlib.suppress(LabError):
                writer.keep(block.spec, tagged_block(block.spec, writer.live))
    writer.save(Refreshed())


class _Writer:
    """Makes blocks again, and collects the snapshots to write."""

    def __init__(self, workspace: Workspace, extend: bool) -> None:
        self.workspace = workspace
        self._shelf = shelf_of(workspace)
        self.live = LiveRuns(workspace, self._shelf)
        self._arrivals = Arrivals(self._shelf) if extend else None
        self._snapshots: dict[str, Snapshot] = {}
        self._replaced: set[str] = set()
        self._plots: list[dict[str, Any]] = []
        self._pictures: set[Path] = set()  # that were shown before

    def rewritten(self, book: Book, file: str, entry: Entry | None, made: Refreshed) -> bytes:
        """The bytes of a log file with its blocks made again."""
        made.rewritten[:] = [p for p in made.rewritten if not p.startswith(f"{file}:")]
        for place in [place for place in made.left if place.startswith(f"{file}:")]:
            del made.left[place]
        lines, newline = list(book.lines), book.newline
        for block in reversed(list(_inside(book, entry))):
            place = f"{file}:{block.start}"
            try:
                spec, fresh, new = self._again(block, book)
            except LabError as error:
                made.left[place] = self._why_left(block, error)
                continue
            self.keep(spec, fresh)
            if is_plot(block):
                self._plots.append(spec)
            if new:
                made.taken_in[place] = new
            printed = [line.rstrip() for line in lines[block.start : block.end]]
            moved = spec["block"] != block.id
            if not moved and same(printed, fresh.lines):
                continue
            if moved:
                self._replaced.add(block.id)
                lines[block.start - 1] = opening(spec) + newline
            if is_plot(block):
                self._pictures.update(shown(printed, book.path.parent))
            content = ["", *fresh.lines, ""]
            lines[block.start : block.end] = [line + newline for line in content]
            made.rewritten.append(place)
        made.rewritten.sort(key=_by_line)
        return book.encoded(lines)

    def _why_left(self, block: Block, error: LabError) -> str:
        """What keeps a block from being made again, in the words that others like it have."""
        spec = block.spec or {}
        folders = [self.workspace.runs / name for name in studies_of(spec)]
        if any(not folder.is_dir() for folder in folders):
            return f"study {spec['study']} not here"
        runs = runs_of(spec)
        missing = [run_id for run_id in runs if self._shelf.run(run_id) is None]
        if missing and not folders:
            return "runs not here" if len(missing) == len(runs) else "some runs not here"
        return str(error).rstrip(".")

    def keep(self, spec: dict[str, Any], fresh: TaggedBlock) -> None:
        """Remember what a block has read, to be written at the end."""
        name = block_id(spec)
        self._snapshots[name] = Snapshot.of(name, spec, fresh)

    def save(self, made: Refreshed) -> None:
        """Write the snapshots, and take away those of blocks that have another name now."""
        for spec in self._plots:
            if picture := due_picture(spec, self.live):
                picture.write()
                made.pictures.append(self.workspace.relative(picture.path))
        for snapshot in self._snapshots.values():
            if write_snapshot(self.workspace, snapshot):
                made.snapshots.append(snapshot.block)
        made_of = ((*s.runs, *studies_of(s.spec)) for s in self._snapshots.values())
        remember(self.workspace, (name for names in made_of for name in names))
        if self._pictures:
            drop_unused(self._pictures, of_plots(read_books(self.workspace)), self.workspace)
        if self._replaced:
            books = read_books(self.workspace)
            used = {block.id for book in books for block in blocks_of(book)}
            for name in self._replaced - used:
                if name.isalnum():
                    snapshot_path(self.workspace, name).unlink(missing_ok=True)

    def _again(self, block: Block, book: Book) -> tuple[dict[str, Any], TaggedBlock, int]:
        """The block's evidence, its new content, and how many runs it took in."""
        if block.spec is None:
            raise LabError("The evidence of this block cannot be read, or the block is not closed")
        spec = dict(block.spec)
        new: Sequence[object] = ()  # runs, or trials of a study
        if self._arrivals is not None and spec.get("kind") == "sweep":
            from lab.log.sweep_block import later_trials, with_later

            new = later_trials(spec, self.live)
            spec = with_later(spec, self.live) if new else spec
        elif self._arrivals is not None:
            new = [run.id for run in self._arrivals.of(spec, runs_of(spec))]
            if new:
                spec["runs"] = [run.id for run in self._arrivals.selection(spec, runs_of(spec))]
        if is_plot(block):
            spec["from"] = log_folder(book.path, self.workspace)
        spec["block"] = block_id(spec)
        return spec, tagged_block(spec, self.live), len(new)


def _inside(book: Book, entry: Entry | None) -> Iterable[Block]:
    """The blocks of one entry, or all."""
    if entry is None:
        return blocks_of(book)
    section = next(s for s in entry_sections(book) if s.line + 1 == entry.line)
    return (block for block in blocks_of(book) if section.line <= block.start < section.end)


def _by_line(place: str) -> tuple[str, int]:
    file, _, line = place.rpartition(":")
    return file, int(line)
