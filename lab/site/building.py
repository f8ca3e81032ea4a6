"""Building a site: read everything once, then write page after page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from markupsafe import Markup

from lab import numbers
from lab.record.run import Run
from lab.site import pages
from lab.site.address import file_name
from lab.site.atlas import Atlas, in_time, survey
from lab.site.claims_page import ClaimRow, claim_rows
from lab.site.entry_page import (
    ActionRow,
    Sources,
    action_rows,
    entry_page,
    gathered_actions,
    log_text,
    sources,
)
from lab.site.folder import SiteFolder
from lab.site.links import LogLinks
from lab.site.notebooks import cells_of, read_notebook
from lab.site.pictures import Pictures
from lab.site.rows import Row
from lab.site.run_page import run_page
from lab.site.search import search_script
from lab.workspace import Workspace

DEFAULT = "site"


@dataclass(frozen=True)
class Site:
    """What a build made: `written` of its files are new or changed, `removed` were out of date."""

    index: Path
    pages: int
    entries: int
    runs: int
    written: int
    removed: int
    size: int  # bytes of all files


def build(
    out: Path | str | None = None,
    *,
    where: str | None = None,
    notebooks: bool = True,
    full_figures: bool = False,
    workspace: Workspace | None = None,
) -> Site:
    """Write the logs and the runs that match `where` as pages into the folder `out`.

    Pictures are made smaller so that they look the same; with `full_figures` they stay as saved.

    The folder, by default `site` in the workspace, opens in a browser without a server. The same
    logs and runs give the same bytes; only what changed is written again. Raises InputError where
    the folder holds files that are not of a site.
    """
    workspace = workspace or Workspace.find()
    atlas = survey(workspace, where)
    folder = SiteFolder.opened(Path(out) if out is not None else workspace.root / DEFAULT)
    making = _Making(atlas, folder, full_figures)
    making.static()
    making.entries()
    making.runs(notebooks)
    making.lists()
    removed = folder.close()
    return Site(
        index=folder.root / "index.html",
        pages=making.pages,
        entries=len(atlas.notes),
        runs=len(atlas.runs),
        written=folder.written,
        removed=removed,
        size=folder.size,
    )


class _Making:
    """One build under way."""

    def __init__(self, atlas: Atlas, folder: SiteFolder, full_figures: bool) -> None:
        self.pages = 0
        self._atlas = atlas
        self._folder = folder
        self._full = full_figures
        self._texts: set[str] = set()  # addresses
        self._pictures = Pictures(folder, whole=full_figures)

    def static(self) -> None:
        for file in sorted(pages.STATIC.iterdir()):
            if file.suffix in (".css", ".js") and file.stem != "notebook":
                self._folder.put(f"assets/{file.name}", file.read_bytes())
        self._folder.put("assets/search.js", search_script(self._atlas))

    def entries(self) -> None:
        notes = self._atlas.notes
        ordered = in_time(notes)
        place = {note.address: i for i, note in enumerate(ordered)}
        for note in notes:
            i = place[note.address]
            before = ordered[i - 1] if i else None
            after = ordered[i + 1] if i + 1 < len(ordered) else None
            made = entry_page(note, self._links(note.entry.file), before, after)
            self._page(note.address, "entry", note.entry.title, page=made)
        for log in self._atlas.logs:
            text = log_text(log, self._links(log.file))
            within = [note for note in notes if note.entry.file == log.file]
            self._page(log.address, "log", log.title, log=log, text=text, notes=within)

    def runs(self, notebooks: bool) -> None:
        alike: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in self._atlas.rows.values():
            if row.suite:
                alike[row.suite, row.arm].append(row)
        for run in self._atlas.runs:
            row = self._atlas.rows[run.id]
            siblings = [other for other in alike[row.suite, row.arm] if other.id != run.id]
            made = run_page(run, self._atlas, self._pictures, siblings)
            notebook = self._notebook(run) if notebooks else None
            self._page(
                f"runs/{file_name(run.id)}.html",
                "run",
                run.id,
                page=made,
                notebook=notebook,
                changes=self._text("Uncommitted changes", made.diff),
                packages=self._text("Packages", made.packages),
            )

    def lists(self) -> None:
        notes = in_time(self._atlas.notes)[::-1]
        links = {log.file: self._links(log.file, up="") for log in self._atlas.logs}
        actions, claims = action_rows(self._atlas, links), claim_rows(self._atlas, links)
        rows = list(self._atlas.rows.values())
        summary = self._summary(rows, actions, claims)
        logs = self._atlas.logs
        self._page("index.html", "index", "Entries", notes=notes, summary=summary, logs=logs)
        self._page("runs.html", "runs", "Runs", rows=rows)
        still = [row for row in actions if row.action.state == "open"]
        over = [row for row in actions if row.action.state != "open"]
        self._page(
            "actions.html",
            "actions",
            "Actions",
            still=gathered_actions(still, links),
            over=gathered_actions(over, links),
            counts=(len(still), len(over)),
        )
        self._page("claims.html", "claims", "Claims", claims=claims)

    def _summary(
        self, rows: list[Row], actions: list[ActionRow], claims: list[ClaimRow]
    ) -> list[tuple[str, str]]:
        still = sum(row.action.state == "open" for row in actions)
        told = [(numbers.counted(len(claims), "claim"), "claims.html")] if claims else []
        return [
            (numbers.counted(len(rows), "run"), "runs.html"),
            (numbers.counted(still, "open action"), "actions.html"),
            *told,
        ]

    def _links(self, file: str, up: str = "../") -> LogLinks:
        told: list[Sources] = []

        def below(spec: Mapping[str, Any], run_ids: tuple[str, ...]) -> Markup:
            found = sources(spec, run_ids, self._atlas)
            if found in told:  # of the block before
                return Markup("")
            told.append(found)
            return pages.part("sources", sources=found, up=up)

        return LogLinks(self._atlas, self._pictures, file, up, below)

    def _text(self, title: str, text: str) -> str | None:
        """The address of a page of its own for a text that many runs share."""
        if not text:
            return None
        digest = sha256(text.encode("utf-8", "replace")).hexdigest()[:20]
        name = f"environment/{digest}.html"
        if name not in self._texts:
            self._texts.add(name)
            self._page(name, "environment", title, text=text)
        return name

    def _notebook(self, run: Run) -> str | None:
        """The address of the run's notebook as a page, made again only where it changed."""
        data = read_notebook(run.path.notebook)
        if data is None:
            return None
        name = f"notebooks/{file_name(run.id)}.html"
        made_of = (
            _maker(),
            b"full" if self._full else b"",
            run.id.encode("utf-8", "replace"),
            data,
        )
        digest = sha256(b"\0".join(made_of)).hexdigest()
        if not self._folder.keep(name, digest):
            cells = cells_of(data, full_figures=self._full)
            if cells is None:
                return None
            self._folder.put_from(name, digest, pages.page("notebook", title=run.id, cells=cells))
        self.pages += 1
        return name

    def _page(self, address: str, template: str, title: str, **values: object) -> None:
        up = "../" * address.count("/")
        html = pages.page(
            template, up=up, title=title, site=self._atlas.title, here=address, **values
        )
        self._folder.put(address, html)
        self.pages += 1


@lru_cache(maxsize=1)
def _maker() -> bytes:
    """What a notebook's page depends on beside the notebook: the files of this package."""
    here = Path(__file__).resolve().parent
    files = sorted(file for file in here.rglob("*") if file.is_file() and file.suffix != ".pyc")
    return sha256(b"".join(file.read_bytes() for file in files)).digest()
