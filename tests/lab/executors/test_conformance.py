"""What every executor does: the same run folder and the same ends.

The notebooks of one executor run together, as those of a suite do; the tests look at what is left.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from waiting import PATIENCE, gone, until

import lab
from lab.errors import InputError, LabError, ParameterError
from lab.executors import EXECUTORS, executor_by_name, run_notebook
from lab.executors.base import closing
from lab.notebook.job import Job
from lab.record.run import Run
from lab.suite.runner import Outcome
from lab.workspace import Workspace

LAB = (sys.executable, "-m", "lab.cli")
SECRET = 'sk-"quoted" and \\ more'

# Name of the case: notebook, parameters, and time limit in seconds.
CASES: dict[str, tuple[str, dict[str, Any], float | None]] = {
    "records": ("records", {"epochs": 3, "rate": 0.25}, None),
    "never starts": ("never_starts", {"epochs": 4}, None),
    "raises": ("raises", {"number": 7}, None),
    "out of memory": ("runs_out_of_memory", {}, None),
    "exits well": ("exits", {"status": "0"}, None),
    "exits badly": ("exits", {"status": "given up"}, None),
    "quits": ("quits", {}, None),
    "time limit": ("winds_up", {}, 2.5),
    "leaks": ("leaks", {"api_key": SECRET}, None),
    "displays": ("displays", {"count": 3}, None),
    "flood": ("prints_a_flood", {"lines": 90_000}, None),
}

SUITE = """
name: four
workers: 2
retries: 1
runs:
  - {arm: first, notebook: notebooks/never_starts.ipynb}
  - {arm: bad, notebook: notebooks/raises.ipynb}
  - {arm: flaky, notebook: notebooks/FLAKY}
  - {arm: last, notebook: notebooks/never_starts.ipynb, params: {epochs: 2}}
