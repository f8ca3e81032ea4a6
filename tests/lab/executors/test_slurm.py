"""What only Slurm does, on a real one: arrays, requeueing, and jobs that never come to a run."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from waiting import PATIENCE, until

import lab
from lab.errors import InputError, WorkFailed
from lab.executors import slurm_queue
from lab.executors.named import executor_by_name
from lab.executors.submission import Task, read_tasks, states
from lab.notebook.job import Job
from lab.record.run import Run
from lab.suite.cluster import standing
from lab.suite.plan import plan_suite
from lab.suite.schema import read_suite
from lab.workspace import Workspace

pytestmark = [pytest.mark.xdist_group("slurm"), pytest.mark.usefixtures("slurm")]


def job(workspace: Workspace, name: str, slurm: dict[str, Any] | None = None, **params: Any) -> Job:
    notebook = workspace.root / "notebooks" / f"{name}.ipynb"
    return Job.check(notebook, params, workspace=workspace, slurm=slurm)


def follow(
    workspace: Workspace, *jobs: Job, meanwhile: Callable[[list[Task]], object] | None = None
) -> list[Run | BaseException]:
    """Run the jobs together; `meanwhile` is called in a thread once they are submitted."""

    async def through() -> list[Run | BaseException]:
        executor = executor_by_name("slurm", workspace)
        work: list[Awaitable[Any]] = [executor.run(one) for one in jobs]
        if meanwhile is not None:
            work.append(asyncio.to_thread(_then, workspace, len(jobs), meanwhile))
        found = await asyncio.gather(*work, return_exceptions=True)
        for extra in found[len(jobs) :]:
            if isinstance(extra, BaseException):
                raise extra
        return found[: len(jobs)]

    return asyncio.run(through())


def _then(workspace: Workspace, count: int, meanwhile: Callable[[list[Task]], object]) -> None:
    until(lambda: len(read_tasks(workspace)) == count)
    meanwhile(read_tasks(workspace))


def steps(run: Run) -> list[int]:
    return [row["step"] for row in run.history("train/loss")]


def test_runs_that_start_together_are_one_array_named_by_their_jobs(workspace: Workspace) -> None:
    first, second = follow(
        workspace,
        job(workspace, "never_starts", epochs=2),
        job(workspace, "leaks", api_key="sesame-open"),
    )
    assert isinstance(first, Run)
    assert isinstance(second, Run)
    assert [run.status for run in (first, second)] == ["done", "failed"]
    (array,) = {task.job_id.partition("_")[0] for task in read_tasks(workspace)}
    assert [run.record["slurm"]["job"] for run in (first, second)] == [f"{array}_0", f"{array}_1"]
    for run in (first, second):
        number = run.record["slurm_job_id"]
        assert re.fullmatch(rf"\d{{8}}_\d{{6}}(-\d+)?_j{number}", run.id)
        assert run.record["slurm"]["node"] in ("node1", "node2", "node3")
    for file in workspace.runs.rglob("*"):
        assert file.is_dir() or b"sesame" not in file.read_bytes(), file


def test_a_run_that_is_preempted_and_one_whose_node_fails_go_on_from_their_checkpoints(
    workspace: Workspace,
) -> None:
    def take_away(tasks: list[Task]) -> None:
        for run in both_under_way(workspace):
            node = run.record["slurm"]["node"]
            if run.params["steps"] == 8:
                place = ["-p", "urgent", "-w", node, "-c", "4", "-o", "/dev/null"]
                subprocess.run(
                    ["sbatch", *place, "--wrap", "true"], check=True, capture_output=True
                )
            else:
                scontrol("update", f"nodename={node}", "state=DOWN", "reason=test")

    slurm = {"cpus": 4, "mem": "1G", "time": "10m"}  # a node each
    preempted, lost = follow(
        workspace,
        job(workspace, "resumes", slurm=slurm, steps=8, holds_at=4),
        job(workspace, "resumes", slurm=slurm, steps=9, holds_at=4),
        meanwhile=take_away,
    )
    for run, last in ((preempted, 8), (lost, 9)):
        assert isinstance(run, Run)
        assert run.status == "done"
        assert run.record["slurm"]["restarts"] == 1
        before = Run.read(workspace.runs / run.params["resume"])
        assert before.record["slurm"]["job"] == run.record["slurm"]["job"]
        # It logs before it saves: killed between the two, a step is done again.
        assert steps(run)[0] in (steps(before)[-1], steps(before)[-1] + 1)
        assert steps(run)[-1] == last
        assert before.status in (("stopped",) if run is preempted else ("stopped", "crashed"))
        if run is preempted:
            assert before.reason == "preempted"
            assert "Slurm took the node away" in (before.error or {})["message"]


def both_under_way(workspace: Workspace) -> list[Run]:
    """The two runs of a workspace, once each has logged some steps."""
    runs: list[Run] = []

    def logged() -> bool:
        runs[:] = [Run.read(file.parent) for file in workspace.runs.glob("*/run.json")]
        return [len(steps(run)) >= 3 for run in runs] == [True, True]

    until(logged)
    return runs


def scontrol(*words: str) -> None:
    subprocess.run(["scontrol", *words], check=True, capture_output=True)


def test_a_job_that_is_told_its_time_is_over_but_has_no_checkpoint_ends(
    workspace: Workspace,
) -> None:
    def tell(tasks: list[Task]) -> None:
        until(lambda: list(workspace.runs.glob("*/notebook.ipynb")))
        # As Slurm does by itself some time before the limit, to the batch script alone.
        command = ["scancel", "--batch", "--signal=USR2", tasks[0].job_id]
        subprocess.run(command, check=True)

    work = job(workspace, "winds_up", slurm={"time": "2m"})
    (run,) = follow(workspace, work, meanwhile=tell)
    assert isinstance(run, Run)
    assert (run.status, run.reason) == ("stopped", "time_limit")
    assert run.error is not None
    assert "no checkpoint" in run.error["message"]


@pytest.mark.slow
def test_a_time_limit_that_runs_out_is_slurms_own(workspace: Workspace) -> None:
    """The shortest limit that Slurm has, a minute: nothing here is told by anybody else."""
    slurm = {"time": "1m"}
    resumed, ended, stubborn = follow(
        workspace,
        job(workspace, "resumes", slurm=slurm, steps=75, pause=1.0),
        job(workspace, "winds_up", slurm=slurm, seconds=300),
        job(workspace, "resumes", slurm=slurm, steps=1, pause=300.0),
    )
    assert isinstance(resumed, Run)
    assert resumed.status == "done"
    attempts = [resumed]
    while (source := attempts[0].params.get("resume")) is not None:
        attempts.insert(0, Run.read(workspace.runs / source))
    assert len(attempts) >= 2  # Slurm tells of its limit up to a minute early
    assert [run.record["slurm"]["restarts"] for run in attempts] == [*range(len(attempts))]
    assert len({run.record["slurm"]["job"] for run in attempts}) == 1
    for before, after in pairwise(attempts):
        assert (before.status, before.reason) == ("stopped", "preempted")
        assert "was over; it goes on from the last checkpoint" in (before.error or {})["message"]
        # It logs before it saves: stopped between the two, a step is done again.
        assert steps(after)[0] in (steps(before)[-1], steps(before)[-1] + 1)
    assert sorted({step for run in attempts for step in steps(run)}) == [*range(1, 76)]
    for run in (ended, stubborn):  # neither has saved a state
        assert isinstance(run, Run)
        assert (run.status, run.reason) == ("stopped", "time_limit")
        assert run.seconds is not None
        assert run.seconds < 75
        assert "no checkpoint" in (run.error or {})["message"]


def test_a_job_cancelled_by_somebody_else_ends_as_interrupted(workspace: Workspace) -> None:
    def cancel(tasks: list[Task]) -> None:
        until(lambda: list(workspace.runs.glob("*/metrics.jsonl")))
        subprocess.run(["scancel", tasks[0].job_id], check=True)

    work = job(workspace, "resumes", steps=9999)
    (run,) = follow(workspace, work, meanwhile=cancel)
    assert isinstance(run, Run)
    assert (run.status, run.reason) == ("stopped", "interrupted")
    assert run.error is not None
    assert "was cancelled" in run.error["message"]


def test_a_job_cancelled_in_the_queue_is_told_as_such(workspace: Workspace) -> None:
    def cancel(tasks: list[Task]) -> None:
        (state,) = states(tasks, slurm_queue.jobs([tasks[0].job_id]))
        assert state.job is not None
        assert state.job.waits
        assert "PartitionDown" in state.job.told
        subprocess.run(["scancel", tasks[0].job_id], check=True)

    work = job(workspace, "never_starts", slurm={"partition": "closed"})
    (problem,) = follow(workspace, work, meanwhile=cancel)
    assert isinstance(problem, WorkFailed)
    assert "was cancelled in the queue" in str(problem)
    assert not list(workspace.runs.glob("*/run.json"))


def test_a_job_that_no_node_can_start_is_told_and_not_left_in_the_queue(
    workspace: Workspace,
) -> None:
    spool = Path(os.environ["SLURM_CONF"]).with_name("spool")
    aside = spool.with_name("aside")
    spool.rename(aside)
    try:
        (problem,) = follow(workspace, job(workspace, "records"))
    finally:
        aside.rename(spool)
    assert isinstance(problem, WorkFailed)
    assert "No node could start" in str(problem)
    (task,) = read_tasks(workspace)
    queue = slurm_queue.jobs([task.job_id])
    assert queue is not None
    assert queue[task.job_id].state == "CANCELLED"
    assert not list(workspace.runs.glob("*/run.json"))


def test_a_job_that_breaks_before_its_run_tells_its_last_words(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(workspace.root))
    (workspace.root / "submitit.py").write_text("raise SystemExit('no such installation here')")
    (problem,) = follow(workspace, job(workspace, "never_starts"))
    assert isinstance(problem, WorkFailed)
    assert "before its run began" in str(problem)
    assert "no such installation here" in str(problem)


def test_what_slurm_refuses_is_told_in_its_words_and_leaves_nothing(workspace: Workspace) -> None:
    (problem,) = follow(workspace, job(workspace, "never_starts", slurm={"partition": "nowhere"}))
    assert isinstance(problem, InputError)
    assert "invalid partition" in str(problem).lower()
    assert list((workspace.runs / "slurm").iterdir()) == []


def test_one_notebook_is_left_to_slurm(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `lab run --detach`, and by the same words in Python; both come back before it has run."""
    monkeypatch.chdir(workspace.root)
    command = ["run", "notebooks/never_starts.ipynb", "-p", "epochs=2", "--slurm", "mem=500M"]
    words = [sys.executable, "-m", "lab.cli", *command, "--on", "slurm", "--detach", "--json"]
    told = subprocess.run(words, check=True, capture_output=True, text=True)
    numbers = [json.loads(told.stdout)["job"]]
    path = workspace.root / "notebooks" / "never_starts.ipynb"
    numbers.append(lab.submit(path, {"epochs": 2}, workspace=workspace, slurm={"mem": "500M"}))

    def runs() -> list[Run]:
        return [Run.read(file.parent) for file in workspace.runs.glob("*/run.json")]

    until(lambda: [run.status for run in runs()] == ["done", "done"])
    assert {str(run.record["slurm_job_id"]) for run in runs()} == set(numbers)
    assert {run.params["epochs"] for run in runs()} == {2}


