"""A clean environment and a fresh workspace for every test of lab."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from clusters import slurm_cluster
from helpers import write_workspace

from lab.workspace import Workspace

FIXTURES = Path(__file__).parents[1] / "fixtures" / "notebooks"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("LAB_") or name in ("VISUAL", "EDITOR", "SLURM_JOB_ID"):
            monkeypatch.delenv(name)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace in a folder of its own."""
    return Workspace.load(write_workspace(tmp_path / "workspace"))


@pytest.fixture(scope="session")
def slurm() -> Iterator[None]:
    """A Slurm of three nodes with four processors each."""
    with slurm_cluster():
        yield


@pytest.fixture
def notebooks_workspace(tmp_path: Path) -> Workspace:
    """A workspace that holds the fixture notebooks and no runs; its path has spaces."""
    root = tmp_path / "workspace with spaces"
    shutil.copytree(FIXTURES, root / "notebooks")
    (root / "pyproject.toml").write_text("[tool.lab]\n", encoding="utf-8")
    return Workspace.load(root)
