"""Where the links of a log file lead within the site."""

from __future__ import annotations

import os.path
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from markupsafe import Markup

from lab.site.address import file_name, slug
from lab.site.atlas import Atlas
from lab.site.markdown import Picture, runs_named
from lab.site.pictures import Pictures

Below = Callable[[Mapping[str, Any], tuple[str, ...]], Markup]


@dataclass(frozen=True)
class LogLinks:
    """The links of one log file, for a page that is `up` ("../") from the site's root.

    `below` makes what stands under a generated block, from its evidence and its runs.
    """

    atlas: Atlas
    pictures: Pictures
    file: str
    up: str
    below: Below

    def page(self, target: str) -> str | None:
        path, _, fragment = unquote(target).partition("#")
        if not path:
            return f"#s-{slug(fragment)}" if fragment else None
        found = self._inside(path)
        if found is None:
            return None
        if log := self._log_pages.get(found):
            return self.up + log
        runs = self.atlas.workspace.runs
        if found.is_relative_to(runs) and (parts := found.relative_to(runs).parts):
            return self.run(parts[0])
        picture = self.pictures.put(found, self.up)
        return picture.src if picture and not picture.src.startswith("data:") else None

    def picture(self, target: str) -> Picture | None:
        found = self._inside(unquote(target))
        return self.pictures.put(found, self.up) if found else None

    def run(self, run_id: str) -> str | None:
        address = self.atlas.row(run_id).address
        return self.up + address if address else None

    def evidence(self, spec: Mapping[str, Any]) -> Markup:
        return self.below(spec, runs_named(str(spec)))

    def task(self, line: int) -> str | None:
        return self._anchors.get(line)

    @cached_property
    def _anchors(self) -> dict[int, str]:
        return {a.line - 1: anchor(a.id) for a in self.atlas.actions if a.file == self.file}

    @cached_property
    def _log_pages(self) -> dict[Path, str]:
        return {log.book.path.resolve(): log.address for log in self.atlas.logs}

    def _inside(self, path: str) -> Path | None:
        """The file that a relative path means, where it lies in the workspace or among its runs."""
        workspace = self.atlas.workspace
        base = workspace.root if path.startswith("/") else (workspace.root / self.file).parent
        try:
            found = Path(os.path.realpath(base / path.lstrip("/")))
        except (OSError, ValueError):
            return None
        allowed = (workspace.root, workspace.runs)
        return found if any(found.is_relative_to(one) for one in allowed) else None


def anchor(action_id: str) -> str:
    """The name of an action's place on the page of its entry."""
    return f"action-{file_name(action_id)}"