def test_resources_reach_slurm(workspace: Workspace) -> None:
    seen: dict[str, str] = {}

    def look(tasks: list[Task]) -> None:
        seen.update(slurm_queue.describe(tasks[0].job_id))
        subprocess.run(["scancel", tasks[0].job_id], check=True)

    slurm = {"partition": "closed", "cpus": 2, "mem": "600M", "time": "1-02:00:00"}
    follow(workspace, job(workspace, "never_starts", slurm=slurm), meanwhile=look)
    assert seen["Partition"] == "closed"
    assert seen["CPUs/Task"] == "2"
    assert seen["MinMemoryNode"] == "600M"
    assert seen["TimeLimit"] == "1-02:00:00"
    assert seen["Requeue"] == "1"
    assert seen["JobName"] == "lab-never_starts"


SUITE = """
name: three
slurm: {time: 10m}
runs:
  - {arm: quick, notebook: notebooks/never_starts.ipynb}
  - {arm: long, notebook: notebooks/resumes.ipynb, params: {steps: 9999}}
  - {arm: waits, notebook: notebooks/never_starts.ipynb, slurm: {partition: closed}}
log: {kind: suite}
"""


def test_a_suite_is_left_to_slurm_looked_at_cancelled_and_taken_up_again(
    workspace: Workspace, lab_suite: Lab
) -> None:
    file = workspace.root / "three.yaml"
    file.write_text(SUITE)
    told = lab_suite("run", "three.yaml", "--on", "slurm", "--detach")
    assert told["submitted"] == 3
    until(lambda: stand(workspace, file) == ["done", "running", "queued"])
    rows = lab_suite("status", "three.yaml")
    assert [row["job"] for row in rows] == [None, *told["jobs"][1:]]
    assert "PartitionDown" in rows[2]["why"]
    again = lab_suite("run", "three.yaml", "--on", "slurm", "--detach")
    # Both are under way or in the queue.
    assert (again["submitted"], again["jobs"]) == (0, told["jobs"][1:])
    assert follow_and_hang_up(workspace) == -signal.SIGHUP
    assert stand(workspace, file) == ["done", "running", "queued"]
    cancelled = lab_suite("cancel", "three.yaml")
    assert cancelled == {"cancelled": told["jobs"][1:], "stopped": [rows[1]["id"]]}
    long = Run.read(workspace.runs / rows[1]["id"])
    assert (long.status, long.reason) == ("stopped", "interrupted")
    assert stand(workspace, file) == ["done", "due", "due"]
    until(lambda: not alive(told["jobs"]))


