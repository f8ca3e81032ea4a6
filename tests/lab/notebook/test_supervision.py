"""Kernels that die, hang or are stopped: the run says how, and no process is left."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import nbformat
import pytest
from waiting import PATIENCE, gone, until

from lab.executors import run_notebook
from lab.executors.pool import Pool
from lab.notebook.job import Job
from lab.record.run import Run
from lab.workspace import Workspace


def job(workspace: Workspace, name: str, timeout: float | None = None, **params: Any) -> Job:
    notebook = workspace.root / "notebooks" / f"{name}.ipynb"
    return Job.check(notebook, params, workspace=workspace, timeout=timeout)


def only_run(workspace: Workspace) -> Path | None:
    """The one run folder, once its record is there."""
    return next((path.parent for path in workspace.runs.glob("*/run.json")), None)


def printed(folder: Path) -> str:
    notebook = nbformat.read(folder / "notebook.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = [output for cell in code for output in cell.outputs]
    return "".join(output.text for output in outputs if output.output_type == "stream")


def kernel_of(workspace: Workspace) -> int | None:
    """The process of the one run's kernel, once there is one: until then it is this one."""
    folder = only_run(workspace)
    pid = folder and json.loads((folder / "run.json").read_bytes())["pid"]
    return pid if pid != os.getpid() else None


def sleeping(workspace: Workspace) -> list[int] | None:
    """The processes of a running `sleeps` notebook, kernel first, once it has told its children."""
    folder = only_run(workspace)
    if folder is None or not (folder / "notebook.ipynb").exists():
        return None
    children = [int(pid) for pid in printed(folder).split()]
    return [json.loads((folder / "run.json").read_bytes())["pid"], *children] if children else None


@pytest.mark.parametrize("warm", ["on", "off"])
def test_a_kernel_that_ends_by_itself(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, warm: str
) -> None:
    monkeypatch.setenv("LAB_WARM", warm)
    ended = asyncio.run(Pool(workspace).run(job(workspace, "dies", code=3)))
    assert (ended.status, ended.reason) == ("crashed", "kernel_died")
    assert ended.error is not None
    assert ended.error["cell"] == 4
    assert "exit code 3" in ended.error["message"]
    assert printed(ended.path.root) == "last words\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_kernel_that_is_killed(workspace: Workspace, number: signal.Signals) -> None:
    ended = asyncio.run(Pool(workspace).run(job(workspace, "kills_itself", number=int(number))))
    assert (ended.status, ended.reason) == ("crashed", "kernel_died")
    assert ended.error is not None
    assert number.name in ended.error["message"]


def test_a_time_limit_leaves_no_process(workspace: Workspace) -> None:
    async def limited() -> tuple[Run, list[int]]:
        task = asyncio.create_task(Pool(workspace).run(job(workspace, "sleeps", timeout=10)))
        pids = await asyncio.to_thread(until, lambda: sleeping(workspace))
        return await task, pids

    ended, pids = asyncio.run(limited())
    assert (ended.status, ended.reason) == ("stopped", "time_limit")
    assert ended.error is not None
    assert "limit of 10 s" in ended.error["message"]
    assert "after" not in printed(ended.path.root)
    until(lambda: gone(*pids))


def test_a_cell_that_ignores_interrupts_is_killed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.notebook.execute._PATIENCE", 0.5)
    ended = asyncio.run(Pool(workspace).run(job(workspace, "ignores_interrupts", timeout=3)))
    assert (ended.status, ended.reason) == ("stopped", "time_limit")


def test_cancelling_stops_the_run_and_twice_does_not_wait(workspace: Workspace) -> None:
    async def cancelled_twice() -> None:
        job_ = job(workspace, "ignores_interrupts")
        task = asyncio.create_task(Pool(workspace).run(job_))
        await asyncio.to_thread(until, lambda: kernel_of(workspace))
        await asyncio.sleep(0.5)  # into the cell
        task.cancel()
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled_twice())
    folder = only_run(workspace)
    assert folder is not None
    record = json.loads((folder / "run.json").read_bytes())
    assert (record["status"], record["reason"]) == ("stopped", "interrupted")
    until(lambda: gone(record["pid"]))


DRIVER = """
    import sys
    from lab.executors import run_notebook
    from lab.workspace import Workspace
    ended = run_notebook(sys.argv[2], {}, workspace=Workspace.load(sys.argv[1]))
    print(ended.status, ended.reason)
"""


def start_driver(workspace: Workspace) -> subprocess.Popen[str]:
    code = textwrap.dedent(DRIVER).replace("sys.argv[1]", "__import__('pathlib').Path(sys.argv[1])")
    notebook = workspace.root / "notebooks" / "sleeps.ipynb"
    command = [sys.executable, "-c", code, str(workspace.root), str(notebook)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_run(workspace: Workspace, number: signal.Signals) -> None:
    with start_driver(workspace) as driver:
        pids = until(lambda: sleeping(workspace))
        driver.send_signal(number)
        said, _ = driver.communicate(timeout=PATIENCE)
    assert said.split() == ["stopped", "interrupted"]
    until(lambda: gone(*pids))


def test_nothing_outlives_an_executor_that_is_killed(workspace: Workspace) -> None:
    with start_driver(workspace) as driver:
        pids = until(lambda: sleeping(workspace))  # one of them has left the kernel's group
        driver.kill()
        driver.communicate(timeout=PATIENCE)
    until(lambda: gone(*pids))
    folder = only_run(workspace)
    assert folder is not None
    assert Run.read(folder).status == "crashed"
    assert Run.read(folder).reason == "killed"


def test_inside_a_running_event_loop(workspace: Workspace) -> None:
    async def in_jupyter() -> Run:
        notebook = workspace.root / "notebooks" / "never_starts.ipynb"
        return run_notebook(notebook, {}, workspace=workspace)

    assert asyncio.run(in_jupyter()).status == "done"


def test_the_pool_keeps_to_its_number_and_shares_the_cores(workspace: Workspace) -> None:
    pool = Pool(workspace, workers=2)
    running: list[int] = []
    most = 0

    async def one() -> Run:
        nonlocal most
        started: list[str] = []

        def on_start(run_id: str) -> None:
            nonlocal most
            started.append(run_id)
            running.append(1)
            most = max(most, len(running))

        try:
            return await pool.run(job(workspace, "never_starts"), on_start=on_start)
        finally:
            running.pop()

    async def all_of_them() -> list[Run]:
        return await asyncio.gather(*(one() for _ in range(4)))

    runs = asyncio.run(all_of_them())
    assert [run.status for run in runs] == ["done"] * 4
    assert len({run.id for run in runs}) == 4
    assert most == 2
