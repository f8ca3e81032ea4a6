"""What a node of a cluster does with a task: run its notebook, after whatever came of it before."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.executors.base import create_job_run
from lab.executors.ledger import Attempt, Ledger
from lab.notebook.contract import read_schema
from lab.notebook.execute import execute
from lab.notebook.job import Job
from lab.record.paths import RunPaths
from lab.record.run import Run, end_run, update_run
from lab.workspace import Workspace

RESUME = "resume"  # the parameter of a notebook that can go on from another run's checkpoint
_STATE = "state.*"  # in checkpoints/: what the next step depends on, saved last


@dataclasses.dataclass(frozen=True)
class Ticket:
    """A task as it travels to a node, of plain values only.

    No code travels: the node has the same workspace and the same installation.
    """

    workspace: str
    runs: str
    marks: str
    task: int
    job: Mapping[str, Any]
    retries: int = 0  # further tries of a crashed run, where nobody waits who could try again

    @classmethod
    def of(
        cls, job: Job, workspace: Workspace, marks: Path, task: int, *, retries: int = 0
    ) -> Ticket:
        plain = {field.name: getattr(job, field.name) for field in dataclasses.fields(job)}
        plain["notebook"] = str(job.notebook)
        return cls(str(workspace.root), str(workspace.runs), str(marks), task, plain, retries)

    @property
    def place(self) -> Workspace:
        return dataclasses.replace(Workspace.load(Path(self.workspace)), runs=Path(self.runs))

    @property
    def work(self) -> Job:
        return Job(**{**self.job, "notebook": Path(self.job["notebook"])})

    @property
    def ledger(self) -> Ledger:
        return Ledger(Path(self.marks))


async def carry_out(
    ticket: Ticket,
    *,
    threads: int | None = None,
    notes: Mapping[str, Any] | None = None,
    on_start: Callable[[Attempt], object] | None = None,
) -> tuple[Attempt, Run]:
    """Run the task to its end, or return the run that already ended it.

    An earlier attempt that was cut off is recorded as such, and the next one goes on from its last
    checkpoint where the notebook can. `notes` go into run.json. Cancelling ends the run as stopped,
    without a mark in the ledger: the caller knows why. Raises InputError as `create_run` does.
    """
    place, job = ticket.place, ticket.work
    earlier = ticket.ledger.attempts().get(ticket.task, [])
    if earlier:
        last = earlier[-1]
        before = cut_off(Run.read(place.runs / last.run_id))
        if (last.ended and not last.again) or not comes_again(before):
            return last, before
        job = resumed(job, before, place)
    number = len(earlier) + 1
    for left in range(ticket.retries, -1, -1):
        paths = create_job_run(place, job, None)
        if notes:
            update_run(paths, **notes)
        attempt = Attempt(number, paths.id)
        ticket.ledger.start(ticket.task, number, paths.id)
        if on_start is not None:
            on_start(attempt)
        run = await execute(
            paths,
            notebook=job.notebook,
            params=job.params,
            workspace=place,
            timeout=job.timeout,
            threads=threads,
        )
        if run.status != "crashed" or left == 0:
            break
        ticket.ledger.end(ticket.task, number, paths.id, again=True)
        number += 1
    return attempt, run


def comes_again(run: Run) -> bool:
    """Whether the end of this run is the cluster's doing, so that the task is still to be done."""
    return run.status == "crashed" or (run.status, run.reason) == ("stopped", "preempted")


def cut_off(run: Run) -> Run:
    """The run of an attempt whose task has been started again, so that nobody runs it any more."""
    if run.status != "running":
        return run
    error = {
        "type": "NodeLost",
        "message": f"The node that ran it ({run.record.get('host')}) was lost.",
        "cell": None,
    }
    return end_run(run.path, "crashed", "killed", error)


def resumed(job: Job, before: Run, workspace: Workspace) -> Job:
    """`job`, going on from the last checkpoint of the run `before` where there is one."""
    source = checkpoint_of(before, workspace)
    if source is None:
        return job
    return dataclasses.replace(job, params={**job.params, RESUME: source})


def checkpoint_of(run: Run, workspace: Workspace) -> str | None:
    """The run to resume from instead of `run` from the beginning: itself, or the one it came from.

    Its notebook takes `resume`, and its `checkpoints/` holds a state.
    """
    source = run.id if has_state(run.path) else run.params.get(RESUME)
    if run.notebook is None or not isinstance(source, str):
        return None
    try:
        names = read_schema(workspace.root / run.notebook, workspace).names
    except LabError:
        return None
    return source if RESUME in names else None


def has_state(paths: RunPaths) -> bool:
    """Whether the run has saved something that another can go on from."""
    return any(paths.checkpoints.glob(_STATE))


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