def alive(job_ids: list[str]) -> list[str]:
    return [one.id for one in (slurm_queue.jobs(job_ids) or {}).values() if one.alive]


def follow_and_hang_up(workspace: Workspace) -> int:
    """Follow the suite in a terminal that is lost as soon as it shows something."""
    command = [sys.executable, "-m", "lab.cli", "suite", "run", "three.yaml", "--on", "slurm"]
    process = subprocess.Popen(command, cwd=workspace.root, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as said:
        until(lambda: said.readline().startswith("start"))
        process.send_signal(signal.SIGHUP)
        return process.wait(timeout=PATIENCE)


def stand(workspace: Workspace, file: Path) -> list[str]:
    plan = plan_suite(read_suite(file), workspace)
    return [row.state for row in standing(plan, workspace)]


def test_the_entry_of_a_suite_left_alone_is_written_when_its_runs_are_done(
    workspace: Workspace, lab_suite: Lab
) -> None:
    (workspace.root / "docs").mkdir()
    (workspace.root / "docs" / "research_log.md").touch()
    file = workspace.root / "one.yaml"
    text = "name: one\nruns: [{notebook: notebooks/records.ipynb}]\nlog: {kind: suite}\n"
    file.write_text(text)
    lab_suite("run", "one.yaml", "--on", "slurm", "--detach")
    until(lambda: stand(workspace, file) == ["done"])
    first = lab_suite("run", "one.yaml", "--on", "slurm")
    assert (first["ran"], len(first["entries"])) == ([], 1)
    second = lab_suite("run", "one.yaml", "--on", "slurm")
    assert second["entries"] == []


Lab = Callable[..., Any]


@pytest.fixture
def lab_suite(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Lab:
    """Call `lab suite` with these words and --json, and read what it prints."""
    monkeypatch.chdir(workspace.root)
    monkeypatch.setattr("warnings.showwarning", lambda *a, **k: None)

    def call(*words: str) -> Any:
        from lab.cli import main

        monkeypatch.setattr(sys, "argv", ["lab", "suite", *words, "--json"])
        capfd.readouterr()
        code: object = 0
        try:
            main()
        except SystemExit as end:
            code = end.code
        out, err = capfd.readouterr()
        assert not code, err
        return json.loads(out)

    return call
