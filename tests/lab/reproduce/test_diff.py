"""In what two runs differ: what was changed is told, what was not is not."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from helpers import write_run

import lab
from lab.record.run import update_run
from lab.workspace import Workspace

A, B = "20260120_100000", "20260120_110000"


def test_equal_runs(project: Any) -> None:
    a, b = (project.recorded({"seed": 1}, loss=float("nan")) for _ in range(2))
    found = lab.diff(a.id, b.id, workspace=project.workspace)
    assert found.code.same is True
    assert (found.parameters, found.packages, found.data, found.machine) == ((), (), (), ())
    assert [metric.same for metric in found.metrics] == [True]
    assert found.packages_known


def test_code_that_was_committed_and_code_that_was_not(project: Any, tmp_path: Path) -> None:
    """Clean at one commit against dirty at another, with a new file and a changed notebook."""
    a = project.recorded()
    (project.top / "outside.py").write_text("not of the workspace\n")
    (project.root / "README.md").write_text("not code\n")
    project.write_code(2.0)
    project.commit()
    project.write_code(3.0)
    (project.root / "src" / "neu.py").write_text("one\ntwo\n")
    project.write_notebook("print('another')\n")
    b = project.recorded()
    at_b = {path: path.read_text() for path in (project.code, project.notebook)}
    objects = sorted((project.top / ".git" / "objects").rglob("*"))

    code = lab.diff(a.id, b.id, workspace=project.workspace).code
    assert code.same is False
    assert code.unknown is None
    changed = {file.path: (file.added, file.removed) for file in code.files}
    assert set(changed) == {"src/toyscience.py", "src/neu.py", "notebooks/toy.ipynb"}
    assert changed["src/toyscience.py"] == (1, 1)
    assert changed["src/neu.py"] == (2, 0)
    assert code.cells == ("cell 2 changed (now cell 2)",)
    assert sorted((project.top / ".git" / "objects").rglob("*")) == objects

    # The patch makes the source of a into that of b.
    sha = str(a.record["git"]["sha"])
    other = tmp_path / "other"
    project.git("worktree", "add", "-q", str(other), sha)
    subprocess.run(["git", "apply"], cwd=other, input=code.patch, text=True, check=True)
    for path, text in at_b.items():
        assert (other / path.relative_to(project.top)).read_text() == text


def test_commits_that_are_not_here(project: Any) -> None:
    a = project.recorded()
    project.write_code(2.0)
    b = project.recorded()
    update_run(b.path, git={"sha": "f" * 40, "branch": "x", "dirty": True})
    code = lab.diff(a.id, b.id, workspace=project.workspace).code
    assert code.same is False
    assert code.unknown == f"{b.id}: its commit ffffffffff is not in this repository"
    assert code.commits[1] == "ffffffffff with changes"


def test_parameters_data_machine_packages_metrics(workspace: Workspace) -> None:
    one = write_run(
        workspace.runs, A,
        params={"seed": 1, "lr": 1, "dims": [1], "gone": None},
        curves={"val/accuracy": [0.5, 0.7, 0.6], "test/loss": [1.0, 2.0]},
        data=[{"name": "digits", "sha256": "a" * 64, "path": None}],
        machine={"cpu": "6502", "cores": 1},
    )  # fmt: skip
    two = write_run(
        workspace.runs, B,
        params={"seed": 1, "lr": 1.0, "dims": [1, 2], "new": "x"},
        curves={"val/accuracy": [0.75], "test/loss": [1.5]},
        data=[{"name": "digits", "sha256": "b" * 64, "path": None}],
        device="cuda", code="d" * 64, machine={"cpu": "Z80", "cores": 1},
    )  # fmt: skip
    for folder, text in ((one, "a==1\nnum_py==2\n"), (two, "a==1\nnum-py==3\nc==1\n")):
        (folder / "environment").mkdir()
        (folder / "environment" / "packages.txt").write_text(text)
    found = lab.diff(A, B, workspace=workspace).as_dict()
    as_rows = {
        key: [(c["name"], c["a"], c["b"]) for c in found[key]]
        for key in ("parameters", "packages", "data", "machine", "metrics")
    }
    assert as_rows == {
        "parameters": [
            ("lr", 1, 1.0), ("dims", [1], [1, 2]), ("gone", None, None), ("new", None, "x"),
        ],
        "packages": [("c", None, "1"), ("num-py", "2", "3")],
        "data": [("digits", "a" * 64, "b" * 64)],
        "machine": [("device", "cpu", "cuda"), ("cpu", "6502", "Z80")],
        # The best of a validation metric, the last of a test metric.
        "metrics": [("val/accuracy", 0.7, 0.75), ("test/loss", 2.0, 1.5)],
    }  # fmt: skip
    assert [c["difference"] for c in found["metrics"]] == [pytest.approx(0.05), -0.5]
    assert found["code"]["same"] is False
    json.dumps(found)


def test_what_was_not_recorded_is_not_called_the_same(workspace: Workspace) -> None:
    for run_id in (A, B):
        write_run(workspace.runs, run_id, code=None)
    found = lab.diff(A, B, workspace=workspace)
    assert found.code.same is None
    assert not found.packages_known
