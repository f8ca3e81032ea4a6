"""What an arm is where nobody says: the parameters without the seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers import seeded_runs, write_run, write_workspace

import lab.api
from lab.comparison import compare
from lab.errors import InputError
from lab.log.findings import tell
from lab.record.run import Run
from lab.workspace import Workspace


def runs_in(folder: Path) -> list[Run]:
    return [Run.read(path) for path in sorted(folder.iterdir())]


def test_the_one_parameter_that_varies_names_the_arms(tmp_path: Path) -> None:
    seeded_runs(tmp_path, "width", {128: [0.5, 0.6], 64: [0.4, 0.5]}, params={"lr": 0.1})
    found = compare(runs_in(tmp_path))
    assert (found.by, found.arms) == ("width", ("64", "128"))


def test_several_parameters_name_them_together(tmp_path: Path) -> None:
    seeded_runs(tmp_path, "width", {64: [0.4, 0.5]}, params={"lr": 0.1, "device": "cpu"})
    seeded_runs(tmp_path, "width", {128: [0.5, 0.6]}, start=5, params={"lr": 0.2, "device": "c"})
    found = compare(runs_in(tmp_path))
    assert found.by == "parameters"
    assert found.arms == ("width=64, lr=0.1", "width=128, lr=0.2")
    assert [arm.seeds for arm in found.rows[0].arms] == [(0, 1), (0, 1)]
    assert found.rows[0].refused is None
    assert compare(runs_in(tmp_path), by="parameters").as_dict() == found.as_dict()


def test_a_parameter_of_that_name_comes_first(tmp_path: Path) -> None:
    seeded_runs(tmp_path, "parameters", {"few": [0.4], "many": [0.5]}, params={"lr": 0.1})
    assert compare(runs_in(tmp_path), by="parameters").arms == ("few", "many")


def test_runs_that_differ_in_the_seed_alone_are_one_arm(tmp_path: Path) -> None:
    seeded_runs(tmp_path, "width", {64: [0.4, 0.5, 0.45]})
    found = compare(runs_in(tmp_path))
    assert len(found.arms) == 1
    assert found.rows[0].arms[0].n == 3
    assert "Only `notebooks/domains/image.ipynb` has a value: 45.0%." in found.to_markdown()


@pytest.mark.parametrize(("lrs", "by"), [((0.1, 0.2), "arm"), ((0.1, 0.1), "width")])
def test_a_suite_has_named_them(tmp_path: Path, lrs: tuple[float, float], by: str) -> None:
    for i, (arm, width) in enumerate((("narrow", 64), ("wide", 128))):
        write_run(
            tmp_path,
            f"20260120_10000{i}",
            params={"width": width, "lr": lrs[i], "seed": 0},
            curves={"val/accuracy": [0.5]},
            suite={"name": "s", "arm": arm, "index": i, "matrix": {}},
        )
    found = compare(runs_in(tmp_path))
    assert found.by == by
    assert found.arms == (("narrow", "wide") if by == "arm" else ("64", "128"))


def test_names_of_a_suite_that_hide_a_setting_are_not_taken(tmp_path: Path) -> None:
    for i, (width, lr) in enumerate([(64, 0.1), (64, 0.2), (128, 0.1)]):
        write_run(
            tmp_path,
            f"20260120_10000{i}",
            params={"width": width, "lr": lr, "seed": 0},
            curves={"val/accuracy": [0.5]},
            suite={"name": "s", "arm": f"w{width}", "index": i, "matrix": {"lr": lr}},
        )
    assert compare(runs_in(tmp_path)).arms == (
        "width=64, lr=0.1", "width=64, lr=0.2", "width=128, lr=0.1",
    )  # fmt: skip


def test_arm_is_a_parameter_too_where_no_suite_has_arms(tmp_path: Path) -> None:
    seeded_runs(tmp_path, "arm", {"flat": [0.4], "deep": [0.5]})
    assert compare(runs_in(tmp_path), by="arm").arms == ("flat", "deep")


def test_rows_of_numbers_stand_in_order(tmp_path: Path) -> None:
    for start, depth in enumerate((10, 2)):
        seeded_runs(
            tmp_path, "width", {64: [0.4], 128: [0.5]}, start=5 * start, params={"depth": depth}
        )
    found = compare(runs_in(tmp_path), rows="depth")
    assert (found.by, [row.name for row in found.rows]) == ("width", ["2", "10"])


def test_like_a_run_goes_with_a_parameter(tmp_path: Path) -> None:
    workspace = Workspace.load(write_workspace(tmp_path))
    seeded_runs(workspace.runs, "width", {64: [0.4, 0.5], 128: [0.5, 0.6]})
    with pytest.raises(
        InputError, match=r"so it goes with --by PARAMETER: --by arm\. For the arms"
    ):
        lab.api.compare("arm", like="20260120_100000", workspace=workspace)
    alone = lab.api.compare(like="20260120_100000", workspace=workspace)
    assert alone.rows[0].arms[0].values == (0.4, 0.5)
    assert alone.notes[-1].endswith("name what may differ, as in --by lr.")


def test_where_nothing_is_alike_the_nearest_is_named_and_how_to_make_one(tmp_path: Path) -> None:
    workspace = Workspace.load(write_workspace(tmp_path))
    base = {"lr": 0.1, "depth": 2}
    seeded_runs(workspace.runs, "width", {64: [0.4, 0.5]}, params=base)
    like = "20260120_100000"

    def told(**options: Any) -> str:
        return lab.api.compare("width", like=like, workspace=workspace, **options).notes[-1]

    make = f"`lab rerun {like} -p width=VALUE` makes one."
    alone = f"No run is like `{like}` with another `width`"
    assert told() == f"{alone}: {make}"
    other = {"lr": 0.2, "depth": 3}
    seeded_runs(workspace.runs, "width", {128: [0.4]}, params=other, start=10)
    seeded_runs(workspace.runs, "width", {128: [0.4]}, params=base | {"lr": 0.2}, start=20)
    assert told() == f"{alone}; the nearest, `20260120_102000`, also differs in `lr`. {make}"
    seeded_runs(workspace.runs, "width", {256: [0.4]}, params=base, start=30)
    assert "No run is like" not in " ".join(
        lab.api.compare("width", like=like, workspace=workspace).notes
    )
    assert told(where="width < 100") == (
        f"{alone} among those asked for; without --where there is `20260120_103000`. {make}"
    )
    with pytest.raises(InputError, match="None of the runs asked for is like this one"):
        told(where="depth > 2")


def test_a_name_that_is_no_word_stands_as_it_is_written(tmp_path: Path) -> None:
    for start, depth in enumerate((2, 10)):
        seeded_runs(
            tmp_path, "d_complex", {64: [0.4], 128: [0.5]}, start=5 * start,
            params={"n_layers": depth},
        )  # fmt: skip
    runs = runs_in(tmp_path)
    alone = tell(compare([run for run in runs if run.params["n_layers"] == 2]), runs)
    assert alone.title.startswith("d_complex: 128 observed")
    by_depth = compare(runs, rows="n_layers")
    story = tell(by_depth, runs)
    assert story.title.startswith("d_complex: 128 ahead in all 2 values of n_layers")
    assert by_depth.to_markdown().startswith("| n_layers | 64 | 128 |")
    assert "across 2 values of n_layers" in story.intro
