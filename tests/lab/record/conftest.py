"""Runs in this process, and Python scripts in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from record_helpers import Script

from lab.record.creation import create_run
from lab.record.run import Run
from lab.workspace import Workspace


@pytest.fixture
def make_run(workspace: Workspace) -> Callable[..., Run]:
    """A run that belongs to this process, `running`."""

    def make(params: Mapping[str, Any] | None = None, **how: Any) -> Run:
        return Run.read(create_run(workspace, notebook=None, params=params or {}, **how))

    return make


@pytest.fixture
def script(workspace: Workspace) -> Script:
    """Start a Python script in the workspace; its output and errors are one pipe."""

    def start(source: str, **how: Any) -> subprocess.Popen[str]:
        environment = {**os.environ, "LAB_WORKSPACE": str(workspace.root)}
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(source)],
            cwd=workspace.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **how,
        )

    return start
