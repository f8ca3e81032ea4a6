"""The catalogue: order, sorting, broken folders, finding by id."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from helpers import write_run

import lab
from lab.errors import InputError, RunNotFound
from lab.record.catalogue import as_json, find_run, find_runs
from lab.record.edit import archive_run
from lab.record.files import RecordWarning
from lab.workspace import Workspace


def ids(workspace: Workspace, **how: object) -> list[str]:
    return [run.id for run in find_runs(workspace, **how)]  # type: ignore[arg-type]


def test_newest_first(workspace: Workspace) -> None:
    newest_first = [
        "20260120_100001",
        "20260120_100000-11_j9",
        "20260120_100000-10",
        "20260120_100000-9",
        "20260120_100000-2_j71",
        "20260120_100000-2",
        "20260120_100000_j8",
        "20260120_100000",
        "20251231_235959-3",
    ]
    for run_id in sorted(newest_first):
        write_run(workspace.runs, run_id)
    assert ids(workspace) == newest_first
    assert ids(workspace, limit=2) == newest_first[:2]


def test_by_a_metric(workspace: Workspace) -> None:
    values = {"1": [0.5, 0.9], "2": [0.7], "3": None, "4": [math.nan], "5": [-math.inf], "6": [0.7]}
    for number, curve in values.items():
        curves = {"val/score": curve, "val/loss": curve} if curve else {}
        write_run(workspace.runs, f"20260120_10000{number}", curves=curves)

    def order(metric: str) -> str:
        return "".join(run_id[-1] for run_id in ids(workspace, sort=metric))

    assert order("val/score") == "162543"
    assert order("val/loss") == "516243"
    assert order("val/score.last") == "162543"
    assert ids(workspace, sort="val/score", where="val/score < 0.8", limit=1) == ["20260120_100006"]
    with pytest.raises(InputError, match=r"val/scor.*'val/score'"):
        find_runs(workspace, sort="val/scor")


def test_by_a_goal_that_was_said(workspace: Workspace) -> None:
    for number, value in enumerate([0.5, 0.1, 0.9]):
        folder = write_run(workspace.runs, f"20260120_10000{number}", curves={"val/x": [value]})
        summary = json.loads((folder / "summary.json").read_text())
        summary["val/x"]["goal"] = "min"
        (folder / "summary.json").write_text(json.dumps(summary))
    assert ids(workspace, sort="val/x") == [f"20260120_10000{n}" for n in (1, 0, 2)]


def test_what_is_no_run_is_passed_by(workspace: Workspace) -> None:
    write_run(workspace.runs, "20260120_100000")
    (workspace.runs / "README.md").write_text("about runs")
    (workspace.runs / "studies" / "s").mkdir(parents=True)
    (workspace.runs / "20260120_100001").mkdir()  # being created
    assert ids(workspace) == ["20260120_100000"]


@pytest.mark.parametrize("content", ["{torn", "[]", "", b"\xff\xfe"])
@pytest.mark.parametrize("file", ["run.json", "params.json"])
def test_a_broken_run_is_a_warning(workspace: Workspace, file: str, content: str | bytes) -> None:
    write_run(workspace.runs, "20260120_100000")
    broken = write_run(workspace.runs, "20260120_100001") / file
    broken.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.warns(RecordWarning, match=f"{file} of run 20260120_100001 cannot be read"):
        assert ids(workspace) == ["20260120_100000"]


def test_no_runs_folder(workspace: Workspace) -> None:
    workspace.runs.rmdir()
    assert ids(workspace) == []
    with pytest.raises(RunNotFound, match="There are no runs yet"):
        find_run(workspace, "20260120")
    workspace.runs.write_text("a file")
    with pytest.raises(InputError, match="runs folder cannot be read"):
        find_runs(workspace)


def test_find_by_id_and_by_its_beginning(workspace: Workspace) -> None:
    for run_id in ("20260120_100000", "20260120_100000-2", "20260121_110000"):
        write_run(workspace.runs, run_id)
    assert find_run(workspace, "20260120_100000").id == "20260120_100000"
    assert find_run(workspace, "20260121").id == "20260121_110000"
    with pytest.raises(RunNotFound, match=r"2 runs begin so.*20260120_100000, 20260120_100000-2"):
        find_run(workspace, "20260120")
    for number in range(3, 9):
        write_run(workspace.runs, f"20260120_100000-{number}")
    with pytest.raises(RunNotFound, match=r"8 runs begin so.*100000-5 and 3 more\.$"):
        find_run(workspace, "20260120")
    with pytest.raises(RunNotFound, match=r"20260121_110001.*nearest: 20260121_110000"):
        find_run(workspace, "20260121_110001")
    for nothing in ("", ".", "..", "../runs/20260121_110000", "studies"):
        with pytest.raises(RunNotFound):
            find_run(workspace, nothing)


def test_archived_runs_are_found_but_not_listed(workspace: Workspace) -> None:
    write_run(workspace.runs, "20260120_100000")
    archive_run(find_run(workspace, "20260120_100000"))
    assert ids(workspace) == []
    assert find_run(workspace, "20260120_100000").path.root.parent.name == "archive"
    assert find_run(workspace, "202601").id == "20260120_100000"


def test_as_a_data_frame(workspace: Workspace) -> None:
    write_run(
        workspace.runs,
        "20260120_100000",
        params={"seed": 3, "lr": 0.1, "status": "p"},
        curves={"val/loss": [math.nan, 0.5, 0.75]},
    )
    write_run(workspace.runs, "20260120_100001", params={"pooling": "mean"})
    table = lab.runs(workspace=workspace).set_index("id")
    row = table.loc["20260120_100000"]
    assert (row["status"], row["params.status"], row["seed"], row["lr"]) == ("done", "p", 3, 0.1)
    assert (row["val/loss"], row["val/loss.last"]) == (0.5, 0.75)
    assert table.loc["20260120_100001", "pooling"] == "mean"
    assert math.isnan(table.loc["20260120_100001", "val/loss"])
    assert len(lab.runs("pooling == mean", workspace=workspace)) == 1


def test_as_json(workspace: Workspace) -> None:
    folder = write_run(workspace.runs, "20260120_100000", params={"a": 1}, curves={"v/x": [1.0]})
    found = as_json(find_run(workspace, "20260120_100000"))
    assert found.items() >= json.loads((folder / "run.json").read_text()).items()
    assert found["params"] == {"a": 1}
    assert found["metrics"] == {"v/x": {"last": 1.0, "best": 1.0, "best_step": 1, "goal": "max"}}


def test_a_run_shows_itself(workspace: Workspace, tmp_path: Path) -> None:
    folder = write_run(workspace.runs, "20260120_100000", params={"a": "<b>"}, curves={"v/x": [1]})
    html = lab.Run.read(folder)._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>20260120" not in html.replace("<b>Run ", "")
