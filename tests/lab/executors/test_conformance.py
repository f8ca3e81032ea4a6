"""What every executor does: the same run folder and the same ends."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest

from lab.errors import InputError, ParameterError
from lab.executors import EXECUTORS, executor_by_name, run_notebook
from lab.notebook.job import Job
from lab.record.run import Run
from lab.workspace import Workspace


@pytest.fixture(params=EXECUTORS)
def on(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def run(workspace: Workspace, on: str, name: str, **params: Any) -> Run:
    timeout = params.pop("timeout", None)
    notebook = workspace.root / "notebooks" / f"{name}.ipynb"
    return run_notebook(notebook, params, workspace=workspace, on=on, timeout=timeout)


def executed(run: Run) -> Any:
    notebook = nbformat.read(run.path.notebook, as_version=4)
    nbformat.validate(notebook)
    return notebook


def printed(run: Run) -> str:
    cells = [cell for cell in executed(run).cells if cell.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    return "".join(output.text for output in outputs if output.output_type == "stream")


def test_a_notebook_that_records(workspace: Workspace, on: str) -> None:
    ended = run(workspace, on, "records", epochs=3, rate=0.25)
    assert (ended.status, ended.reason, ended.error) == ("done", None, None)
    assert ended.params == {"epochs": 3, "seed": 0, "rate": 0.25}
    assert [row["val/accuracy"] for row in ended.history()] == [0.75, 0.9375, 0.984375]
    assert ended.headline == "val/accuracy"
    assert ended.best("train/loss") == 0.25**3
    assert ended.notes == {"note": "all is well"}
    assert ended.tags == ("fixture",)
    assert [path.name for path in ended.path.figures.iterdir()] == ["line.png"]
    assert ended.record["seed"] == 0
    assert ended.record["notebook"] == "notebooks/records.ipynb"


def test_a_notebook_that_never_starts_a_run_still_leaves_one(workspace: Workspace, on: str) -> None:
    ended = run(workspace, on, "never_starts", epochs="4")
    assert ended.status == "done"
    assert ended.params == {"epochs": 4, "seed": 0}
    assert printed(ended) == "counted to 4\n"
    assert ended.path.summary.is_file()
    last = executed(ended).cells[-1]
    assert last.outputs[0].data["text/plain"] == "5"
    assert last.execution_count == 4
    assert os.environ.get("LAB_RUN") is None


def test_a_cell_that_raises(workspace: Workspace, on: str) -> None:
    ended = run(workspace, on, "raises", number=7)
    assert (ended.status, ended.reason) == ("failed", "exception")
    message = "no such thing as 7"
    assert ended.error == {"type": "ValueError", "message": message, "cell": 4}
    *_, raised, after = executed(ended).cells
    assert raised.execution_count == 4
    assert raised.outputs[-1].output_type == "error"
    assert raised.outputs[-1].evalue == message
    assert after.execution_count is None
    assert after.outputs == []


def test_out_of_memory(workspace: Workspace, on: str) -> None:
    ended = run(workspace, on, "runs_out_of_memory")
    assert (ended.status, ended.reason) == ("failed", "oom")


@pytest.mark.parametrize(
    ("name", "params", "status"),
    [
        ("exits", {"status": "0"}, "done"),
        ("exits", {"status": "given up"}, "failed"),
        ("quits", {}, "done"),
    ],
)
def test_a_notebook_that_ends_itself(
    workspace: Workspace, on: str, name: str, params: dict[str, str], status: str
) -> None:
    ended = run(workspace, on, name, **params)
    assert ended.status == status
    assert "after" not in printed(ended)


def test_a_time_limit(workspace: Workspace, on: str) -> None:
    ended = run(workspace, on, "winds_up", timeout=2.5)
    assert (ended.status, ended.reason) == ("stopped", "time_limit")
    assert ended.seconds is not None
    assert ended.seconds < 30


def test_secrets_are_in_no_file(workspace: Workspace, on: str) -> None:
    secret = 'sk-"quoted" and \\ more'
    ended = run(workspace, on, "leaks", api_key=secret)
    assert ended.params == {"api_key": "[redacted]", "n_tokens": 3}
    assert ended.error is not None
    assert ended.error["message"] == "refused [redacted]"
    assert "the key is [redacted]" in printed(ended)
    for file in ended.path.root.rglob("*"):
        if file.is_file():
            assert "quoted" not in file.read_text(errors="replace"), file


def test_outputs_are_as_a_reader_of_the_notebook_sees_them(workspace: Workspace, on: str) -> None:
    ended = run(workspace, on, "displays", count=3)
    code = [cell for cell in executed(ended).cells if cell.cell_type == "code"]
    shown = code[2].outputs
    assert [output.data["text/html"] for output in shown] == ["<b>2</b>"]
    assert [output.get("name", "value") for output in code[4].outputs] == ["stderr", "value"]


def test_a_flood_is_bounded_and_a_progress_bar_is_one_line(workspace: Workspace, on: str) -> None:
    ended = run(workspace, on, "prints_a_flood", lines=90_000)
    assert ended.status == "done"
    code = [cell for cell in executed(ended).cells if cell.cell_type == "code"]
    flood = "".join(output.text for output in code[2].outputs)
    assert flood.startswith("000000000\n000000001\n")
    assert flood.endswith("000089999\n")
    assert "characters left out" in flood
    assert len(flood) < 610_000
    assert "".join(output.text for output in code[3].outputs) == "100 %\n"


def test_the_run_is_announced_and_its_folder_is_there(workspace: Workspace, on: str) -> None:
    seen: list[dict[str, Any]] = []

    def announced(run_id: str) -> None:
        seen.append(json.loads((workspace.runs / run_id / "run.json").read_bytes()))

    notebook = workspace.root / "notebooks" / "never_starts.ipynb"
    job = Job.check(notebook, {}, workspace=workspace, name="first", tags=("a", "b"))
    ended = asyncio.run(executor_by_name(on, workspace).run(job, on_start=announced))
    assert [(record["id"], record["status"]) for record in seen] == [(ended.id, "running")]
    assert (ended.name, ended.tags) == ("first", ("a", "b"))


def test_bad_input_writes_nothing(workspace: Workspace, on: str) -> None:
    with pytest.raises(ParameterError, match="epochs"):
        run(workspace, on, "never_starts", epoch=1)
    assert not workspace.runs.exists()


def test_an_unknown_executor_names_those_there_are(workspace: Workspace) -> None:
    with pytest.raises(InputError, match=r"slurm.*inline, pool"):
        executor_by_name("slurm", workspace)


def test_a_relative_notebook_is_found_from_here_and_from_the_root(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace.root / "notebooks")
    here = Job.check("raises.ipynb", {}, workspace=workspace)
    monkeypatch.chdir(tmp_path)
    root = Job.check("notebooks/raises.ipynb", {}, workspace=workspace)
    assert here == root
