"""A baseline is another configuration; a repeat with another seed is none, but shows the spread."""

from __future__ import annotations

from helpers import write_run

from lab.log.selection import baseline_of, repeats_of, selected
from lab.record.run import Run
from lab.workspace import Workspace


def runs(workspace: Workspace) -> dict[str, Run]:
    made = {
        "other data": ("20260120_100000", {"seed": 0, "width": 8}, "digits"),
        "narrow": ("20260120_101000", {"seed": 0, "width": 8}, "cifar10"),
        "wide": ("20260120_102000", {"seed": 0, "width": 16}, "cifar10"),
        "wide again": ("20260120_103000", {"seed": 1, "width": 16}, "cifar10"),
        "digits later": ("20260120_102500", {"seed": 0, "width": 4}, "digits"),
    }
    return {
        name: Run.read(
            write_run(
                workspace.runs,
                run_id,
                params=params,
                curves={"val/accuracy": [0.5]},
                data=[{"name": data, "sha256": "0" * 64, "path": None}],
            )
        )
        for name, (run_id, params, data) in made.items()
    }


def test_a_repeat_is_no_baseline_and_the_same_data_come_first(workspace: Workspace) -> None:
    made = runs(workspace)
    found = baseline_of(None, made["wide again"], workspace)
    assert found is not None
    assert found.id == made["narrow"].id
    assert baseline_of(None, made["other data"], workspace) is None


def test_repeats_differ_in_the_seed_alone(workspace: Workspace) -> None:
    made = runs(workspace)
    assert [run.id for run in repeats_of(made["wide"], workspace)] == [made["wide again"].id]
    assert repeats_of(made["narrow"], workspace) == []


def test_a_run_that_was_mended_since_is_not_told_again(workspace: Workspace) -> None:
    plan = {"name": "night", "arm": "a", "index": 0, "matrix": {"seed": 0}}
    for run_id, status in (("20260120_100000", "stopped"), ("20260120_101000", "done")):
        write_run(workspace.runs, run_id, suite=plan, status=status)
    write_run(workspace.runs, "20260120_102000", status="failed")
    found = selected("status != running", None, workspace)
    assert found is not None
    assert [run.id for run in found] == ["20260120_101000", "20260120_102000"]
