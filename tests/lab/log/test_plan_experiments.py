"""An experiment is written down before it runs, and its run completes the entry in place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from helpers import write_run

import lab.log
from lab.cli.items_table import told_answer
from lab.errors import InputError, LogError, ParameterError
from lab.log.expectation import Plan, against_plan
from lab.record.run import Run
from lab.workspace import Workspace

DAY = "2026-01-19"
RUN = "20260120_100000"


def plan(workspace: Workspace, **options: Any) -> lab.log.NewEntry:
    given: dict[str, Any] = {"expect": "val/accuracy > 0.7", "params": {"n_layers": 8}, "date": DAY}
    return lab.log.new("experiment", "Eight layers", workspace=workspace, **given | options)


def ran(workspace: Workspace, **record: Any) -> Path:
    curves = {"val/accuracy": [0.5, 0.6, 0.66]}
    params = {"n_layers": record.pop("n_layers", 8), "seed": 0}
    return write_run(
        workspace.runs, RUN, params=params, curves=curves, headline="val/accuracy", **record
    )


def test_a_planned_experiment_has_no_run(workspace: Workspace) -> None:
    entry = plan(workspace)
    assert entry.text.startswith(f"## {DAY} Experiment: Eight layers\n")
    assert "**Status**: Pending\n\n### Plan\n**Expected**: val/accuracy > 0.7\n" in entry.text
    assert "**Configuration**:\n- n_layers: 8\n" in entry.text
    (action,) = lab.log.actions("open", workspace=workspace)
    assert action.text.startswith("Run it: `lab run NOTEBOOK -p n_layers=8 --name 'Eight layers'`")


@pytest.mark.parametrize("by", ["title", "name"])
def test_its_run_completes_it_where_it_stands(workspace: Workspace, by: str) -> None:
    plan(workspace)
    lab.log.new(
        "research", "Later", finding="x", file="docs/experiment_log.md", workspace=workspace
    )
    text = workspace.experiment_log.read_text()
    own = text.replace("### Plan\n", "### Plan\nMy own words.\n\n").replace("\n", "\r\n")
    workspace.experiment_log.write_bytes(own.encode())
    ran(workspace, name="Eight layers" if by == "name" else None)
    title = "eight layers" if by == "title" else None
    entry = lab.log.new("experiment", title, run=RUN, workspace=workspace)
    assert (entry.title, entry.place) == ("Experiment: Eight layers", "docs/experiment_log.md:7")
    after = workspace.experiment_log.read_bytes().decode()
    assert after.count("\n") == after.count("\r\n")
    first, later = lab.log.entries(workspace=workspace)
    assert (first.date, first.status) == (DAY, "Complete")
    assert first.related == ("notebooks/domains/image.ipynb", f"run `{RUN}`")
    assert later.title == "Later"
    assert "- Expected `val/accuracy > 0.7`: ❌ it does not hold (val/accuracy 66.0%)." in after
    assert "- Run with the settings that were planned." in after
    # Everything that stood there stands there still, but for the status and the box.
    kept = [line for line in own.split("\r\n") if "Pending" not in line and "Run it" not in line]
    left = iter(after.split("\r\n"))
    assert all(any(line == other for other in left) for line in kept)
    done = lab.log.actions("done", workspace=workspace)
    assert [(a.text[:6], a.by) for a in done] == [("Run it", RUN)]
    assert lab.log.actions("open", workspace=workspace)
    assert lab.log.check(workspace=workspace) == []
    lab.log.new("experiment", "Eight layers", run=RUN, workspace=workspace)
    assert len(lab.log.entries(workspace=workspace)) == 3  # nothing is pending any more


def test_an_entry_somebody_wrote_by_hand(workspace: Workspace) -> None:
    hand = (
        "# Log\n\n## Phase 1\n\n### Experiment: Eight layers\n**Date**: 2026-01-19\n"
        "**Status**: ⏳ Pending\n\n**Expected**: better\n\n**Configuration**:\n- n_layers: 6\n"
    )
    workspace.experiment_log.write_text(hand)
    ran(workspace)
    lab.log.new("experiment", "Eight layers", run=RUN, workspace=workspace)
    after = workspace.experiment_log.read_text()
    assert "**Status**: Complete\n**Related**: " in after
    assert "\n#### Experiment: image\n<!-- lab:evidence" in after
    assert "- Expected: better. Measured: Validation accuracy 66.0%." in after
    assert "- ⚠️ Planned `n_layers` 6, ran with 8." in after
    assert lab.log.check(workspace=workspace) == []


def test_a_dry_run_and_what_is_refused(workspace: Workspace) -> None:
    plan(workspace)
    ran(workspace)
    before = workspace.experiment_log.read_bytes()
    shown = lab.log.new("experiment", "Eight layers", run=RUN, dry_run=True, workspace=workspace)
    assert "it does not hold" in shown.text
    with pytest.raises(InputError, match="What was expected is written down already"):
        lab.log.new("experiment", "Eight layers", run=RUN, expect="x", workspace=workspace)
    with pytest.raises(InputError, match="Leave out --edit"):
        lab.log.new("experiment", "Eight layers", run=RUN, edit=True, workspace=workspace)
    with pytest.raises(InputError, match="Only an experiment is planned"):
        lab.log.new("research", "x", finding="x", expect="x", workspace=workspace)
    with pytest.raises(InputError, match="nothing planned"):
        lab.log.new("experiment", "Nine layers", workspace=workspace)
    assert workspace.experiment_log.read_bytes() == before
    plan(workspace)
    with pytest.raises(LogError, match="Several planned experiments"):
        lab.log.new("experiment", "Eight layers", run=RUN, workspace=workspace)


def test_planned_values_are_held_to_the_notebook(notebooks_workspace: Workspace) -> None:
    related = sorted(notebooks_workspace.root.rglob("*.ipynb"))[0]
    with pytest.raises(ParameterError, match="no such parameter"):
        plan(notebooks_workspace, params={"n_lajers": 8}, related=[str(related)])
    assert not notebooks_workspace.experiment_log.exists()


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ("val/accuracy >= 0.66", "✅ it holds (val/accuracy 66.0%)."),
        ("val/accuracy > 0.66", "❌ it does not hold (val/accuracy 66.0%)."),
        ("val/f1 > 0.5", "cannot be told, the run has no `val/f1`."),
        ("Better than 6 - 8 layers.", "Measured: Validation accuracy 66.0%."),
        (None, None),
    ],
)
def test_what_an_expectation_came_to(
    workspace: Workspace, expect: str | None, told: str | None
) -> None:
    said = against_plan(Run.read(ran(workspace)), Plan(expect))
    assert [line.endswith(told or "") for line in said] == ([True] if told else [])


def test_the_item_to_run_it_looks_done_after_that_run_alone(
    notebooks_workspace: Workspace,
) -> None:
    notebook = next(iter((notebooks_workspace.root / "notebooks").rglob("*.ipynb")))
    path = notebook.relative_to(notebooks_workspace.root).as_posix()
    lab.log.new(
        "experiment", "No values", related=[path], expect="x", date=DAY,
        workspace=notebooks_workspace,
    )  # fmt: skip
    write_run(notebooks_workspace.runs, "20260120_090000", notebook=path)
    assert not lab.log.looks_done(workspace=notebooks_workspace)
    write_run(notebooks_workspace.runs, RUN, notebook=path, name="No values")
    assert list(lab.log.looks_done(workspace=notebooks_workspace).values()) == [(RUN,)]


@pytest.mark.parametrize("notebook", ["NOTEBOOK", "notebooks/domains/image.ipynb"])
def test_the_plan_of_tomorrow_runs_it_so_that_its_run_finds_it(
    workspace: Workspace, notebook: str
) -> None:
    related = [notebook] if notebook.endswith(".ipynb") else []
    if related:
        cell = nbformat.v4.new_code_cell("n_layers: int = 6", metadata={"tags": ["parameters"]})
        (workspace.root / notebook).parent.mkdir(parents=True)
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), workspace.root / notebook)
    plan(workspace, related=related)
    (asked,) = lab.log.next_plan(workspace=workspace).to_run
    assert asked.command == f"lab run {notebook} -p n_layers=8 --name 'Eight layers'"
    ran(workspace, name="Eight layers")
    tomorrow = lab.log.next_plan(workspace=workspace)
    ((action, runs),) = [(item.action, item.runs) for item in tomorrow.looks_done]
    assert (tomorrow.to_run, runs) == ((), (RUN,))
    told = told_answer(action, runs)
    assert told.endswith(f"(lab log new experiment 'Eight layers' --run {RUN})")
    lab.log.new("experiment", "Eight layers", run=RUN, workspace=workspace)
    assert not any(a.id == action.id for a in lab.log.actions("open", workspace=workspace))
