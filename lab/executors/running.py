"""Running one notebook and waiting for it, from a script, a shell or another notebook."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from lab.errors import InputError
from lab.executors.base import OnStart, closing
from lab.executors.named import executor_by_name
from lab.notebook.job import Job
from lab.presets import preset_values
from lab.record.run import Run
from lab.workspace import Workspace

T = TypeVar("T")

_STOPPERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_notebook(
    notebook: Path | str,
    params: Mapping[str, object] | None = None,
    *,
    preset: str | None = None,
    workspace: Workspace | None = None,
    tags: Iterable[str] = (),
    name: str | None = None,
    timeout: float | None = None,
    on: str = "pool",
    slurm: Mapping[str, object] | None = None,
    on_start: OnStart | None = None,
) -> Run:
    """Run a notebook with these values over its defaults, and return the ended run.

    `preset` names values that stand between the defaults and `params`. Everything is checked
    before anything is written: an InputError leaves no trace. `timeout` is in seconds. What the
    notebook does, good or bad, is in the run's status. `on` is inline, pool, slurm, dask or
    dask:HOST:PORT; `slurm` is what Slurm is asked for, as {"gpus": 1, "time": "2h"}. Ctrl-C and
    SIGTERM end the run as stopped, and the stopped run is returned; a second one does not wait for
    the cell.
    """
    workspace = workspace or Workspace.find()
    executor = executor_by_name(on, workspace)
    values = {**preset_values(preset), **(params or {})}
    job = Job.check(
        notebook,
        values,
        workspace=workspace,
        tags=tuple(tags),
        name=name,
        timeout=timeout,
        slurm=asked_of_slurm(slurm, on),
    )
    created: list[str] = []

    def started(run_id: str) -> None:
        created.append(run_id)
        if on_start is not None:
            on_start(run_id)

    try:
        return complete(closing(executor, executor.run(job, on_start=started)), on=on)
    except asyncio.CancelledError:
        if not created:
            raise KeyboardInterrupt from None
        return Run.read(workspace.runs / created[-1])


def submit_notebook(
    notebook: Path | str,
    params: Mapping[str, object] | None = None,
    *,
    preset: str | None = None,
    workspace: Workspace | None = None,
    tags: Iterable[str] = (),
    name: str | None = None,
    timeout: float | None = None,
    slurm: Mapping[str, object] | None = None,
) -> str:
    """Hand a notebook to Slurm and return the job's id at once; its run appears when it starts.

    What `lab run --on slurm --detach` does; the words are those of `run_notebook`. Raises
    InputError where Slurm is not there or refuses the job.
    """
    from lab.executors.sbatch import submit
    from lab.executors.slurm_queue import check_slurm

    place = workspace or Workspace.find()
    check_slurm()
    values = {**preset_values(preset), **(params or {})}
    job = Job.check(
        notebook,
        values,
        workspace=place,
        tags=tuple(tags),
        name=name,
        timeout=timeout,
        slurm=asked_of_slurm(slurm, "slurm"),
    )
    (task,) = submit([job], place)
    if isinstance(task, Exception):
        raise task
    return task.job_id


def asked_of_slurm(slurm: Mapping[str, object] | None, on: str) -> dict[str, Any] | None:
    """The resources in plain values; InputError for what is none, or for another executor."""
    if not slurm:
        return None
    if on != "slurm":
        raise InputError(
            "Resources are asked of Slurm only", seen=f"--on {on}", do="Add --on slurm."
        )
    from lab.executors.resources import resources_of

    return resources_of(slurm).given


def complete(work: Coroutine[Any, Any, T], *, on: str = "pool") -> T:
    """Run `work` to its end; Ctrl-C, SIGTERM and SIGHUP cancel it, each time anew.

    CancelledError is raised when it was cancelled. Works inside a running event loop, such as
    Jupyter's, too; there the signals stay with their owner. A lost terminal (SIGHUP) does not
    cancel what an executor does that goes on without this process, which is Slurm's.
    """
    if asyncio.events._get_running_loop() is None:
        spared = {signal.SIGHUP} if on == "slurm" else set()
        return asyncio.run(_cancelled_by_signals(work, [n for n in _STOPPERS if n not in spared]))
    return _complete_in_thread(work)


def _complete_in_thread(work: Coroutine[Any, Any, T]) -> T:
    """Like `complete`, in a loop of its own beside the one that runs already."""
    loop = asyncio.new_event_loop()
    with ThreadPoolExecutor(1, thread_name_prefix="lab") as thread:
        task = loop.create_task(work)
        ended = thread.submit(loop.run_until_complete, task)
        try:
            while True:
                try:
                    return ended.result()
                except KeyboardInterrupt:  # of the cell in Jupyter that waits here
                    loop.call_soon_threadsafe(task.cancel)
        finally:
            loop.close()


async def _cancelled_by_signals(
    work: Coroutine[Any, Any, T], stoppers: Iterable[signal.Signals]
) -> T:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in stoppers:
            handler = signal.getsignal(number)
            if handler is not signal.SIG_IGN:  # as nohup asks for
                loop.add_signal_handler(number, task.cancel)
                before[number] = handler
    try:
        return await task
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
