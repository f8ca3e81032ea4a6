"""A workspace that holds the fixture notebooks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab.workspace import Workspace

FIXTURES = Path(__file__).parents[2] / "fixtures" / "notebooks"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    for name in ("LAB_RUN", "LAB_RUNS", "LAB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "workspace with spaces"
    shutil.copytree(FIXTURES, root / "notebooks")
    (root / "pyproject.toml").write_text("[tool.lab]\n")
    return Workspace.load(root)
