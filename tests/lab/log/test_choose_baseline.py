"""A baseline is another configuration; a repeat with another seed is none, but shows the spread."""

from __future__ import annotations

from helpers import write_run

from lab.log.selection import baseline_of, repeats_of
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
