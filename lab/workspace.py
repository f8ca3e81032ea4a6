"""The workspace: the folder whose pyproject.toml has a [tool.lab] table."""

from __future__ import annotations

import fnmatch
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.errors import LogError, WorkspaceError, nearest

RUNS_VARIABLE = "LAB_RUNS"
WORKSPACE_VARIABLE = "LAB_WORKSPACE"

_DEFAULTS: dict[str, Any] = {
    "code": ["src/**/*.py"],
    "logs": ["docs/research_log.md", "docs/experiment_log.md", "docs/experiments/**/*.md"],
    "templates": "log_templates",
}


@dataclass(frozen=True)
class Workspace:
    """Where everything of one project lives.

    `code` are the globs whose files make up the code fingerprint of a run; `logs` the globs of log
    files, research log first, experiment log second; `templates` the folder whose files override
    the built-in log templates.
    """

    root: Path
    runs: Path
    code: tuple[str, ...]
    logs: tuple[str, ...]
    templates: Path

    @classmethod
    def find(cls, start: Path | str | None = None) -> Workspace:
        """The workspace that holds `start` (default: the working directory).

        Without `start`, $LAB_WORKSPACE names it for child processes; a notebook started from
        somewhere else falls back to the workspace this package is installed from.
        """
        if start is not None:
            return cls._enclosing(Path(start), explicit=True)
        if named := os.environ.get(WORKSPACE_VARIABLE):
            return cls.load(Path(named))
        try:
            return cls._enclosing(Path.cwd(), explicit=False)
        except WorkspaceError:
            installed_from = Path(__file__).resolve().parent.parent
            if _table(installed_from / "pyproject.toml") is not None:
                return cls.load(installed_from)
            raise

    @classmethod
    def _enclosing(cls, start: Path, *, explicit: bool) -> Workspace:
        folder = start.resolve()
        for candidate in (folder, *folder.parents):
            if _table(candidate / "pyproject.toml") is not None:
                return cls.load(candidate)
        raise WorkspaceError(
            "No workspace here or above",
            seen=folder,
            do="Go to a folder whose pyproject.toml has a [tool.lab] table, or add that table.",
        )

    @classmethod
    def load(cls, root: Path) -> Workspace:
        """The workspace with exactly this root folder."""
        root = root.resolve()
        table = _table(root / "pyproject.toml")
        if table is None:
            raise WorkspaceError(
                "This folder is not a workspace",
                seen=root,
                do="Its pyproject.toml needs a [tool.lab] table.",
            )
        settings = _DEFAULTS | table
        for key in table:
            if key not in _DEFAULTS:
                raise WorkspaceError(
                    f"Unknown key in [tool.lab] of {root / 'pyproject.toml'}",
                    seen=key,
                    do=nearest(key, _DEFAULTS),
                )
        redirected = os.environ.get(RUNS_VARIABLE)
        return cls(
            root=root,
            runs=Path(redirected).resolve() if redirected else root / "runs",
            code=_strings(settings["code"], "code"),
            logs=_strings(settings["logs"], "logs"),
            templates=root / str(settings["templates"]),
        )

    @property
    def research_log(self) -> Path:
        return self._first_log(self.logs[0], "research_log")

    @property
    def experiment_log(self) -> Path:
        return self._first_log(self.logs[min(1, len(self.logs) - 1)], "experiment_log")

    def _first_log(self, pattern: str, name: str) -> Path:
        return self.root / ((_filled(pattern, name) if _is_open(pattern) else None) or pattern)

    def own_log(self, name: str) -> Path | None:
        """The log file of its own that a document of this name gets, `name` without a suffix.

        It lies where the last glob of `logs` that leaves a name open finds it, as the longer
        write-ups do in docs/experiments/; None where every log is named.
        """
        for pattern in reversed(self.logs):
            if _is_open(pattern) and (found := _filled(pattern, name)) is not None:
                return self.root / found
        return None

    def log_file(self, file: Path | str) -> Path:
        """Where a log file lies that may not exist yet; raises LogError for one that is none.

        What no glob of `logs` finds, no command would ever list or check.
        """
        path = Path(os.path.normpath(self.root / file))
        path = path if path.is_relative_to(self.root) else path.resolve()
        inside = path.is_relative_to(self.root)
        name = path.relative_to(self.root).as_posix() if inside else ""
        if not inside or not any(_matches(name, pattern) for pattern in self.logs):
            raise LogError(
                "That is no log file of this workspace",
                seen=file,
                do=f"Log files are {', '.join(self.logs)} ([tool.lab] logs in pyproject.toml).",
            )
        return path

    def log_files(self) -> list[Path]:
        """Every log file that exists, in the order of the `logs` globs."""
        found: dict[Path, None] = {}
        for pattern in self.logs:
            found.update(dict.fromkeys(sorted(self.root.glob(pattern))))
        return list(found)

    def relative(self, path: Path) -> str:
        """`path` as the user would write it: relative to the root where it lies inside."""
        resolved = path.resolve()
        inside = resolved.is_relative_to(self.root)
        return resolved.relative_to(self.root).as_posix() if inside else str(resolved)


def _is_open(pattern: str) -> bool:
    """Whether a glob leaves the name of the file open."""
    return any(mark in pattern for mark in "*?[")


def _filled(pattern: str, name: str) -> str | None:
    """The path that a glob finds with `name` for what it leaves open; None where it cannot be."""
    parts = [part for part in pattern.split("/") if part != "**"]
    head, star, tail = parts[-1].partition("*")
    parts[-1] = f"{head}{name}{tail}" if star else parts[-1]
    found = "/".join(parts)
    return None if _is_open(found) or not _matches(found, pattern) else found


def _matches(name: str, pattern: str) -> bool:
    """Whether a glob would find a file of that name, as `Path.glob` reads it."""
    parts = name.split("/")
    return _match_parts(parts, [part for part in pattern.split("/") if part not in ("", ".")])


def _match_parts(parts: list[str], pattern: list[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_match_parts(parts[i:], pattern[1:]) for i in range(len(parts)))
    here = bool(parts) and fnmatch.fnmatchcase(parts[0], pattern[0])
    return here and _match_parts(parts[1:], pattern[1:])


def _table(pyproject: Path) -> dict[str, Any] | None:
    if not pyproject.is_file():
        return None
    try:
        tool = tomllib.loads(pyproject.read_text(encoding="utf-8")).get("tool", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WorkspaceError(
            f"{pyproject} cannot be read", seen=error, do="Mend it; it has to be TOML in UTF-8."
        ) from None
    table = tool.get("lab")
    return table if isinstance(table, dict) else None


def _strings(value: Any, key: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
        raise WorkspaceError(
            f"[tool.lab] {key} has to be a list of globs",
            seen=value,
            do='Write it as ["glob", ...].',
        )
    return tuple(value)
