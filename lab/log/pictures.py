"""The pictures of plot blocks as files: drawn, found missing or changed, drawn again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from lab.errors import LogError
from lab.log.book import Book
from lab.log.evidence.comment import Block, block_id, blocks_of
from lab.log.evidence.drift import PICTURE, Drift
from lab.log.evidence.source import LiveRuns, RunSource, all_runs
from lab.log.plot_block import Spec, figures_folder, file_name, plotted, values_name
from lab.plotting.draw import draw
from lab.plotting.files import figure_bytes
from lab.plotting.seal import drawn_of, sealed
from lab.record.files import write_atomic
from lab.workspace import Workspace

PLOT = "plot"
_IMAGE = re.compile(r"!\[(?:\\.|[^\]\\])*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Picture:
    """A picture ready to write."""

    path: Path
    data: bytes

    def write(self) -> None:
        """Write the file; raises LogError where it cannot be."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(self.path, self.data)
        except OSError as error:
            raise LogError(
                "The picture cannot be written",
                seen=f"{self.path} ({error.strerror})",
                do="Mend that place; nothing was written.",
            ) from None


def due_picture(spec: Spec, source: RunSource) -> Picture | None:
    """The picture of a plot block where its file is missing or changed; raises LabError."""
    plot = plotted(spec, all_runs(source, spec["runs"]))
    path = figures_folder(source.workspace) / file_name(plot)
    if fault(path) is None:
        return None
    return Picture(path, sealed(figure_bytes(draw(plot), "png"), values_name(plot)))


def due_pictures(text: str, workspace: Workspace) -> list[Picture]:
    """The pictures that the blocks of a new entry show and that are not there yet."""
    source = LiveRuns(workspace)
    specs = [block.spec for block in blocks_of(Book.parse(Path("entry.md"), text.encode()))]
    made = [
        due_picture(spec, source)
        for spec in specs
        if spec is not None and spec.get("kind") == PLOT and spec.get("block") == block_id(spec)
    ]
    return [picture for picture in made if picture is not None]


@contextmanager
def written(pictures: Sequence[Picture]) -> Iterator[None]:
    """Write pictures for the entry written inside; where that is refused they are taken back."""
    before = {picture.path: _content(picture.path) for picture in pictures}
    folders = {path.parent for path in before if not path.parent.exists()}
    try:
        for picture in pictures:
            picture.write()
        yield
    except BaseException:
        for path, content in before.items():
            if content is None:
                path.unlink(missing_ok=True)
            else:
                write_atomic(path, content)
        for folder in folders:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        raise


def fault(path: Path) -> str | None:
    """What is wrong with a picture, by its name and its seal."""
    data = _content(path)
    if data is None:
        return "is missing"
    told = drawn_of(data)
    if told is None:
        return "was changed since it was drawn"
    return None if path.stem.endswith(f"-{told}") else "was drawn of other values"


def shown(lines: Iterable[str], folder: Path) -> list[Path]:
    """The files that the images of some lines of a log file in `folder` lead to."""
    return [
        (folder / unquote(match[1])).resolve() for line in lines for match in _IMAGE.finditer(line)
    ]


def of_plots(books: Iterable[Book]) -> set[Path]:
    """Every picture that a plot block shows."""
    return {
        path
        for book in books
        for block in blocks_of(book)
        if is_plot(block)
        for path in shown(book.lines[block.start : block.end], book.path.parent)
    }


def is_plot(block: Block) -> bool:
    return block.spec is not None and block.spec.get("kind") == PLOT


def picture_drifts(
    file: str, first: int, lines: Sequence[str], workspace: Workspace
) -> Iterator[Drift]:
    """The pictures of a plot block in `file` that are not there, or not as they were drawn.

    `first` is the line of the first of `lines`, from 1.
    """
    folder = (workspace.root / file).parent
    for row, line in enumerate(lines):
        for path in shown([line], folder):
            found = fault(path)
            if found is None:
                continue
            here = figures_folder(workspace) / path.name
            do = "`lab log refresh` draws it again."
            if path != here.resolve() and fault(here) is None:
                found = f"is not where the link leads, but in {workspace.relative(here.parent)}"
                do = "The entry was moved; `lab log refresh` mends the link."
            text = f"The picture {found}. {do}"
            yield Drift(file, first + row, workspace.relative(path), None, PICTURE, detail=text)


def stray_pictures(used: set[Path], workspace: Workspace) -> list[str]:
    """Names of pictures that were drawn for a block and that none shows."""
    folder = figures_folder(workspace)
    here = sorted(folder.glob("*.png")) if folder.is_dir() else []
    return [path.name for path in here if path.resolve() not in used and fault(path) is None]


def drop_unused(old: Iterable[Path], used: set[Path], workspace: Workspace) -> None:
    """Take away pictures that blocks showed before they were made again, and none shows now."""
    folder = figures_folder(workspace).resolve()
    for path in set(old) - used:
        if path.parent == folder and fault(path) is None:
            path.unlink(missing_ok=True)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