"""


@dataclass
class On:
    """An executor, by the name that `--on` takes, and what it left of the cases."""

    name: str
    workspace: Workspace
    runs: dict[str, Run]
    announced: dict[str, list[dict[str, Any]]]


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in EXECUTORS],
)
def on(request: pytest.FixtureRequest, shared_workspace: Workspace) -> On:
    """Every case, run by one executor at about the same time."""
    name = str(request.param)
    place = replace(shared_workspace, runs=shared_workspace.root / f"runs of {name}")
    if name == "slurm":
        request.getfixturevalue("slurm")
    if name == "dask":
        name = f"dask:{request.getfixturevalue('dask_cluster').address}"
    return run_cases(name, place)


def run_cases(name: str, place: Workspace) -> On:
    executor = executor_by_name(name, place, workers=2)
    announced: dict[str, list[dict[str, Any]]] = {case: [] for case in CASES}

    async def one(case: str) -> Run:
        notebook, params, timeout = CASES[case]

        def told(run_id: str) -> None:
            announced[case].append(json.loads((place.runs / run_id / "run.json").read_bytes()))

        job = Job.check(
            place.root / "notebooks" / f"{notebook}.ipynb",
            params,
            workspace=place,
            timeout=timeout,
            name=case,
            tags=("a", "b"),
        )
        return await executor.run(job, on_start=told)

    async def every() -> list[Run]:
        return await asyncio.gather(*map(one, CASES))

    runs = dict(zip(CASES, asyncio.run(closing(executor, every())), strict=True))
    return On(name, place, runs, announced)


def executed(run: Run) -> Any:
    notebook = nbformat.read(run.path.notebook, as_version=4)
    nbformat.validate(notebook)
    return notebook


def printed(run: Run) -> str:
    cells = [cell for cell in executed(run).cells if cell.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    return "".join(output.text for output in outputs if output.output_type == "stream")


def test_a_notebook_that_records(on: On) -> None:
    ended = on.runs["records"]
    assert (ended.status, ended.reason, ended.error) == ("done", None, None)
    assert ended.params == {"epochs": 3, "seed": 0, "rate": 0.25}
    assert [row["val/accuracy"] for row in ended.history()] == [0.75, 0.9375, 0.984375]
    assert ended.headline == "val/accuracy"
    assert ended.best("train/loss") == 0.25**3
    assert ended.notes == {"note": "all is well"}
    assert ended.tags == ("a", "b", "fixture")
    assert [path.name for path in ended.path.figures.iterdir()] == ["line.png"]
    assert ended.record["seed"] == 0
    assert ended.record["notebook"] == "notebooks/records.ipynb"


def test_a_notebook_that_never_starts_a_run_still_leaves_one(on: On) -> None:
    ended = on.runs["never starts"]
    assert ended.status == "done"
    assert ended.params == {"epochs": 4, "seed": 0}
    assert printed(ended) == "counted to 4\n"
    assert ended.path.summary.is_file()
    last = executed(ended).cells[-1]
    assert last.outputs[0].data["text/plain"] == "5"
    assert last.execution_count == 4
    assert os.environ.get("LAB_RUN") is None


def test_a_cell_that_raises(on: On) -> None:
    ended = on.runs["raises"]
    assert (ended.status, ended.reason) == ("failed", "exception")
    message = "no such thing as 7"
    assert ended.error == {"type": "ValueError", "message": message, "cell": 4}
    *_, raised, after = executed(ended).cells
    assert raised.execution_count == 4
    assert raised.outputs[-1].output_type == "error"
    assert raised.outputs[-1].evalue == message
    assert after.execution_count is None
    assert after.outputs == []


def test_out_of_memory(on: On) -> None:
    ended = on.runs["out of memory"]
    assert (ended.status, ended.reason) == ("failed", "oom")


@pytest.mark.parametrize(
    ("case", "status"), [("exits well", "done"), ("exits badly", "failed"), ("quits", "done")]
)
def test_a_notebook_that_ends_itself(on: On, case: str, status: str) -> None:
    assert on.runs[case].status == status
    assert "after" not in printed(on.runs[case])


def test_a_time_limit(on: On) -> None:
    ended = on.runs["time limit"]
    assert (ended.status, ended.reason) == ("stopped", "time_limit")
    assert ended.seconds is not None
    assert ended.seconds < 30


def test_secrets_are_in_no_file(on: On) -> None:
    ended = on.runs["leaks"]
    assert ended.params == {"api_key": "[redacted]", "n_tokens": 3}
    assert ended.error is not None
    assert ended.error["message"] == "refused [redacted]"
    assert "the key is [redacted]" in printed(ended)
    for file in on.workspace.runs.rglob("*"):  # what the executor itself leaves there, too
        if file.is_file():
            assert b"quoted" not in file.read_bytes(), file


def test_outputs_are_as_a_reader_of_the_notebook_sees_them(on: On) -> None:
    code = [cell for cell in executed(on.runs["displays"]).cells if cell.cell_type == "code"]
    shown = code[2].outputs
    assert [output.data["text/html"] for output in shown] == ["<b>2</b>"]
    assert [output.get("name", "value") for output in code[4].outputs] == ["stderr", "value"]


def test_a_flood_is_bounded_and_a_progress_bar_is_one_line(on: On) -> None:
    ended = on.runs["flood"]
    assert ended.status == "done"
    code = [cell for cell in executed(ended).cells if cell.cell_type == "code"]
    flood = "".join(output.text for output in code[2].outputs)
    assert flood.startswith("000000000\n000000001\n")
    assert flood.endswith("000089999\n")
    assert "characters left out" in flood
    assert len(flood) < 610_000
    assert "".join(output.text for output in code[3].outputs) == "100 %\n"


@pytest.mark.parametrize("case", ["records", "raises", "time limit"])
def test_the_run_is_announced_and_its_folder_is_there(on: On, case: str) -> None:
    ended = on.runs[case]
    assert [record["id"] for record in on.announced[case]] == [ended.id]
    assert ended.name == case


def test_runs_have_folders_of_their_own(on: On) -> None:
    ids = {run.id for run in on.runs.values()}
    assert len(ids) == len(CASES)
    assert {folder.parent.name for folder in on.workspace.runs.glob("*/run.json")} == ids


def test_bad_input_writes_nothing(on: On, tmp_path: Path) -> None:
    place = replace(on.workspace, runs=tmp_path / "runs")
    notebook = place.root / "notebooks" / "never_starts.ipynb"
    with pytest.raises(ParameterError, match="epochs"):
        run_notebook(notebook, {"epoch": 1}, workspace=place, on=on.name)
    assert not place.runs.exists()


def test_interrupting_ends_the_run_and_its_process(on: On) -> None:
    place = replace(on.workspace, runs=on.workspace.runs / "interrupted")
    place.runs.mkdir()
    said = place.runs / "said.txt"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [*LAB, "run", "notebooks/resumes.ipynb", "-p", "steps=9999", "--on", on.name],
            cwd=place.root,
            env={**os.environ, "LAB_RUNS": str(place.runs)},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        until(lambda: list(place.runs.glob("*/metrics.jsonl")))
        process.send_signal(signal.SIGINT)
        process.wait(timeout=PATIENCE)
    finally:
        process.kill()
    (run,) = [Run.read(file.parent) for file in place.runs.glob("*/run.json")]
    ended = (run.status, run.reason, process.returncode)
    assert ended == ("stopped", "interrupted", 1), said.read_text()
    until(lambda: gone(run.record["pid"]))


class Heard:
    """A watcher that notes what it is told."""

    def __init__(self) -> None:
        self.ended_as: list[tuple[str, str, bool]] = []

    def started(self, item: Any, run_id: str) -> None: ...

    def ended(self, item: Any, run: Run, *, again: bool) -> None:
        self.ended_as.append((item.arm, run.status, again))

    def refused(self, item: Any, error: LabError) -> None:
        raise error


def run_suite(on: On) -> tuple[Outcome, Heard]:
    # A notebook that kills its process would kill this one where it runs inline.
    dying = f'dies_once.ipynb, params: {{flag: "{on.workspace.runs / "died"}"}}'
    file = on.workspace.root / "four.yaml"
    flaky = "records.ipynb" if on.name == "inline" else dying
    file.write_text(SUITE.replace("FLAKY", flaky), encoding="utf-8")
    place = replace(on.workspace, runs=on.workspace.runs / "of the suite")
    heard = Heard()
    return lab.suite.run(file, on=on.name, workspace=place, watcher=heard), heard


def test_a_suite_keeps_its_order_tries_again_what_crashed_and_resumes(on: On) -> None:
    outcome, heard = run_suite(on)
    statuses = [outcome.runs[index].status for index in range(4)]
    assert statuses == ["done", "failed", "done", "done"]
    assert outcome.ids == [outcome.runs[index].id for index in range(4)]
    assert [outcome.runs[index].arm for index in range(4)] == ["first", "bad", "flaky", "last"]
    assert [item.arm for item, _ in outcome.failures] == ["bad"]
    if on.name != "inline":
        assert [end for end in heard.ended_as if end[0] == "flaky"] == [
            ("flaky", "crashed", True),
            ("flaky", "done", False),
        ]
    second, _ = run_suite(on)
    assert [item.arm for item in second.plan if item.due] == ["bad"]
    assert second.ids[0] == outcome.ids[0]
    assert second.ids[2:] == outcome.ids[2:]


def test_an_unknown_executor_names_those_there_are(workspace: Workspace) -> None:
    with pytest.raises(InputError, match=r"cloud.*inline, pool, slurm, dask"):
        executor_by_name("cloud", workspace)


def test_a_relative_notebook_is_found_from_here_and_from_the_root(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace.root / "notebooks")
    here = Job.check("raises.ipynb", {}, workspace=workspace)
    monkeypatch.chdir(tmp_path)
    root = Job.check("notebooks/raises.ipynb", {}, workspace=workspace)
    assert here == root
