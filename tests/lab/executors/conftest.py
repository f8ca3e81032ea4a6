"""Here the workspace holds the fixture notebooks, and there are clusters to run them on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import clusters
import pytest
from clusters import DaskCluster

from lab.workspace import Workspace

FIXTURES = Path(__file__).parents[2] / "fixtures" / "notebooks"


@pytest.fixture
def workspace(notebooks_workspace: Workspace) -> Workspace:
    return notebooks_workspace


@pytest.fixture(scope="session")
def dask_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """A Dask scheduler with two workers."""
    with clusters.dask_cluster(tmp_path_factory.mktemp("dask"), workers=2) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def shared_workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """One workspace for all tests of a module; its path has spaces."""
    root = tmp_path_factory.mktemp("shared") / "work space"
    shutil.copytree(FIXTURES, root / "notebooks")
    (root / "pyproject.toml").write_text("[tool.lab]\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("LAB_")]:
            patch.delenv(name)
        yield Workspace.load(root)
