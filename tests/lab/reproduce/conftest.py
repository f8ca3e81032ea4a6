"""A workspace in a git repository, with a notebook whose numbers come from its code."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lab.record.creation import create_run
from lab.record.files import write_json
from lab.record.metrics import MetricsWriter
from lab.record.run import Run, end_run
from lab.workspace import Workspace

_PARAMETERS = "seed: int = 0  # of the noise\nscale: float = 1.0  # of everything\n"
_WORK = """
import random
import time

import lab
import toyscience

run = lab.start()
noise = random.Random(seed)
for epoch in range(1, 4):
    loss = toyscience.FACTOR * scale / epoch + noise.random()
    run.log({"val/loss": loss, "time/epoch_seconds": time.time()}, step=epoch)
run.headline("val/loss")
"""


def cell(name: str, source: str, *tags: str) -> dict[str, object]:
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {"tags": list(tags)},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }


class Project:
    """A workspace that lies in a sub-folder of a git repository."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.root = top / "my lab"
        self.code = self.root / "src" / "toyscience.py"
        self.notebook = self.root / "notebooks" / "toy.ipynb"

    def write_notebook(self, work: str = _WORK) -> None:
        cells = [cell("parameters", _PARAMETERS, "parameters"), cell("work", work)]
        document = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        self.notebook.parent.mkdir(exist_ok=True)
        self.notebook.write_text(json.dumps(document, indent=1))

    def notebook_work(self) -> str:
        source: str = json.loads(self.notebook.read_text())["cells"][1]["source"]
        return source

    def write_code(self, factor: float) -> None:
        self.code.parent.mkdir(exist_ok=True)
        self.code.write_text(f"FACTOR = {factor}\n")

    def commit(self) -> str:
        self.git("add", "-A")
        self.git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "-m", "x")
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=self.top, check=True, capture_output=True, text=True
        ).stdout

    def recorded(self, params: dict[str, Any] | None = None, **metrics: float) -> Run:
        """A run of the notebook and the code as they are now, without a kernel."""
        paths = create_run(self.workspace, notebook=self.notebook, params=params or {})
        writer = MetricsWriter(paths.metrics)
        writer.append({f"val/{name}": value for name, value in metrics.items()}, 1)
        writer.close()
        document = json.loads(self.notebook.read_text())
        document["cells"].insert(1, cell("injected", "seed = 5", "injected-parameters"))
        write_json(paths.notebook, document)
        return end_run(paths, "done")

    @property
    def workspace(self) -> Workspace:
        return Workspace.load(self.root)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = Project(tmp_path / "repository")
    made.root.mkdir(parents=True)
    (made.root / "pyproject.toml").write_text("[tool.lab]\n")
    (made.root / "runs").mkdir()
    (made.top / ".gitignore").write_text("runs/\n*.pyc\n")
    made.write_code(1.0)
    made.write_notebook()
    made.git("init", "-q")
    made.commit()
    monkeypatch.setenv("PYTHONPATH", str(made.root / "src"))
    return made
