"""`lab check`: every kind of damage to a run folder is found, and nothing else."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import write_run

from lab.record.fingerprint import data_sha256
from lab.record.liveness import host_name
from lab.record.verify import check_runs
from lab.workspace import Workspace

ID = "20260120_100000"


@pytest.fixture
def folder(workspace: Workspace) -> Path:
    data = workspace.root / "data.csv"
    data.write_text("1,2\n")
    sources = [
        {"name": "file", "path": "data.csv", "sha256": data_sha256(data)},
        {"name": "part", "path": "data.csv", "sha256": "given", "content": data_sha256(data)},
        {"name": "made", "path": None, "sha256": "0" * 64},
    ]
    folder = write_run(
        workspace.runs, ID, curves={"val/x": [0.5, float("nan")], "val/loss": [1]}, data=sources
    )
    (folder / "notebook.ipynb").write_text('{"cells": []}')
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "config.json").write_text("{}")
    with zipfile.ZipFile(folder / "checkpoints" / "best.pt", "w") as archive:
        archive.writestr("data.pkl", b"weights" * 100)
    return folder


def test_a_whole_run(workspace: Workspace, folder: Path) -> None:
    assert check_runs(workspace) == (1, [])
    assert check_runs(workspace, [ID]) == (1, [])


def change(**keys: Any) -> Callable[[Path], None]:
    def apply(file: Path) -> None:
        file.write_text(json.dumps(json.loads(file.read_text()) | keys))

    return apply


def append(text: str) -> Callable[[Path], None]:
    return lambda file: file.write_text(file.read_text() + text)


def write(text: str) -> Callable[[Path], None]:
    return lambda file: file.write_text(text) and None


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[content.index(b"weights") + 3] ^= 1
    file.write_bytes(content)


DAMAGE: dict[str, tuple[str, Callable[[Path], Any], str]] = {
    "no record": ("run.json", Path.unlink, "missing"),
    "half a record": ("run.json", write('{"id"'), "cannot be read"),
    "another id": ("run.json", change(id="other"), "its id is other"),
    "another schema": ("run.json", change(schema=99), "schema 99"),
    "no status": ("run.json", change(status="fine"), "no status fine"),
    "no parameters": ("params.json", Path.unlink, "missing"),
    "half the parameters": ("params.json", write("{"), "cannot be read"),
    "a torn line": ("metrics.jsonl", append('{"step": 3, "va'), "1 torn line"),
    "no summary": ("summary.json", Path.unlink, "missing"),
    "half a summary": ("summary.json", write("{"), "cannot be read"),
    "a summary that is a list": ("summary.json", write("[]"), "cannot be read"),
    "another number": (
        "summary.json",
        change(**{"val/loss": {"last": 1, "best": 0.9, "best_step": 1, "goal": "min"}}),
        "val/loss",
    ),
    "one metric more": ("summary.json", change(**{"val/y": {"last": 1}}), "val/y"),
    "half a notebook": ("notebook.ipynb", write('{"cells": ['), "not a notebook"),
    "bits of a checkpoint": ("checkpoints/best.pt", flip, "data.pkl is damaged"),
    "half a checkpoint": (
        "checkpoints/best.pt", lambda file: file.write_bytes(file.read_bytes()[:200]), "be read",
    ),
    "half a configuration": ("checkpoints/config.json", write("{"), "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage(workspace: Workspace, folder: Path, kind: str) -> None:
    file, damage, message = DAMAGE[kind]
    damage(folder / file)
    checked, (problem,) = check_runs(workspace)
    assert checked == 1
    assert (problem.id, problem.file) == (ID, file)
    assert message in problem.text


def test_metrics_that_changed_since(workspace: Workspace, folder: Path) -> None:
    append('{"step": 3, "time": 0.0, "val/loss": 0.25}\n')(folder / "metrics.jsonl")
    _, (problem,) = check_runs(workspace)
    assert (problem.file, "val/loss" in problem.text) == ("summary.json", True)


def test_data_that_changed_since(workspace: Workspace, folder: Path) -> None:
    (workspace.root / "data.csv").write_text("1,2,3\n")
    _, problems = check_runs(workspace)
    assert [p.text.split(":")[0] for p in problems] == ["data file", "data part"]
    assert all("changed since" in p.text for p in problems)
    (workspace.root / "data.csv").unlink()
    _, problems = check_runs(workspace)
    assert all("not there any more" in p.text for p in problems)
    assert len(problems) == 2


def test_data_of_another_machine_are_not_missing_here(workspace: Workspace, tmp_path: Path) -> None:
    data = [{"name": "far", "sha256": "0" * 64, "path": str(tmp_path / "far")}]
    write_run(workspace.runs, "20260120_110000", host="elsewhere", data=data)
    assert check_runs(workspace) == (1, [])
    write_run(workspace.runs, "20260120_120000", host=host_name(), data=data)
    _, (problem,) = check_runs(workspace)
    assert (problem.id, "not there any more" in problem.text) == ("20260120_120000", True)
