"""Presets: parameters by name, below whatever a person or a suite says about one run."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest
from typer.testing import CliRunner

import lab
from lab.cli import app
from lab.errors import InputError, ParameterError, SuiteError
from lab.presets import find_preset, preset_values, presets
from lab.suite.plan import plan_suite
from lab.suite.schema import Suite
from lab.workspace import Workspace

CELL = "seed: int = 0  # repeats\nwidth: int = 8  # channels\ndepth: int = 2  # layers\n"


@dataclass(frozen=True)
class Made:
    notebook: str = "notebooks/toy.ipynb"
    description: str = "wider than usual"
    values: dict[str, Any] = field(default_factory=lambda: {"width": 16, "depth": 3})


class Entry:
    """What `importlib.metadata` finds where a package has registered presets."""

    def load(self) -> dict[str, Made]:
        return {"wide": Made(), "deep": Made(values={"depth": 9})}


@pytest.fixture
def notebook(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("lab.presets.entry_points", lambda group: [Entry()])
    monkeypatch.chdir(workspace.root)
    path = workspace.root / "notebooks" / "toy.ipynb"
    path.parent.mkdir()
    cell = nbformat.v4.new_code_cell(CELL, metadata={"tags": ["parameters"]})
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    return path


def planned(workspace: Workspace, **values: Any) -> list[dict[str, Any]]:
    suite = Suite.model_validate({"name": "night", **values})
    return [item.params for item in plan_suite(suite, workspace)]


def test_those_of_cvkan_are_registered() -> None:
    assert {"cifar10", "speech_commands", "speech_commands_fast"} <= set(presets())
    assert {"etth1", "sst2", "scanline", "grid"} <= set(presets())
    assert preset_values("cifar10")["dataset"] == "cifar10"
    assert preset_values(None) == {}


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"No such preset: cifar1\. Did you mean 'cifar10'"):
        find_preset("cifar1")


@pytest.mark.usefixtures("notebook")
def test_in_a_suite_presets_are_below_everything_else(workspace: Workspace) -> None:
    of_defaults = {"preset": "wide", "params": {"depth": 4}}
    assert planned(workspace, defaults=of_defaults, runs=[{"arm": "a"}]) == [
        {"seed": 0, "width": 16, "depth": 4}
    ]
    assert planned(
        workspace,
        defaults={"preset": "wide"},
        matrix={"seed": [1, 2]},
        runs=[{"arm": "a"}, {"arm": "b", "preset": "deep"}, {"arm": "c", "params": {"width": 5}}],
    ) == [
        {"seed": 1, "width": 16, "depth": 3},
        {"seed": 2, "width": 16, "depth": 3},
        {"seed": 1, "width": 8, "depth": 9},
        {"seed": 2, "width": 8, "depth": 9},
        {"seed": 1, "width": 5, "depth": 3},
        {"seed": 2, "width": 5, "depth": 3},
    ]


@pytest.mark.usefixtures("notebook")
def test_a_suite_with_an_unknown_preset_is_refused(workspace: Workspace) -> None:
    with pytest.raises(SuiteError, match=r"Run 2 of the suite: No such preset: wid\..*'wide'"):
        planned(workspace, runs=[{"preset": "wide"}, {"arm": "b", "preset": "wid"}])


def test_a_run_records_the_values_of_its_preset(workspace: Workspace, notebook: Path) -> None:
    run = lab.run(notebook, {"depth": 1}, preset="wide", workspace=workspace)
    assert run.params == {"seed": 0, "width": 16, "depth": 1}


def test_a_preset_of_another_notebook_does_not_fit(workspace: Workspace, notebook: Path) -> None:
    notebook.write_text(notebook.read_text().replace("width", "breadth"))
    with pytest.raises(ParameterError, match="width"):
        lab.run(notebook, preset="wide", workspace=workspace)
    assert list(workspace.runs.iterdir()) == []


@pytest.mark.usefixtures("notebook")
def test_the_commands(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from lab.cli import app

    def call(*words: str) -> str:
        capsys.readouterr()
        app(list(words), standalone_mode=False)
        return capsys.readouterr().out

    listed = {row["id"]: row for row in json.loads(call("presets", "--json"))}
    assert listed["deep"]["params"] == {"depth": 9}
    assert "wider than usual" in call("presets")
    ended = json.loads(call("run", "--preset", "wide", "-p", "depth=1", "--on", "inline", "--json"))
    assert ended["params"] == {"seed": 0, "width": 16, "depth": 1}


@pytest.mark.usefixtures("notebook")
def test_help_shows_the_values_of_the_preset() -> None:
    said = CliRunner().invoke(app, ["run", "--preset", "wide", "--help"])
    assert said.exit_code == 0
    rows = {line.split()[0]: line.split()[1:3] for line in said.stdout.splitlines() if line.strip()}
    assert rows["parameter"] == ["type", "preset"]
    assert rows["width"] == ["int", "16"]
    assert rows["seed"] == ["int", "0"]
    assert "lab run --preset wide -p seed=VALUE" in said.stdout
