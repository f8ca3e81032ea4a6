"""The command line in this process, and a workspace with one small notebook."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from lab.workspace import Workspace

CELLS = (
    'epochs: int = 2  # passes\nseed: int = 0  # repeats\nmode: str = "good"  # good or bad\n',
    "import lab\n\nrun = lab.start()",
    "for epoch in range(1, epochs + 1):\n"
    "    accuracy = 1 - 0.5 / epoch + seed / 100\n"
    '    run.log({"train/loss": 1 / epoch, "val/accuracy": accuracy}, step=epoch)\n'
    'run.headline("val/accuracy")',
    'if mode == "bad":\n    raise ValueError("asked to be bad")',
)


@dataclass(frozen=True)
class Said:
    """What a command ended with and printed."""

    code: int
    out: str
    err: str


Lab = Callable[..., Said]


@pytest.fixture
def lab(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Lab:
    """Call `lab` with these words, in the workspace."""
    monkeypatch.chdir(workspace.root)
    # Restored afterwards: main() sends warnings to standard error its own way.
    monkeypatch.setattr("warnings.showwarning", lambda *a, **k: None)

    def call(*words: str | Path) -> Said:
        from lab.cli import main

        monkeypatch.setattr(sys, "argv", ["lab", *map(str, words)])
        monkeypatch.setenv("COLUMNS", "160")
        capfd.readouterr()
        try:
            main()
            code = 0
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else 1
        out, err = capfd.readouterr()
        return Said(code, out, err)

    return call


@pytest.fixture
def toy(workspace: Workspace) -> Path:
    """notebooks/toy.ipynb: logs two metrics an epoch, raises if told to."""
    path = workspace.root / "notebooks" / "toy.ipynb"
    path.parent.mkdir()
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path
