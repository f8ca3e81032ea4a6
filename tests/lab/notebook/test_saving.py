"""The executed notebook is saved as it runs, whole, rarely enough, and a full disk is told."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import nbformat
import pytest

from lab.executors import run_notebook
from lab.notebook import document
from lab.workspace import Workspace


def many_cells(workspace: Workspace, cells: int) -> Path:
    path = workspace.root / "notebooks" / "never_starts.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for number in range(cells):
        notebook.cells.append(nbformat.v4.new_code_cell(f"print({number})"))
    nbformat.write(notebook, path)
    return path


def test_saves_do_not_grow_with_the_cells(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    saves = 0
    write = document.write_atomic

    def counted(path: Path, data: bytes) -> None:
        nonlocal saves
        saves += 1
        write(path, data)

    monkeypatch.setattr(document, "write_atomic", counted)
    # As if saving took so long that, at its share of the time, none is due before the end.
    monkeypatch.setattr(document, "_SHARE", 1e-9)
    run = run_notebook(many_cells(workspace, 60), workspace=workspace)
    notebook = nbformat.read(run.path.notebook, as_version=4)
    assert run.status == "done"
    assert notebook.cells[-1].outputs[0].text == "59\n"
    assert saves == 2  # before the first cell, and at the end


@pytest.mark.parametrize("on", ["pool", "inline"])
def test_a_disk_that_fills_up(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, on: str
) -> None:
    write = document.write_atomic
    full = False

    def filling(path: Path, data: bytes) -> Any:
        nonlocal full
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        full = True
        return write(path, data)

    monkeypatch.setattr(document, "write_atomic", filling)
    path = workspace.root / "notebooks" / "never_starts.ipynb"
    run = run_notebook(path, workspace=workspace, on=on)
    assert (run.status, run.reason) == ("failed", "disk_full")
    assert run.error is not None
    assert "No space left" in run.error["message"]
    nbformat.validate(nbformat.read(run.path.notebook, as_version=4))  # the last whole save
