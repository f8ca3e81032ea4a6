"""A clean environment and a fresh workspace for every test of lab."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers import write_workspace

from lab.workspace import Workspace


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("LAB_") or name in ("VISUAL", "EDITOR", "SLURM_JOB_ID"):
            monkeypatch.delenv(name)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace in a folder of its own."""
    return Workspace.load(write_workspace(tmp_path / "workspace"))
