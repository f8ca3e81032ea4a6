"""Here the workspace holds the fixture notebooks."""

from __future__ import annotations

import pytest

from lab.workspace import Workspace


@pytest.fixture
def workspace(notebooks_workspace: Workspace) -> Workspace:
    return notebooks_workspace
