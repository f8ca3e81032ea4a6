"""What a Slurm job of ours runs: one task, and what to do when Slurm wants the node back.

Slurm sends SIGUSR2 to this process alone some time before the job's time is over (`sbatch
--signal=B:USR2@...`), and SIGTERM to every process of the job when it is preempted or cancelled.
Either way the cell that runs is interrupted, the run is recorded as stopped, with the reason, and
a job that can go on is put into the queue again: it starts anew under the same job id.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from dataclasses import dataclass
from typing import Any

from lab.executors import slurm_queue
from lab.executors.ledger import Attempt
from lab.executors.node import Ticket, carry_out, checkpoint_of, cores
from lab.notebook.warm.owner import SWITCH
from lab.record.run import Run, end_run

SECRETS = "LAB_SECRETS"  # values that must be in no file: {task: {parameter: value}} as JSON
NOTICE = 120  # seconds before its time limit at which a job is told, unless that is short
_SOON = NOTICE + 120.0  # Slurm may tell up to a minute earlier, and its clock is coarse
_AFTERTHOUGHT = 0.5  # seconds in which the signal that killed the kernel reaches us too


def run_task(ticket: Ticket) -> str:
    """Carry out a task in this job; the id of the run it came to."""
    # One run is all that this process has to do: imports made ahead for many would only cost time.
    os.environ.setdefault(SWITCH, "off")
    secret = json.loads(os.environ.pop(SECRETS, "{}")).get(str(ticket.task), {})
    job = {**ticket.job, "params": {**ticket.job["params"], **secret}}
    whole = Ticket(**{**vars(ticket), "job": job})
    return asyncio.run(_Task(whole).through())


@dataclass(frozen=True)
class _Verdict:
    """Why the run was stopped, whether it should go on, and whether Slurm has seen to that."""

    reason: str
    message: str
    again: bool
    requeued: bool = False


_PREEMPTED = "Slurm took the node away from job {}; it starts again when there is room."
_TIME_OVER = (
    "The time of Slurm job {} was over; it goes on from the last checkpoint when it starts again."
)
_NO_TIME = (
    "The time of Slurm job {} was over, and there is no checkpoint of this run to go on from."
)


class _Task:
    def __init__(self, ticket: Ticket) -> None:
        self._ticket = ticket
        self._attempt: Attempt | None = None
        self._signal: signal.Signals | None = None
        self._work: asyncio.Task[tuple[Attempt, Run]] | None = None

    async def through(self) -> str:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGUSR2):
            loop.add_signal_handler(number, self._told, number)
        self._work = asyncio.create_task(
            carry_out(
                self._ticket,
                threads=_threads(),
                notes={"slurm": _about_job()},
                on_start=self._started,
            )
        )
        try:
            self._attempt, run = await self._work
            if (run.status, run.reason) == ("crashed", "kernel_died") and not self._signal:
                await asyncio.sleep(_AFTERTHOUGHT)
            if self._signal is None or run.status in ("done", "failed"):
                return self._end(run, again=False)
        except asyncio.CancelledError:
            if self._attempt is None:
                raise
        return self._given_up()

    def _started(self, attempt: Attempt) -> None:
        self._attempt = attempt

    def _told(self, number: signal.Signals) -> None:
        # Only once: cancelled again, the cell would not be given the time to wind up.
        if self._signal is None and self._work is not None:
            self._signal = signal.Signals(number)
            self._work.cancel()

    def _given_up(self) -> str:
        """Say in the record why the run was stopped, and go on later where that makes sense."""
        assert self._attempt is not None
        before = Run.read(self._ticket.place.runs / self._attempt.run_id)
        verdict = self._verdict(before)
        error = {
            "type": "TakenAway",
            "message": verdict.message,
            "cell": (before.error or {}).get("cell"),
        }
        run = end_run(before.path, "stopped", verdict.reason, error, override=True)
        again = verdict.requeued or (verdict.again and slurm_queue.requeue(_job_id()))
        return self._end(run, again=again)

    def _verdict(self, run: Run) -> _Verdict:
        job_id = _job_id()
        about = slurm_queue.describe(job_id)
        limit = slurm_queue.seconds(about.get("TimeLimit", ""))
        so_far = slurm_queue.seconds(about.get("RunTime", "")) or 0.0
        if int(about.get("Restarts", 0)) > _restarts():
            return _Verdict("preempted", _PREEMPTED.format(job_id), again=True, requeued=True)
        told_early = self._signal == signal.SIGUSR2
        if limit is not None and limit - so_far < (_SOON if told_early else 1.0):
            if checkpoint_of(run, self._ticket.place) == run.id:
                return _Verdict("preempted", _TIME_OVER.format(job_id), again=True)
            return _Verdict("time_limit", _NO_TIME.format(job_id), again=False)
        ending = about.get("JobState") == "COMPLETING"
        if ending and about.get("PreemptTime", "None") == "None" and not told_early:
            return _Verdict("interrupted", f"Slurm job {job_id} was cancelled.", again=False)
        return _Verdict("preempted", _PREEMPTED.format(job_id), again=True)

    def _end(self, run: Run, *, again: bool) -> str:
        assert self._attempt is not None
        self._ticket.ledger.end(
            self._ticket.task, self._attempt.number, self._attempt.run_id, again=again
        )
        return run.id


def _job_id() -> str:
    """`71`, or `71_3`: the bare number of an array's last element is that of the whole array."""
    array, element = (os.environ.get(f"SLURM_ARRAY_{name}") for name in ("JOB_ID", "TASK_ID"))
    return f"{array}_{element}" if array else os.environ["SLURM_JOB_ID"]


def _restarts() -> int:
    return int(os.environ.get("SLURM_RESTART_COUNT") or 0)


def _about_job() -> dict[str, Any]:
    """What run.json says of the job beside its number."""
    return {
        "job": _job_id(),
        "partition": os.environ.get("SLURM_JOB_PARTITION"),
        "node": os.environ.get("SLURMD_NODENAME"),
        "restarts": _restarts(),
    }


def _threads() -> int:
    """Threads for the numerical libraries: the cores the job asked for, which are one unless told.

    Without a cgroup a process sees the whole node.
    """
    with contextlib.suppress(KeyError, ValueError):
        return int(os.environ["SLURM_CPUS_PER_TASK"])
    return min(cores(), int(os.environ.get("SLURM_CPUS_ON_NODE", "1")))
