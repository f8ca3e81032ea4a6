"""A notebook run that was interrupted and one that resumes it come to the uninterrupted one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab.executors import run_notebook
from lab.record.run import Run
from lab.workspace import Workspace

ROOT = Path(__file__).parents[2]
PARAMS = {
    "train_size": 64,
    "validation_size": 32,
    "test_size": 32,
    "epochs": 3,
    "d_complex": 8,
    "dropout": 0.2,
    "device": "cpu",
}


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The notebook, and one like it whose training fails after its second epoch."""
    (tmp_path / "pyproject.toml").write_text("[tool.lab]\n", encoding="utf-8")
    folder = tmp_path / "notebooks"
    folder.mkdir()
    whole = shutil.copy(ROOT / "notebooks/domains/synthetic.ipynb", folder)
    text = Path(whole).read_text(encoding="utf-8")
    last = '"    progress(metrics, epoch)\\n",'
    assert text.count(last) == 1
    fails = last + '\n    "    if epoch == 2:\\n",\n    "        raise RuntimeError\\n",'
    (folder / "stopped.ipynb").write_text(text.replace(last, fails), encoding="utf-8")
    monkeypatch.delenv("LAB_RUNS", raising=False)
    monkeypatch.chdir(tmp_path)
    return Workspace.load(tmp_path)


def run(workspace: Workspace, name: str, **params: object) -> Run:
    path = workspace.root / "notebooks" / f"{name}.ipynb"
    return run_notebook(path, PARAMS | params, workspace=workspace)


def numbers(ended: Run) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for row in ended.history():
        for name, value in row.items():
            if name.startswith(("train/", "val/", "test/")):
                found.setdefault(name, []).append(value)
    return found


@pytest.mark.slow
def test_an_interrupted_and_resumed_run_has_the_metrics_of_a_whole_one(
    workspace: Workspace,
) -> None:
    whole = run(workspace, "synthetic")
    stopped = run(workspace, "stopped")
    assert (whole.status, stopped.status) == ("done", "failed")
    resumed = run(workspace, "synthetic", resume=stopped.id)
    assert resumed.status == "done"
    assert numbers(resumed) == numbers(whole)
    assert len(numbers(stopped)["val/loss"]) == 2
