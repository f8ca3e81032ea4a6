"""Suites whose runs are Slurm jobs: handed over and left alone, looked at, cancelled."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.executors import slurm_queue
from lab.executors.submission import OWED, Task, TaskState, key_of, read_tasks, states
from lab.executors.workers import side_by_side
from lab.record.paths import RunPaths
from lab.record.run import Run
from lab.suite.plan import PlannedRun
from lab.suite.runner import job_of
from lab.workspace import Workspace


@dataclass(frozen=True)
class Submitted:
    """What became of the due runs of a plan: their tasks, and those that Slurm refused."""

    tasks: dict[int, Task]  # by the index in the plan
    refused: list[tuple[PlannedRun, Exception]]
    found: int  # of the tasks, how many were in the queue or under way already


@dataclass(frozen=True)
class Standing:
    """Where one planned run stands: done, running, queued or due."""

    item: PlannedRun
    state: str
    run_id: str | None
    job_id: str | None
    why: str


def submit_plan(
    plan: Sequence[PlannedRun],
    workspace: Workspace,
    *,
    workers: int | None = None,
    retries: int = 0,
) -> Submitted:
    """Hand what is due to Slurm and come back at once.

    `workers` caps how many run at a time. What is in the queue or under way is not submitted twice.
    The log entries of the suite are written by the next `lab suite run` that finds all done.
    """
    from lab.executors.sbatch import submit

    slurm_queue.check_slurm()
    due = [item for item in plan if item.due]
    before = {task.job_id for task in _tasks_of(plan, workspace)}
    answers = submit([job_of(item) for item in due], workspace, at_once=workers, retries=retries)
    pairs = list(zip(due, answers, strict=True))
    tasks = {item.index: answer for item, answer in pairs if isinstance(answer, Task)}
    return Submitted(
        tasks,
        refused=[(item, answer) for item, answer in pairs if isinstance(answer, Exception)],
        found=sum(task.job_id in before for task in tasks.values()),
    )


def open_states(plan: Sequence[PlannedRun], workspace: Workspace) -> list[TaskState]:
    """The tasks of a plan's suite that are still to end, each once.

    A run whose job Slurm has ended without a word is recorded as ended first.
    """
    from lab.executors.slurm import ended_without_word

    tasks = _tasks_of(plan, workspace)
    pending = [state for state in states(tasks, None) if not state.over]
    if not pending:
        return []
    known = slurm_queue.jobs(state.task.job_id for state in pending)
    found = states([state.task for state in pending], known)
    for state in found:
        if state.gone and state.last is not None:
            with contextlib.suppress(LabError):  # its folder may be archived
                ended_without_word(state, workspace)
    return [state for state in found if state.open]


def standing(plan: Sequence[PlannedRun], workspace: Workspace) -> list[Standing]:
    """Where each run of a plan stands: by the runs' own records, then by Slurm's queue."""
    waiting = {state.task.key: state for state in open_states(plan, workspace)}
    return [
        _standing_of(item, waiting.get(key_of(job_of(item), workspace)), workspace) for item in plan
    ]


def cancel_plan(plan: Sequence[PlannedRun], workspace: Workspace) -> list[TaskState]:
    """Cancel the Slurm jobs of a plan's suite and wait for their runs to end; what was cancelled.

    What waits leaves the queue; what runs ends as stopped, its notebook interrupted.
    """
    from lab.executors.slurm import Slurm

    waiting = open_states(plan, workspace)
    if waiting:
        executor = Slurm(workspace)

        async def all_of_them() -> None:
            await side_by_side(*(executor.cancel(state.task) for state in waiting))

        asyncio.run(all_of_them())
    tasks = [state.task for state in waiting]
    return states(tasks, None)


def owed_entries(plan: Sequence[PlannedRun], workspace: Workspace) -> list[Path]:
    """The notes of submissions whose suite has written no entry since; to be deleted then."""
    folders = {task.folder for task in _tasks_of(plan, workspace)}
    return [folder / OWED for folder in sorted(folders) if (folder / OWED).exists()]


def _tasks_of(plan: Sequence[PlannedRun], workspace: Workspace) -> list[Task]:
    return read_tasks(workspace, suite=plan[0].suite) if plan else []


def _standing_of(item: PlannedRun, mine: TaskState | None, workspace: Workspace) -> Standing:
    if not item.due:
        return Standing(item, "done", item.satisfied_by, None, item.why)
    if mine is None:
        return Standing(item, "due", None, None, item.why)
    last, told = mine.last, mine.job.told if mine.job else "Slurm does not answer"
    job_id = mine.task.job_id
    if last is None or last.again:
        why = f"job {job_id} {told}" + (f", goes on from {last.run_id}" if last else "")
        return Standing(item, "queued", last.run_id if last else None, job_id, why)
    run = Run.read_if_there(RunPaths(workspace.runs / last.run_id))
    host = f" on {mine.job.node}" if mine.job and mine.job.node else ""
    if run is None or run.status == "running":
        return Standing(item, "running", last.run_id, job_id, f"job {job_id}{host}")
    return Standing(item, "running", last.run_id, job_id, f"job {job_id} is ending")
