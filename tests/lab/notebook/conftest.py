"""Here the workspace holds the fixture notebooks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.notebook.warm.kernelspec import set_provisioner
from lab.workspace import Workspace


@pytest.fixture
def workspace(notebooks_workspace: Workspace) -> Workspace:
    return notebooks_workspace


@pytest.fixture
def kernelspec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The python3 kernel of an environment, forked; the file."""
    file = tmp_path / "share" / "jupyter" / "kernels" / "python3" / "kernel.json"
    file.parent.mkdir(parents=True)
    argv = ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "P", "language": "python", "metadata": {"debugger": True}}
    file.write_text(json.dumps(spec))
    assert set_provisioner(tmp_path, warm=True) == file
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share" / "jupyter"))
    return file
