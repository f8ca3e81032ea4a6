"""Which entries cite a run, and putting runs away that none cites."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lab.errors import InputError
from lab.log.entry import entry_sections, entry_title, read_books
from lab.record.catalogue import find_run
from lab.record.edit import archive_run
from lab.workspace import Workspace

_SHOWN = 5  # places that a message names


@dataclass(frozen=True)
class Citation:
    """A line of a log that names a run; `entry` is the title of the entry it stands in."""

    run_id: str
    file: str
    line: int
    entry: str

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


def citations(run_ids: list[str], *, workspace: Workspace | None = None) -> list[Citation]:
    """The first line of each entry that names one of these runs, in prose, code or evidence."""
    workspace = workspace or Workspace.find()
    # Ids have suffixes: 20260120_231502-2 and 20260120_231502_j77 are other runs.
    ids = "|".join(re.escape(run_id) for run_id in run_ids)
    named = re.compile(rf"(?<![\w-])(?:{ids})(?!\w|-\d)")
    found: dict[tuple[str, str, int], Citation] = {}
    for book in read_books(workspace):
        if not named.search(book.text):
            continue
        file = workspace.relative(book.path)
        sections = list(entry_sections(book))
        for number, line in enumerate(book.lines):
            for run_id in named.findall(line):
                holding = [s for s in sections if s.line <= number < s.end]
                title = entry_title(holding[-1]) if holding else ""
                start = holding[-1].line if holding else number
                citation = Citation(run_id, file, number + 1, title)
                found.setdefault((run_id, file, start), citation)
    return list(found.values())


def archive(*run_ids: str, force: bool = False, workspace: Workspace | None = None) -> list[Path]:
    """Move runs to runs/archive/; the folders they then have.

    Raises InputError where an entry cites one of them, and then none is moved. With `force` they
    are: what cites them still finds them, but `lab runs`, comparisons and claims no longer do.
    """
    workspace = workspace or Workspace.find()
    runs = [find_run(workspace, run_id) for run_id in run_ids]
    cited = citations([run.id for run in runs], workspace=workspace) if runs and not force else []
    if cited:
        named = list(dict.fromkeys(citation.run_id for citation in cited))
        places = [f"{c.place} ({c.entry})" if c.entry else c.place for c in cited[:_SHOWN]]
        more = [f"{len(cited) - _SHOWN} more"] if len(cited) > _SHOWN else []
        raise InputError(
            f"The log cites {'run' if len(named) == 1 else 'runs'} {', '.join(named)}",
            seen=", ".join([*places, *more]),
            do="Nothing was moved. Archive it all the same with --force: the entries still find "
            "it, lists and comparisons no longer do.",
        )
    return [archive_run(run) for run in runs]
