"""One notebook leaves the same run folder however it is executed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel

from lab.record.run import Run
from lab.workspace import Workspace

# What differs from way to way: when, by which process, and in which of the four ways.
VOLATILE = {"id", "started", "ended", "seconds", "pid", "pid_started", "timeout"}


def run_command(workspace: Workspace, *command: str) -> None:
    subprocess.run(
        [sys.executable, "-m", *command],
        cwd=workspace.root / "notebooks",
        env={**os.environ, "PYTEST_ADDOPTS": "", "PYTHONWARNINGS": "ignore"},
        check=True,
        capture_output=True,
        timeout=120,
    )


def by_lab(workspace: Workspace) -> None:
    run_command(workspace, "lab.cli", "run", "records.ipynb", "-p", "epochs=3")


def by_papermill(workspace: Workspace) -> None:
    out = str(workspace.root / "out.ipynb")
    run_command(workspace, "papermill", "records.ipynb", out, "-p", "epochs", "3")


def edit(workspace: Workspace) -> Path:
    """Where no value can be given, a person changes the default and saves."""
    path = workspace.root / "notebooks" / "records.ipynb"
    path.write_text(path.read_text().replace("epochs: int = 2", "epochs: int = 3"))
    return path


def by_nbmake(workspace: Workspace) -> None:
    edit(workspace)
    run_command(workspace, "pytest", "-p", "no:cacheprovider", "--nbmake", "records.ipynb")


def by_hand(workspace: Workspace) -> None:
    """Cell by cell in a kernel of Jupyter's own."""
    path = edit(workspace)
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(path.parent))
    try:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                reply = client.execute_interactive(
                    cell.source, timeout=60, output_hook=lambda _: None
                )
                assert reply["content"]["status"] == "ok"
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
        manager.cleanup_resources()


WAYS = [by_lab, by_papermill, by_nbmake, by_hand]


def only_run(workspace: Workspace) -> Run:
    (folder,) = (path.parent for path in workspace.runs.glob("*/run.json"))
    return Run.read(folder)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_the_same_run_folder(workspace: Workspace, way: Callable[[Workspace], None]) -> None:
    way(workspace)
    run = only_run(workspace)
    assert (run.status, run.reason, run.error) == ("done", None, None)
    assert run.params == {"epochs": 3, "seed": 0, "rate": 0.5}
    # On a busy machine it may take the seconds from which on a run has a file of what it used.
    assert files(run) - {"resources.jsonl"} == {
        "run.json",
        "params.json",
        "metrics.jsonl",
        "summary.json",
        "notebook.ipynb",
        "heartbeat",
        "environment/packages.txt",
        "figures/line.png",
    }
    assert shape(run) == SHAPE
    assert [row["step"] for row in run.history()] == [1, 2, 3]
    assert run.summary == {
        "train/loss": {"last": 0.125, "best": 0.125, "best_step": 3, "goal": "min"},
        "val/accuracy": {"last": 0.875, "best": 0.875, "best_step": 3, "goal": "max"},
        "notes": {"note": "all is well"},
    }
    check_notebook(run)


def files(run: Run) -> set[str]:
    paths = (path.relative_to(run.path.root) for path in run.path.root.rglob("*"))
    return {path.as_posix() for path in paths if not path.name.startswith(".") and path.suffix} | {
        path.name for path in [run.path.heartbeat] if path.exists()
    }


def shape(run: Run) -> dict[str, Any]:
    """The keys of run.json with the type of each value, and what names the run."""
    record = json.loads(run.path.record.read_bytes())
    kinds: dict[str, Any] = {
        key: type(value).__name__ for key, value in record.items() if key not in VOLATILE
    }
    return kinds | {key: record[key] for key in ("notebook", "headline", "seed", "tags", "suite")}


SHAPE = {
    "schema": "int",
    "name": "NoneType",
    "notebook": "notebooks/records.ipynb",
    "tags": ["fixture"],
    "status": "str",
    "reason": "NoneType",
    "suite": None,
    "sweep": "NoneType",
    "host": "str",
    "machine": "dict",
    "pid_birth": "str",
    "cpu_seconds": "float",
    "peak_memory": "int",
    "slurm_job_id": "NoneType",
    "git": "dict",
    "code": "str",
    "notebook_sha256": "str",
    "python": "str",
    "device": "NoneType",
    "seed": 0,
    "data": "list",
    "headline": "val/accuracy",
    "error": "NoneType",
}


def check_notebook(run: Run) -> None:
    """Every code cell was executed, in order, and its output is there."""
    notebook = nbformat.read(run.path.notebook, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    counts = [cell.execution_count for cell in code]
    assert counts == sorted(set(counts))  # nbmake executes something of its own in between
    printed = [
        output.text for cell in code for output in cell.outputs if output.output_type == "stream"
    ]
    assert printed == ["run has ['epochs', 'rate', 'seed']\n"]
    assert code[-1].outputs[-1].data["text/plain"] == "3"
