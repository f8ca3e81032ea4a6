"""What is not alike is not compared without saying so."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from helpers import seeded_runs, write_run
from rich.console import Console

from lab.comparison import Comparison, compare, verdict_of
from lab.comparison.export import records
from lab.comparison.tables import grid
from lab.errors import InputError
from lab.log.findings import tell
from lab.record.run import Run

A, B = [0.41, 0.42, 0.40, 0.43, 0.42], [0.51, 0.53, 0.50, 0.52, 0.53]


def source(name: str, sha256: str, path: str | None = "there") -> list[dict[str, Any]]:
    return [{"name": name, "sha256": sha256, "path": path}]


def runs_in(folder: Path) -> list[Run]:
    return [Run.read(path) for path in sorted(folder.iterdir())]


def text(found: Comparison) -> str:
    return verdict_of(found.rows[0]).text


def test_other_data_in_another_arm_gets_no_verdict(tmp_path: Path) -> None:
    seeded_runs(tmp_path, "model", {"a": A}, params={"dataset": "x"}, data=source("x", "1"))
    seeded_runs(
        tmp_path, "model", {"b": B}, start=9, params={"dataset": "y"}, data=source("y", "2")
    )
    runs = runs_in(tmp_path)
    found = compare(runs, by="model")
    assert text(found) == "No verdict: the runs read different data sets (x, y)."
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(found)
    # Options of a command are told on a terminal, and not to the reader of an entry.
    said = f"{text(found)} Tell the runs apart with --rows dataset, or say --mix."
    assert said in console.export_text()
    assert "--" not in found.to_markdown().replace("---", "")
    assert "**" not in found.to_markdown()
    story = tell(found, runs)
    assert story.status == "To Investigate"
    assert "No decision: the runs are not alike enough to be compared." in story.impact
    assert not any("Prefer" in line for line in story.impact)
    mixed = compare(runs, by="model", mix=True)
    assert text(mixed).startswith("`b` is better than `a`")
    assert "The runs read different data sets (x, y)." in mixed.notes


def test_what_got_no_verdict_shows_no_differences(tmp_path: Path) -> None:
    values = {"a": A, "b": B, "c": A}
    for start, (name, seen) in enumerate(values.items()):
        there = source("x", f"of {name}")
        seeded_runs(tmp_path, "model", {name: seen}, start=9 * start, data=there)
    found = compare(runs_in(tmp_path), by="model")
    assert grid(found).headings == ("Model", "Seeds", "Validation accuracy", "95% interval")
    record = records(found)[1]
    assert {record[k] for k in ("delta_best", "delta_baseline", "p_best", "p_baseline")} == {None}
    assert found.as_dict()["rows"][0]["pairs"] == ()
    assert tell(found, runs_in(tmp_path)).title == "Model: no verdict, the runs are not alike"
    mixed = compare(runs_in(tmp_path), by="model", mix=True)
    assert grid(mixed).headings[4:] == ("Delta", "To best", "Group")


def test_titles_of_rows_tell_those_without_a_verdict(tmp_path: Path) -> None:
    for row, (dataset, refused) in enumerate({"x": False, "y": True, "z": True}.items()):
        for column, (arm, seen) in enumerate({"a": A, "b": B}.items()):
            there = source(dataset, arm if refused else "same")
            seeded_runs(
                tmp_path,
                "d",
                {row: seen},
                start=20 * row + 9 * column,
                params={"dataset": dataset},
                suite={"name": "pilot", "arm": arm, "index": 0},
                data=there,
            )
    runs = runs_in(tmp_path)
    some = compare(runs, by="arm", rows="dataset")
    assert tell(some, runs).title == "Arms: b better in one dataset, no verdict on 2 more"
    assert "2 datasets get no verdict" in (tell(some, runs).summary or "")
    assert [line[3].text for line in grid(some).lines] == ["+10.2 points", "–", "–"]
    unlike = [run for run in runs if run.params["dataset"] != "x"]
    none = compare(unlike, by="arm", rows="dataset")
    title = "No verdict across 2 datasets, the runs are not alike"
    assert tell(none, unlike).title == title
    assert grid(none).headings == ("Dataset", "a", "b", "Seeds")


def test_data_sets_are_compared_where_they_are_the_arms(tmp_path: Path) -> None:
    for start, (name, values) in enumerate({"x": A, "y": B}.items()):
        seeded_runs(tmp_path, "dataset", {name: values}, start=9 * start, data=source(name, name))
    assert text(compare(runs_in(tmp_path), by="dataset")).startswith("`y` is better than `x`")


@pytest.mark.parametrize(("path", "refused"), [("there", True), (None, False)])
def test_data_that_changed_with_the_arm(tmp_path: Path, path: str | None, refused: bool) -> None:
    # A file that changed is a mistake; generated data may be what the parameter is about.
    seeded_runs(tmp_path, "noise", {0.1: B}, data=source("waves", "1", path))
    seeded_runs(tmp_path, "noise", {0.5: A}, start=9, data=source("waves", "2", path))
    found = compare(runs_in(tmp_path), by="noise")
    assert text(found).startswith("No verdict: the data changed between runs: waves.") is refused
    told = "Every value of `noise` has generated data of its own." in found.notes
    assert told is not refused


def test_data_drawn_with_the_seed_are_alike(tmp_path: Path) -> None:
    for start, (arm, values) in enumerate({"a": A, "b": B}.items()):
        for seed, value in enumerate(values):
            write_run(
                tmp_path,
                f"20260120_1{start}00{seed:02d}",
                params={"model": arm, "seed": seed, "data_seed": seed},
                curves={"val/accuracy": [value]},
                data=source("drawn", f"of seed {seed}"),
            )
    found = compare(runs_in(tmp_path), by="model")
    assert text(found).startswith("`b` is better than `a`")
    assert found.notes == ("Every seed has data of its own.",)


def test_an_arm_of_two_settings_is_no_arm(tmp_path: Path) -> None:
    for start, lr in enumerate((0.1, 0.2)):
        seeded_runs(tmp_path, "model", {"a": A[:3], "b": B[:3]}, start=9 * start, params={"lr": lr})
    runs = runs_in(tmp_path)
    assert "differ in `lr` (0.1, 0.2), not only in the seed" in text(compare(runs, by="model"))
    split = compare(runs, by="model", rows="lr")
    assert [row.refused for row in split.rows] == [None, None]
    mixed = compare(runs, by="model", mix=True)
    assert mixed.rows[0].arms[0].n == 6
    # Six values of three seeds are not six seeds.
    assert "6 runs" in text(mixed)
    assert "seed" not in text(mixed)
    assert "Runs" in mixed.to_markdown().split("\n")[0]


def test_the_device_is_no_part_of_an_arm(tmp_path: Path) -> None:
    for start, device in enumerate(("cpu", "cuda")):
        seeded_runs(
            tmp_path, "model", {"ab"[start]: (A, B)[start]}, start=9 * start,
            params={"device": device},
        )  # fmt: skip
    found = compare(runs_in(tmp_path), by="model")
    assert text(found).startswith("`b` is better than `a`")
    assert found.notes == ("The arms differ in more than `model`: `device` (cpu, cuda).",)


def test_a_run_that_went_on_from_another_is_of_its_arm(tmp_path: Path) -> None:
    seeded_runs(tmp_path, "model", {"a": A, "b": B}, params={"resume": None})
    before = text(compare(runs_in(tmp_path), by="model"))
    # Seed 1 of `a` once more, from where a run was stopped: it comes to the same value.
    write_run(
        tmp_path, "20260121_100000", curves={"val/accuracy": [A[1]]}, headline="val/accuracy",
        params={"seed": 1, "model": "a", "resume": "20260120_090000"},
    )  # fmt: skip
    found = compare(runs_in(tmp_path), by="model")
    assert text(found) == before
    assert [arm.n for arm in found.rows[0].arms] == [5, 5]
    assert [note for note in found.notes if "resume" in note] == []
    assert compare(runs_in(tmp_path)).by == "model"


def test_code_that_is_not_the_same_in_every_arm_is_told(tmp_path: Path) -> None:
    seeded_runs(tmp_path, "model", {"a": A}, code="1" * 64, notebook_sha256="n")
    seeded_runs(tmp_path, "model", {"b": B}, start=9, code="2" * 64, notebook_sha256="m")
    notes = compare(runs_in(tmp_path), by="model").notes
    assert notes == (
        "The runs are of 2 versions of the code, not the same in every arm.",
        "The runs are of 2 versions of `notebooks/domains/image.ipynb`, not the same in every arm.",
    )


def test_code_that_changed_for_all_arms_alike_is_told(tmp_path: Path) -> None:
    for seed in range(2):
        for i, arm in enumerate("ab"):
            write_run(
                tmp_path,
                f"20260120_1000{seed}{i}",
                params={"model": arm, "seed": seed},
                curves={"val/accuracy": [0.5 + 0.1 * i]},
                code=str(seed),
            )
    assert compare(runs_in(tmp_path), by="model").notes == (
        "The runs are of 2 versions of the code.",
    )


def test_metrics_are_never_mixed(tmp_path: Path) -> None:
    seeded_runs(tmp_path, "model", {"a": A}, metric="val/accuracy")
    seeded_runs(tmp_path, "model", {"b": B}, start=9, metric="val/mse")
    for mix in (False, True):
        with pytest.raises(InputError, match=r"different headline metrics: val/accuracy, val/mse"):
            compare(runs_in(tmp_path), by="model", mix=mix)
