"""The notebook contract, for notebooks named as a user names them."""

from __future__ import annotations

from pathlib import Path

from lab.schema import Schema, read_notebook_schema
from lab.workspace import Workspace


def locate(notebook: Path | str, workspace: Workspace) -> Path:
    """The file meant by `notebook`: as seen from here, or else from the root of the workspace."""
    path = Path(notebook)
    if not path.exists() and not path.is_absolute() and (workspace.root / path).exists():
        path = workspace.root / path
    return path.resolve()


def read_schema(notebook: Path | str, workspace: Workspace | None = None) -> Schema:
    """The schema of a notebook, which messages name relative to the workspace."""
    if workspace is None:
        return read_notebook_schema(Path(notebook))
    path = locate(notebook, workspace)
    return read_notebook_schema(path, where=workspace.relative(path))
