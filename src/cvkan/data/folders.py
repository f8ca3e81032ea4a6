"""Where data sets lie on this machine."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def data_folders() -> tuple[Path, ...]:
    """The folders searched, in order: $CVKAN_DATA where set, then the default folder."""
    named = os.environ.get("CVKAN_DATA")
    default = default_folder()
    return (Path(named).expanduser(), default) if named else (default,)


def default_folder() -> Path:
    """`data/` of the workspace around the working directory, else the user's cache."""
    named = os.environ.get("LAB_WORKSPACE")
    if named:
        return Path(named) / "data"
    here = Path.cwd()
    for folder in (here, *here.parents):
        project = folder / "pyproject.toml"
        if project.is_file() and "[tool.lab]" in project.read_text(encoding="utf-8"):
            return folder / "data"
    return Path.home() / ".cache" / "cvkan"


def find(*names: str) -> Path | None:
    """The first of `names` that a data folder has; earlier folders win over earlier names."""
    candidates = (folder / name for folder in data_folders() for name in names)
    return next((path for path in candidates if path.exists()), None)


def sha256(path: Path, names: tuple[str, ...] | None = None) -> str:
    """Digest of a file, or of the named files of a folder (names and contents, sorted)."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    digest = hashlib.sha256()
    for name in sorted(names or ()):
        digest.update(f"{name}\0{sha256(path / name)}\n".encode())
    return digest.hexdigest()
