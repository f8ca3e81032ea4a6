"""`lab export`, `lab import`, `lab diff`, `lab rerun` as they are typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import write_run, write_workspace

from lab.workspace import Workspace

Lab = Callable[..., Any]
A, B = "20260120_100000", "20260120_110000"


@pytest.fixture
def two(workspace: Workspace) -> Workspace:
    for run_id, lr, loss in ((A, 0.1, 1.0), (B, 0.2, 0.5)):
        curves = {"val/loss": [loss]}
        write_run(workspace.runs, run_id, params={"lr": lr}, curves=curves, code=run_id)
    return workspace


def test_there_and_back(
    lab: Lab, two: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "runs.zip"
    said = lab("export", A, "20260120_11", file)
    assert (said.code, said.out, said.err) == (0, f"2 runs written to {file}\n", "")
    other = write_workspace(tmp_path / "other")
    monkeypatch.setenv("LAB_WORKSPACE", str(other))
    said = lab("import", file)
    assert said.out == f"2 runs imported from {file}\n  {A}\n  {B}\n"
    assert json.loads(lab("import", file, "--json").out) == {
        "kind": "zip", "source": str(file), "runs": [], "here": [A, B], "renamed": [], "notes": [],
    }  # fmt: skip
    assert lab("check").code == 0
    theirs = lab("runs", "--json").out
    monkeypatch.setenv("LAB_WORKSPACE", str(two.root))
    assert theirs == lab("runs", "--json").out


def test_a_new_id_is_said(lab: Lab, two: Workspace, tmp_path: Path) -> None:
    lab("export", A, tmp_path / "a.zip")
    (two.runs / A / "params.json").write_text('{"lr": 9}')
    said = lab("import", tmp_path / "a.zip")
    assert (said.code, said.out) == (2, "")
    assert f"A run of that id is here with other content: {A}." in said.err
    said = lab("import", tmp_path / "a.zip", "--new-ids")
    assert said.out.endswith(f"  {A}-2  (was {A})\n")


def test_to_tensorboard_and_from_csv(lab: Lab, two: Workspace, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    said = lab("export", "--where", "lr > 0.15", "--to", f"tensorboard:{tmp_path}/logs", "--json")
    assert json.loads(said.out)["runs"] == [B]
    said = lab("export", A, B, "--to", f"tensorboard:{tmp_path}/logs")
    assert said.out == f"One run written to {tmp_path}/logs\nOne run there already, not touched\n"
    (tmp_path / "x.csv").write_text("step,val/loss\n1,0.5\n")
    said = lab("import", tmp_path / "x.csv").out
    assert said.startswith("One run imported from")
    page = lab("show", said.split()[-1]).out
    assert f"from {tmp_path}/x.csv (csv, x)" in page
    assert "machine not said" in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("export",), "Not clear where the runs shall go"),
        (("export", A), "The last word has to be the zip file to write: 20260120_100000"),
        (("export", "20990101_000000", "a.zip"), "There is no such run"),
        (("export", A, "--to", "mlfow:x"), "mlfow:x. Did you mean 'mlflow'"),
        (("export", A, "--to", "tensorboard"), "The address is missing: tensorboard. As in"),
        (("import", "a.zip"), "There is no such file or folder: a.zip"),
        (("import", "pyproject.toml"), "Not clear what this holds: pyproject.toml. Say what"),
        (("import", "pyproject.toml", "--from", "zip"), "not a whole zip file of runs"),
        (("diff", A, "2099"), "There is no such run: 2099"),
        (("diff", A, B, "--patch"), "The code cannot be compared: "),
    ],
)
def test_bad_input(lab: Lab, two: Workspace, words: tuple[str, ...], said: str) -> None:
    before = sorted(two.root.rglob("*"))
    got = lab(*words)
    assert (got.code, got.out) == (2, "")
    assert said in got.err
    assert got.err.count("\n") == 1
    assert sorted(two.root.rglob("*")) == before


def test_a_diff_is_read_and_parsed(lab: Lab, two: Workspace) -> None:
    said = lab("diff", A, B)
    assert said.code == 0
    lines = [line.split() for line in said.out.splitlines()]
    assert ["lr", "0.1", "0.2"] in lines
    assert ["val/loss", "1.000", "0.5000", "-0.50"] in lines
    assert ["packages", "not", "recorded"] in lines
    found = json.loads(lab("diff", A, B, "--json").out)
    assert found["parameters"] == [{"name": "lr", "a": 0.1, "b": 0.2}]
    assert found["metrics"][0]["difference"] == -0.5


def test_a_rerun_says_whether_the_numbers_come_again(
    lab: Lab, workspace: Workspace, toy: Path
) -> None:
    first = json.loads(lab("run", toy, "--json").out)["id"]
    said = lab("rerun", first)
    assert said.code == 0
    assert f"The numbers are exactly those of {first}: 4 values of 2 metrics." in said.out
    assert f"lab diff {first} " in said.out
    again = said.out.split(f"lab diff {first} ")[1].split()[0]
    assert f"{first}. The numbers are exactly" in lab("show", again).out
    found = json.loads(lab("rerun", first, "-p", "epochs=3", "--json").out)
    assert found["rerun"]["of"] == first
    assert found["rerun"]["agreement"] == "not_compared"
    said = lab("rerun", first, "--source")
    assert (said.code, said.out) == (2, "")
    assert "in no git repository" in said.err
