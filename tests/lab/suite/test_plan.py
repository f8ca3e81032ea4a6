"""A suite expands into triples, and each is told why it runs or which run satisfies it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from helpers import write_run

from lab.errors import NotebookError, ParameterError, SuiteError
from lab.record.fingerprint import code_sha256, data_sha256, notebook_sha256
from lab.suite.plan import PlannedRun, plan_suite
from lab.suite.schema import Suite
from lab.workspace import Workspace

CELL = 'seed: int = 0  # repeats\nwidth: int = 8  # channels\napi_token: str = ""  # secret\n'


@pytest.fixture
def notebook(workspace: Workspace) -> Path:
    path = workspace.root / "notebooks" / "toy.ipynb"
    path.parent.mkdir()
    cell = nbformat.v4.new_code_cell(CELL, metadata={"tags": ["parameters"]})
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    return path


def suite(**changes: Any) -> Suite:
    values: dict[str, Any] = {
        "name": "night",
        "defaults": {"notebook": "notebooks/toy.ipynb"},
        "matrix": {"seed": [0, 1]},
        "runs": [{"arm": "wide", "params": {"width": 16}}, {"arm": "narrow"}],
    }
    return Suite.model_validate(values | changes)


def record(workspace: Workspace, item: PlannedRun, run_id: str, **changes: Any) -> None:
    """A run folder that satisfies `item`, but for `changes`."""
    values: dict[str, Any] = {
        "params": item.params,
        "notebook": "notebooks/toy.ipynb",
        "suite": item.identity,
        "notebook_sha256": notebook_sha256(item.notebook),
        "code": code_sha256(workspace),
    }
    write_run(workspace.runs, run_id, **(values | changes))


def test_arms_times_matrix(workspace: Workspace, notebook: Path) -> None:
    plan = plan_suite(suite(), workspace)
    assert [(p.arm, p.matrix, p.params["width"], p.params["seed"]) for p in plan] == [
        ("wide", {"seed": 0}, 16, 0),
        ("wide", {"seed": 1}, 16, 1),
        ("narrow", {"seed": 0}, 8, 0),
        ("narrow", {"seed": 1}, 8, 1),
    ]
    assert [p.index for p in plan] == [0, 1, 2, 3]
    assert all(p.due and p.why == "no run of it yet" for p in plan)


def test_equal_parameters_in_two_arms_each_want_their_own_run(
    workspace: Workspace, notebook: Path
) -> None:
    twins = suite(matrix=None, runs=[{"arm": "a"}, {"arm": "b"}])
    first, _ = plan_suite(twins, workspace)
    record(workspace, first, "20260120_100000")
    again = plan_suite(twins, workspace)
    assert [p.satisfied_by for p in again] == ["20260120_100000", None]


def test_a_done_run_satisfies_its_triple_and_fresh_ignores_it(
    workspace: Workspace, notebook: Path
) -> None:
    item = plan_suite(suite(), workspace)[1]
    record(workspace, item, "20260120_100000")
    assert [p.satisfied_by for p in plan_suite(suite(), workspace)] == [
        None, "20260120_100000", None, None,
    ]  # fmt: skip
    assert all(p.due for p in plan_suite(suite(), workspace, fresh=True))


@pytest.mark.parametrize("status", ["failed", "crashed", "stopped", "pruned"])
def test_a_run_that_did_not_end_well_satisfies_nothing(
    workspace: Workspace, notebook: Path, status: str
) -> None:
    item = plan_suite(suite(), workspace)[0]
    record(workspace, item, "20260120_100000", status=status)
    again = plan_suite(suite(), workspace)[0]
    assert again.due
    assert again.why.startswith(f"20260120_100000 {status}")


def test_what_changed_is_said(workspace: Workspace, notebook: Path) -> None:
    item = plan_suite(suite(), workspace)[0]
    source = workspace.root / "toy.csv"
    source.write_text("1,2\n")
    data = [{"name": "toy", "path": "toy.csv", "sha256": data_sha256(source)}]
    record(workspace, item, "20260120_100000", data=data)
    assert not plan_suite(suite(), workspace)[0].due

    source.write_text("1,3\n")
    assert plan_suite(suite(), workspace)[0].why == "data toy changed since 20260120_100000"
    source.write_text("1,2\n")

    wider = suite(runs=[{"arm": "wide", "params": {"width": 32}}])
    assert plan_suite(wider, workspace)[0].why == (
        "parameters changed since 20260120_100000: width 16 -> 32"
    )

    code = workspace.root / "src" / "model.py"
    code.parent.mkdir()
    code.write_text("x = 1\n")
    assert plan_suite(suite(), workspace)[0].why == "code changed since 20260120_100000"
    code.unlink()

    document = nbformat.read(notebook, 4)
    document.cells.append(nbformat.v4.new_code_cell("1 + 1"))
    nbformat.write(document, notebook)
    assert plan_suite(suite(), workspace)[0].why == "notebook changed since 20260120_100000"


def test_a_secret_does_not_make_a_run_due_again(workspace: Workspace, notebook: Path) -> None:
    secret = suite(runs=[{"arm": "a", "params": {"api_token": "hush-hush"}}])
    item = plan_suite(secret, workspace)[0]
    redacted = item.params | {"api_token": "[redacted]"}
    record(workspace, item, "20260120_100000", params=redacted)
    assert not plan_suite(secret, workspace)[0].due


def test_runs_of_another_suite_do_not_count(workspace: Workspace, notebook: Path) -> None:
    item = plan_suite(suite(), workspace)[0]
    record(workspace, item, "20260120_100000", suite=item.identity | {"name": "other"})
    assert plan_suite(suite(), workspace)[0].due


def test_bad_suites_write_nothing(workspace: Workspace, notebook: Path) -> None:
    with pytest.raises(ParameterError, match=r"Arm 'a'.*widht.*'width'"):
        plan_suite(suite(runs=[{"arm": "a", "params": {"widht": 1}}]), workspace)
    with pytest.raises(ParameterError, match=r"seed.*int"):
        plan_suite(suite(matrix={"seed": ["one"]}), workspace)
    with pytest.raises(NotebookError, match=r"tooy\.ipynb"):
        plan_suite(suite(defaults={"notebook": "notebooks/tooy.ipynb"}), workspace)
    with pytest.raises(SuiteError, match="same arm and notebook: wide"):
        plan_suite(suite(runs=[{"arm": "wide"}, {"arm": "wide"}]), workspace)
    with pytest.raises(SuiteError, match="names no notebook"):
        plan_suite(suite(defaults={}), workspace)
    assert list(workspace.runs.iterdir()) == []
