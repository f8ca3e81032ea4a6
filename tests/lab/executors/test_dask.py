"""What only Dask does, on a real scheduler and workers."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from clusters import DaskCluster
from waiting import PATIENCE, until

from lab.errors import InputError
from lab.executors.base import closing
from lab.executors.named import executor_by_name
from lab.notebook.job import Job
from lab.record.run import Run
from lab.workspace import Workspace

pytestmark = pytest.mark.xdist_group("dask")


def job(workspace: Workspace, name: str, **params: Any) -> Job:
    notebook = workspace.root / "notebooks" / f"{name}.ipynb"
    return Job.check(notebook, params, workspace=workspace)


def test_a_worker_that_dies_loses_one_run_which_goes_on_elsewhere(
    workspace: Workspace, dask_cluster: DaskCluster
) -> None:
    killed: list[int] = []
    announced: list[str] = []

    def kill_its_worker() -> Run:
        runs: list[Run] = []

        def logged() -> bool:
            runs[:] = [Run.read(file.parent) for file in workspace.runs.glob("*/run.json")]
            return bool(runs) and len(runs[-1].history()) >= 3

        until(logged)
        workers = {worker.pid: worker for worker in dask_cluster.workers}
        above = psutil.Process(runs[-1].record["pid"]).parents()
        (pid,) = (process.pid for process in above if process.pid in workers)
        os.kill(pid, signal.SIGKILL)
        workers[pid].wait()
        dask_cluster.workers.remove(workers[pid])
        killed.append(pid)
        return runs[-1]

    async def through() -> tuple[Run, Run]:
        executor = executor_by_name(f"dask:{dask_cluster.address}", workspace)
        work = asyncio.gather(
            executor.run(job(workspace, "resumes", steps=8, holds_at=4), on_start=announced.append),
            asyncio.to_thread(kill_its_worker),
        )
        run, before = await closing(executor, work)
        return run, before

    try:
        run, before = asyncio.run(through())
    finally:
        dask_cluster.add_worker()
        dask_cluster.wait_for_workers(2)
    assert killed
    before = Run.read(before.path)
    assert (before.status, before.reason) == ("crashed", "killed")
    assert (run.status, run.params["resume"]) == ("done", before.id)
    steps = [[row["step"] for row in one.history()] for one in (before, run)]
    assert steps[1][0] in (steps[0][-1], steps[0][-1] + 1)  # it logs before it saves
    assert steps[1][-1] == 8
    assert announced == [before.id, run.id]
    assert not (workspace.runs / "dask").exists()


def test_without_an_address_a_cluster_is_started_and_ended(workspace: Workspace) -> None:
    command = [sys.executable, "-m", "lab.cli", "run", "notebooks/never_starts.ipynb"]
    process = subprocess.Popen(
        [*command, "--on", "dask"],
        cwd=workspace.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    told, complaints = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, complaints
    assert complaints == ""
    (run,) = [Run.read(file.parent) for file in workspace.runs.glob("*/run.json")]
    assert run.status == "done"
    assert run.id in told
    until(lambda: not [pid for pid in psutil.pids() if session(pid) == process.pid])


def session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def test_a_scheduler_that_does_not_answer_is_told(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lab.executors import dask

    monkeypatch.setattr(dask, "_CONNECT", 0.5)
    executor = executor_by_name("dask:tcp://127.0.0.1:1", workspace)
    with pytest.raises(InputError, match=r"No Dask scheduler answers: tcp://127\.0\.0\.1:1"):
        asyncio.run(closing(executor, executor.run(job(workspace, "never_starts"))))
    assert not Path(workspace.runs).exists()
