"""Submitting runs to Slurm with submitit: a job for one run, a job array for many alike."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from lab.errors import InputError
from lab.executors import slurm_queue
from lab.executors.node import Ticket
from lab.executors.resources import Resources
from lab.executors.slurm_node import NOTICE, SECRETS, run_task
from lab.executors.submission import (
    Task,
    key_of,
    marks_folder,
    new_folder,
    read_tasks,
    states,
    write_submission,
)
from lab.notebook.job import Job
from lab.record.redact import redact_params
from lab.workspace import Workspace

_UNTOLD_MINUTES = 60  # the time limit where neither the file nor the partition sets one


def submit(
    jobs: Sequence[Job],
    workspace: Workspace,
    *,
    at_once: int | None = None,
    retries: int = 0,
    below: Resources | None = None,
) -> list[Task | Exception]:
    """Hand jobs to Slurm; per job its task, or why it was refused.

    Jobs that ask for the same resources become one array, of which at most `at_once` run at a time.
    A run of a suite or sweep that is in the queue or under way already is not submitted again: its
    task is returned. A crashed run is tried `retries` times on its node; `below` are resources for
    what the jobs leave out.
    """
    found: dict[int, Task | Exception] = dict(under_way(jobs, workspace))
    alike: dict[str, list[int]] = defaultdict(list)
    for index, job in enumerate(jobs):
        if index not in found:
            asked = Resources.model_validate(dict(job.slurm or {})).over(below)
            alike[json.dumps(asked.sbatch(job.timeout), sort_keys=True)].append(index)
    largest = slurm_queue.largest_array() if any(len(some) > 1 for some in alike.values()) else 1
    for options, indices in alike.items():
        for start in range(0, len(indices), largest):
            some = indices[start : start + largest]
            chosen = [jobs[index] for index in some]
            try:
                tasks = _submit_alike(chosen, json.loads(options), workspace, at_once, retries)
                found.update(zip(some, tasks, strict=True))
            except InputError as error:
                found.update(dict.fromkeys(some, error))
    return [found[index] for index in range(len(jobs))]


def under_way(jobs: Sequence[Job], workspace: Workspace) -> Iterator[tuple[int, Task]]:
    """Of jobs of suites and sweeps, the tasks that are still to be done or being done, by index."""
    wanted = {
        index: job
        for index, job in enumerate(jobs)
        if job.suite is not None or job.sweep is not None
    }
    alive = {job_id for job_id, one in (slurm_queue.jobs() or {}).items() if one.alive}
    if not wanted or not alive:
        return
    tasks = [task for task in read_tasks(workspace) if task.job_id in alive]
    going_on = {state.task.key: state.task for state in states(tasks, None) if not state.over}
    for index, job in wanted.items():
        if (task := going_on.get(key_of(job, workspace))) is not None:
            yield index, task


def _submit_alike(
    jobs: Sequence[Job],
    options: dict[str, Any],
    workspace: Workspace,
    at_once: int | None,
    retries: int,
) -> list[Task]:
    import submitit

    folder = new_folder(workspace)
    python = f"exec {shlex.quote(sys.executable)}"  # in place of the shell: signals reach it alone
    executor = submitit.SlurmExecutor(folder, max_num_timeout=0, python=python)
    executor.update_parameters(
        job_name=_name(jobs),
        array_parallelism=at_once or len(jobs),
        use_srun=False,
        stderr_to_stdout=True,
        additional_parameters=_options(options),
    )
    tickets = [
        Ticket.of(_without_secrets(job), workspace, marks_folder(folder), number, retries=retries)
        for number, job in enumerate(jobs)
    ]
    marks_folder(folder).mkdir()
    try:
        # sbatch's complaint is told once, by us.
        with _secrets(jobs), contextlib.redirect_stderr(io.StringIO()):
            handles = executor.map_array(run_task, tickets)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)  # no job will ever look for it
        refusals = (submitit.core.utils.FailedJobError, submitit.core.utils.FailedSubmissionError)
        if isinstance(error, refusals):
            raise _refusal(str(error)) from None
        raise
    return write_submission(folder, jobs, [handle.job_id for handle in handles], workspace)


def _options(asked: dict[str, Any]) -> dict[str, Any]:
    """The options of sbatch, with a time limit and how long before it the job is told."""
    minutes = asked.get("time") or _partition_minutes(asked.get("partition"))
    notice = NOTICE if minutes == 0 else min(NOTICE, max(10, minutes * 6))  # a tenth of short ones
    return asked | {"time": minutes, "signal": f"B:USR2@{notice}", "requeue": True}


def _partition_minutes(partition: str | None) -> int:
    """The limit that a partition sets by itself, in minutes; 0 for none.

    submitit would ask for five minutes.
    """
    name = partition or os.environ.get("SBATCH_PARTITION")
    about = slurm_queue.partition(name.split(",")[0] if name else None)
    for key in ("DefaultTime", "MaxTime"):
        if about.get(key) == "UNLIMITED":
            return 0
        limit = slurm_queue.seconds(about.get(key, ""))
        if limit:
            return max(1, int(limit // 60))
    return _UNTOLD_MINUTES


def _name(jobs: Sequence[Job]) -> str:
    names = {job.suite["name"] if job.suite else job.notebook.stem for job in jobs}
    return "lab-" + re.sub(r"[^\w.-]", "_", names.pop() if len(names) == 1 else "runs")


def _without_secrets(job: Job) -> Job:
    """`job` as it may lie in a file; what it lacks then goes through the environment."""
    return Job(**{**vars(job), "params": redact_params(job.params)})


@contextlib.contextmanager
def _secrets(jobs: Sequence[Job]) -> Iterator[None]:
    """Have sbatch pass the secret values on: Slurm keeps them where only it can read."""
    hidden: dict[int, dict[str, Any]] = {}
    for number, job in enumerate(jobs):
        redacted = redact_params(job.params)
        values = {name: value for name, value in job.params.items() if redacted[name] != value}
        if values:
            hidden[number] = values
    if hidden:
        os.environ[SECRETS] = json.dumps(hidden)
    try:
        yield
    finally:
        os.environ.pop(SECRETS, None)


def _refusal(text: str) -> InputError:
    """What sbatch said, without how it was called."""
    said = [line.split("sbatch: ", 1)[1] for line in text.splitlines() if "sbatch: " in line]
    told = [line.removeprefix("error: ").removeprefix("fatal: ") for line in said]
    seen = told[-1] if told else text.strip().splitlines()[-1]
    if any(word in text for word in _UNREACHABLE):
        return InputError("Slurm does not answer", seen=seen, do="`sinfo` says whether it is up.")
    return InputError("Slurm refused the job", seen=seen, do="Mend what is asked of it (slurm).")


_UNREACHABLE = ("configuration source", "Unable to contact", "Socket timed out")
