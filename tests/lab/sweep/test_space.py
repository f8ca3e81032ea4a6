"""Space files: what they mean, and the line of what is wrong with them."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from sweep_notebook import SPACE, write_space, write_tiny

from lab.errors import SweepError
from lab.log.render import render
from lab.sweep import Space
from lab.sweep.coverage import coverage
from lab.workspace import Workspace

ROOT = Path(__file__).parents[3]
HEAD = "study_name: s\nnotebook: notebooks/tiny.ipynb\nparam_ranges:\n"

WRONG = [
    ("  x: {type: float, low: 2, high: 1}\n", 4, "low is above high"),
    ("  x:\n    type: float\n    low: 0.0\n    high: 1\n    log: true\n", 6, "log range"),
    ("  depth: {type: int, low: 1, high: 3, when: {kid: a}}\n", 4, "not searched"),
    (
        "  kind: {type: categorical, choices: [a, b]}\n"
        "  x: {type: float, low: 0, high: 1, when: {kind: c}}\n",
        5,
        "can never hold",
    ),
    (
        "  kind: {type: categorical, choices: [a, b]}\n"
        "  depth: {type: int, low: 1, high: 2, when: {kind: a}}\n"
        "  x:\n    type: float\n    low: 0\n    high: 1\n    when:\n      kind: b\n"
        "      depth: 1\n",
        11,
        "can never hold.*never meet",
    ),
    ("  kind: {type: categorical, choices: [a, b], when: {kind: a}}\n", 4, "depends on itself"),
    ("  y: {type: float, low: 0, high: 1}\n", 4, "no such parameter: y"),
    ("  depth: {type: float, low: 1, high: 3}\n", 4, "depth of .* is int"),
    ("  kind:\n    choices:\n      - a\n      - c\n", 7, "kind of .* is Literal"),
    ("  x: {type: float, low: 0, high: 1, hard_high: 0.5}\n", 4, "above its hard limit"),
    ("  x: {type: float, low: 0, high: 1, choices: [1]}\n", 4, "cannot be there"),
    ("  x: {type: flaot, low: 0, high: 1}\n", 4, "Did you mean 'float'"),
    ("  kind: {type: categorical, choices: [a, a]}\n", 4, "a choice twice"),
]


@pytest.mark.parametrize(("text", "line", "message"), WRONG)
def test_errors_name_their_line(workspace: Workspace, text: str, line: int, message: str) -> None:
    write_tiny(workspace.root)
    with pytest.raises(SweepError, match=rf":{line} .*{message}"):
        Space.read(write_space(workspace.root, HEAD + text), workspace=workspace)


def test_both_forms_of_a_condition_mean_the_same(workspace: Workspace) -> None:
    write_tiny(workspace.root)
    other = SPACE.replace("when: {kind: a}", "condition: {equals: {kind: a}}")
    one, two = (
        Space.read(write_space(workspace.root, text), workspace=workspace)
        for text in (SPACE, other)
    )
    assert one == two
    assert one.active({"kind": "a"}) == ["kind", "x", "depth"]
    assert one.active({"kind": "b"}) == ["kind", "x"]


@pytest.mark.parametrize("file", sorted((ROOT / "experiments" / "sweeps").glob("*.yaml")), ids=str)
def test_spaces_of_the_project_hold_and_are_written_back(file: Path, tmp_path: Path) -> None:
    space = Space.read(file, workspace=Workspace.load(ROOT))
    copy = tmp_path / "copy.yaml"
    copy.write_text(space.to_yaml(), encoding="utf-8")
    assert Space.read(copy) == space


def test_combinations_are_those_that_enumeration_finds() -> None:
    file = ROOT / "experiments" / "sweeps" / "visual_classifier_v2.yaml"
    space = Space.read(file)
    discrete = [p for p in space.params if p.values is not None]
    cnn = {"model", "demo_aggregation", "depth", "coordinates"}
    context = {"model", "pixel_layers", "grid_layers"}
    shared = {"batch_size", "schedule", "head"}
    found = 0
    for names, model in ((cnn | shared, "cnn"), (context | shared, "context")):
        axes = [
            [model] if p.name == "model" else list(p.values or ())
            for p in discrete
            if p.name in names
        ]
        found += sum(1 for _ in itertools.product(*axes))
    about = coverage(str(file), Workspace.load(ROOT))["space"]
    assert about["combinations"] == found == 560
    notes = {p["name"]: p["note"] for g in about["groups"] for p in g["parameters"]}
    assert notes["lr"] == "was 0.0001 to 0.005"
    assert notes["batch_size"] == "added 64"
    assert re.match(r"new; was fixed at .mean.", notes["demo_aggregation"])


def test_nested_conditions_make_branches_without_impossible_ones(workspace: Workspace) -> None:
    text = (
        "study_name: n\nparam_ranges:\n  a: {choices: [x, y]}\n"
        "  b: {choices: [true, false], when: {a: x}}\n"
        "  c: {type: int, low: 1, high: 3, when: {b: true}}\n"
    )
    space = Space.read(write_space(workspace.root, text))
    assert [b.name for b in space.branches()] == ["a=x, b=true", "a=x, b=false", "a=y"]
    assert [space.combinations(b) for b in space.branches()] == [3, 1, 1]
    assert space.n_random == 20


def test_the_coverage_document_says_the_shares_of_a_space(workspace: Workspace) -> None:
    text = (
        "study_name: n\nn_trials: 30\nparam_ranges:\n  a: {choices: [x, y]}\n"
        "  c: {type: int, low: 1, high: 95, when: {a: x}}\n"
    )
    file = write_space(workspace.root, text)
    told = render("sweep_coverage", workspace, c=coverage(str(file), workspace))
    # 95 combinations where a = x and 1 where a = y; 20 of the 30 trials are random.
    assert "30 trials can visit at most 31.2% of the discrete combinations." in told
    assert "- Trials 0 to 19 are drawn at random" in told
    assert "- The other 10 go where the sampler" in told
    assert "each of the 2 branches gets about 10 of those trials" in told
