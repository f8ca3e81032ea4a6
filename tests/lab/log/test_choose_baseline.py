"""A baseline is another configuration; a repeat with another seed is none, but shows the spread."""

from __future__ import annotations

from helpers import write_run

import lab.log
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


def test_the_nearest_is_taken_and_of_equals_the_latest(workspace: Workspace) -> None:
    """Not the latest, which differs in three settings."""
    base = {"seed": 0, "width": 8, "depth": 2, "lr": 0.1}
    made = [
        base,
        base | {"lr": 0.3, "depth": 3},
        base | {"seed": 1},
        base | {"seed": 1, "width": 16},  # the same again, with another seed
        base | {"width": 4, "depth": 4, "lr": 0.3},
        base | {"width": 16},
    ]
    found = [
        Run.read(write_run(workspace.runs, f"20260120_10000{i}", params=params))
        for i, params in enumerate(made)
    ]
    assert [baseline_of(None, run, workspace) for run in found[:1]] == [None]
    chosen = baseline_of(None, found[-1], workspace)
    assert chosen is not None
    assert chosen.id == found[0].id  # width alone, where others differ in width and seed or more
    again = Run.read(write_run(workspace.runs, "20260120_110000", params=base | {"width": 32}))
    chosen = baseline_of(None, again, workspace)
    assert chosen is not None
    assert chosen.id == found[-1].id  # and the first differs in width alone as well


def test_the_entry_says_which_and_why(workspace: Workspace) -> None:
    made = runs(workspace)
    entry = lab.log.new("experiment", run=made["wide again"].id, workspace=workspace)
    narrow = made["narrow"].id
    why = "of the earlier runs on the same data it differs in the fewest parameters"
    assert f"baseline `{narrow}` is in bold; {why}: `width` and `seed`)" in entry.text
    # One of exactly the same parameters but the width comes later; the entry keeps its own.
    write_run(workspace.runs, "20260120_102900", params={"seed": 1, "width": 4})
    assert lab.log.examine(workspace=workspace).holds
    named = lab.log.new(
        "experiment", "Named", run=made["wide again"].id, baseline=narrow, workspace=workspace
    )
    assert f"baseline `{narrow}` is in bold):" in named.text


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
