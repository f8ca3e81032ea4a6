"""Bad input: one clear message on standard error, exit code 2, nothing written."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import write_run

from lab.workspace import Workspace

Lab = Callable[..., Any]

SUITE = "name: s\nruns: [{arm: a, notebook: notebooks/toy.ipynb}]\n"

CASES: dict[str, tuple[tuple[str, ...], str]] = {
    "missing notebook": (("run", "notebooks/toi.ipynb"), "toi.ipynb.*toy.ipynb"),
    "not a notebook": (("run", "notebooks/broken.ipynb"), "broken.ipynb"),
    "no parameters cell": (("run", "notebooks/bare.ipynb"), "parameters"),
    "computed parameters": (("run", "notebooks/computed.ipynb"), "literal|computed"),
    "unknown parameter": (("run", "notebooks/toy.ipynb", "-p", "epoch=3"), "epoch.*'epochs'"),
    "bad value": (("run", "notebooks/toy.ipynb", "-p", "epochs=many"), "epochs.*int.*many"),
    "not a parameter": (("run", "notebooks/toy.ipynb", "-p", "epochs"), "NAME=VALUE"),
    "no duration": (("run", "notebooks/toy.ipynb", "--timeout", "long"), "Not a duration: long"),
    "no executor": (("run", "notebooks/toy.ipynb", "--on", "moon"), "moon.*inline, pool"),
    "no suite": (("suite", "run", "none.yaml"), "No such file"),
    "suite by its name": (("suite", "run", "night"), "night.*experiments/suites/night.yaml"),
    "suite with a typo": (("suite", "run", "syntx.yaml"), "Did you mean 'syntax.yaml'"),
    "folder for a suite": (("suite", "run", "experiments"), "folder, not a file: experiments"),
    "suite syntax": (("suite", "run", "syntax.yaml"), r"syntax.yaml:2"),
    "suite key": (("suite", "run", "key.yaml"), r"key.yaml:2.*worker.*'workers'"),
    "empty matrix": (("suite", "run", "matrix.yaml"), r"matrix.yaml:2.*empty matrix"),
    "suite parameter": (("suite", "run", "parameter.yaml"), "Arm 'a'.*epoch.*'epochs'"),
    "no such run": (("show", "20260120_100009"), "20260120_100009.*20260120_100000"),
    "rerun of no run": (("rerun", "19990101_000000"), "There is no such run"),
    "expression": (("runs", "--where", "epochs >"), "cannot be read.*the end"),
    "name in expression": (("runs", "--where", "epochz > 1"), "epochz.*'epochs'"),
    "metric to sort by": (("runs", "--sort", "val/acuracy"), "val/acuracy.*'val/accuracy'"),
    "compare by nothing": (("compare", "--by", "poling"), "poling"),
    "compare no run": (
        ("compare", "--by", "epochs", "--where", "epochs > 9"),
        "matches: epochs > 9",
    ),
    "plot no run": (
        ("plot", "--metric", "val/accuracy", "--by", "epochs", "--where", "epochs > 9"),
        "matches: epochs > 9",
    ),
    "log of no kind": (("log", "new", "reserch", "x"), "reserch.*'research'"),
    "log of nothing": (("log", "new"), "Missing argument 'kind'"),
    "no such action": (("log", "done", "ffffffff"), "ffffffff"),
    "no such entry": (("log", "status", "nothing like it", "Done"), "nothing like it"),
    "no date": (("log", "new", "research", "x", "--finding", "y", "--date", "soon"), "soon"),
    "no data set": (("data", "path", "cifar1"), "cifar1.*'cifar10'"),
    "no preset": (("run", "notebooks/toy.ipynb", "--preset", "cifar1"), "cifar1.*'cifar10'"),
    "preset of another": (
        ("run", "notebooks/toy.ipynb", "--preset", "sst2"),
        "sets what this notebook does not have.*notebooks/domains/text.ipynb",
    ),
    "unknown command": (("runz",), "runz"),
}


@pytest.fixture
def _files(workspace: Workspace, toy: Path) -> None:
    root = workspace.root
    (root / "notebooks" / "broken.ipynb").write_text("{]", encoding="utf-8")
    document = json.loads(toy.read_text(encoding="utf-8"))
    first = document["cells"][0]
    computed = document | {"cells": [first | {"source": "width: int = 4 * 2  # wide\n"}]}
    bare = document | {"cells": [first | {"metadata": {}}]}
    (root / "notebooks" / "computed.ipynb").write_text(json.dumps(computed), encoding="utf-8")
    (root / "notebooks" / "bare.ipynb").write_text(json.dumps(bare), encoding="utf-8")
    (root / "syntax.yaml").write_text("name: s\nruns: [\n", encoding="utf-8")
    suites = root / "experiments" / "suites"
    suites.mkdir(parents=True)
    (suites / "night.yaml").write_text(SUITE, encoding="utf-8")
    (root / "key.yaml").write_text(SUITE.replace("\n", "\nworker: 2\n", 1), encoding="utf-8")
    (root / "matrix.yaml").write_text(SUITE.replace("\n", "\nmatrix: {seed: []}\n", 1))
    (root / "parameter.yaml").write_text(SUITE.replace("arm: a", "arm: a, params: {epoch: 1}"))
    write_run(
        workspace.runs,
        "20260120_100000",
        params={"epochs": 2},
        curves={"val/accuracy": [0.5]},
        headline="val/accuracy",
    )


@pytest.mark.usefixtures("_files")
@pytest.mark.parametrize("case", CASES)
def test_bad_input(lab: Lab, workspace: Workspace, case: str) -> None:
    words, message = CASES[case]
    before = contents(workspace.root)
    said = lab(*words)
    assert said.code == 2, said
    assert re.search(message, " ".join(said.err.split())), said.err
    assert said.out == ""
    assert "Traceback" not in said.err
    assert contents(workspace.root) == before


def contents(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path): path.read_bytes() for path in files}


def test_no_workspace(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_WORKSPACE", str(tmp_path))
    said = lab("runs")
    assert (said.code, said.out) == (2, "")
    assert "[tool.lab]" in said.err


def test_a_traceback_only_with_debug(lab: Lab, toy: Path) -> None:
    from lab.errors import LabError

    with pytest.raises(LabError):
        lab("show", "nothing", "--debug")


def test_a_runs_folder_that_cannot_be_written(
    lab: Lab, workspace: Workspace, toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A folder cannot be made under a file, not even by root.
    monkeypatch.setenv("LAB_RUNS", str(toy / "runs"))
    said = lab("run", "notebooks/toy.ipynb")
    assert (said.code, said.out) == (2, "")
    assert "cannot be" in said.err
    assert "LAB_RUNS" in said.err


@pytest.mark.filterwarnings("ignore:.*is not UTF-8")
def test_a_log_that_is_not_utf_8_is_read_and_keeps_its_bytes(
    lab: Lab, workspace: Workspace
) -> None:
    log = workspace.root / "docs" / "research_log.md"
    before = b"# Log\n\n## 2026-01-20 caf\xe9\n"
    log.write_bytes(before)
    assert "caf\u00e9" in lab("log", "list").out
    assert lab("log", "new", "research", "x", "--finding", "y").code == 0
    assert log.read_bytes().startswith(before)


def test_a_template_with_an_undefined_name(lab: Lab, workspace: Workspace) -> None:
    template = workspace.templates / "research_entry.md.j2"
    template.parent.mkdir()
    template.write_text("## {{ entry.title }}\n\n{{ verdikt }}\n", encoding="utf-8")
    said = lab("log", "new", "research", "x", "--finding", "y")
    assert (said.code, said.out) == (2, "")
    assert re.search(r"research_entry\.md\.j2:3.*verdikt", " ".join(said.err.split()))
    assert not (workspace.root / "docs" / "research_log.md").exists()


def test_numbers_that_are_none_break_no_table(lab: Lab, workspace: Workspace) -> None:
    for seed, values in enumerate(([0.5, math.nan], [math.inf, -math.inf], [math.nan, math.nan])):
        write_run(
            workspace.runs,
            f"20260120_10000{seed}",
            params={"seed": seed, "pooling": "mean"},
            curves={"val/loss": values},
            headline="val/loss",
        )
    for words in (
        ("runs",),
        ("runs", "--sort", "val/loss"),
        ("show", "20260120_100000"),
        ("diagnose", "20260120_100001"),
        ("compare", "--by", "pooling"),
        ("log", "new", "research", "--by", "pooling", "--runs", "status == done"),
    ):
        assert lab(*words).code == 0, words
    kept = {run["id"]: run["metrics"]["val/loss"] for run in json.loads(lab("runs", "--json").out)}
    assert kept["20260120_100000"]["last"] == "NaN"
    assert kept["20260120_100001"]["last"] == "-Infinity"
    assert kept["20260120_100000"]["best"] == 0.5


def test_brackets_are_shown_as_they_are(lab: Lab, workspace: Workspace) -> None:
    write_run(
        workspace.runs,
        "20260120_100000",
        params={"api_key": "[redacted]", "label": "[/a] b"},
        curves={"val/loss": [1.0]},
    )
    shown = lab("show", "20260120_100000")
    assert "[redacted]" in shown.out
    assert "[/a] b" in shown.out
    lab("log", "new", "research", "Brackets", "--finding", "f", "--action", "look at [/a] [red]")
    assert "look at [/a] [red]" in lab("log", "actions").out


@pytest.mark.filterwarnings("always::lab.record.files.RecordWarning")
def test_a_torn_last_line_is_left_out_and_told(lab: Lab, workspace: Workspace) -> None:
    folder = write_run(
        workspace.runs, "20260120_100000", curves={"val/loss": [0.5]}, headline="val/loss"
    )
    with (folder / "metrics.jsonl").open("ab") as file:
        file.write(b'{"step": 2, "val/lo')
    for words in (("runs", "--json"), ("show", "20260120_100000", "--json")):
        said = lab(*words)
        assert said.code == 0
        shown = json.loads(said.out)
        run = shown[0] if isinstance(shown, list) else shown
        assert run["metrics"]["val/loss"]["last"] == 0.5
        assert said.err.count("the last line is torn") == 1
