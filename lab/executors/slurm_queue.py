"""The one place that talks to Slurm's own commands, but for sbatch, which submitit calls.

There may be no accounting: everything comes from squeue and scontrol, which forget a job some
minutes after its end. What a run came to stands in its own record.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

from lab.errors import InputError, WorkFailed

_PATIENCE = 60.0  # seconds a command may take; a busy controller is slow, not gone
_AT_ONCE = 500  # job ids on one command line

# States of a job that may still run, or run again.
_WAITING = frozenset({"PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT"})
_ALIVE = _WAITING | {
    "COMPLETING",
    "CONFIGURING",
    "RESIZING",
    "RESV_DEL_HOLD",
    "RUNNING",
    "SIGNALING",
    "STAGE_OUT",
    "STOPPED",
    "SUSPENDED",
}


@dataclass(frozen=True)
class QueuedJob:
    """A job as the scheduler sees it; `id` is `71`, or `71_3` for an element of an array."""

    id: str
    number: str  # SLURM_JOB_ID inside it
    state: str
    why: str  # why it waits, or ended as it did
    node: str

    @property
    def alive(self) -> bool:
        return self.state in _ALIVE and not self.held

    @property
    def held(self) -> bool:
        """Whether no node could start it, after which Slurm does not try again by itself."""
        return self.waits and self.why.replace("_", " ") == "launch failed requeued held"

    @property
    def waits(self) -> bool:
        """Whether it is in the queue and not on a node."""
        return self.state in _WAITING

    @property
    def told(self) -> str:
        """Its state in words, as `pending (Resources)`."""
        state = self.state.lower().replace("_", " ")
        detail = self.node if self.state == "RUNNING" else self.why
        return f"{state} ({detail})" if detail not in ("", "None", "(null)") else state


def check_slurm() -> None:
    """InputError where jobs cannot be submitted."""
    try:
        import submitit  # noqa: F401
    except ImportError:
        raise InputError(
            "Slurm support is not installed",
            seen="no package submitit",
            do="`make setup` installs it, or pip install submitit.",
        ) from None
    if shutil.which("sbatch") is None:
        raise InputError(
            "There is no Slurm here",
            seen="no command sbatch",
            do="Use a login node of the cluster, or --on pool.",
        )


def jobs(ids: Iterable[str] = ()) -> dict[str, QueuedJob] | None:
    """The jobs the scheduler knows of `ids` (whole arrays by their number), else all of ours.

    None where it does not answer, which says nothing about the jobs. Ended jobs are in it for some
    minutes.
    """
    wanted = sorted({job_id.partition("_")[0] for job_id in ids})
    found: dict[str, QueuedJob] = {}
    for some in _portions(wanted) if wanted else [[]]:
        only = ["--jobs", ",".join(some)] if some else ["--me"]
        answer = _run("squeue", "-h", "-r", "-t", "all", "-o", "%i|%A|%T|%r|%N", *only)
        if answer.returncode != 0:
            if "Invalid job id" in answer.stderr:  # of a single one that it has forgotten
                continue
            return None
        for line in answer.stdout.splitlines():
            parts = line.strip().split("|")
            if len(parts) == 5:
                found[parts[0]] = QueuedJob(*parts)
    return found


def describe(job_id: str) -> dict[str, str]:
    """What scontrol says of a job, by its own names; empty where it says nothing."""
    answer = _run("scontrol", "show", "job", "--oneliner", job_id)
    if answer.returncode != 0:
        return {}
    return _fields(answer.stdout.splitlines()[0]) if answer.stdout else {}


def partition(name: str | None = None) -> dict[str, str]:
    """What scontrol says of a partition, or of the default one; empty where it says nothing."""
    answer = _run("scontrol", "show", "partition", "--oneliner", *([name] if name else []))
    for line in answer.stdout.splitlines():
        about = _fields(line)
        if name is not None or about.get("Default") == "YES":
            return about
    return {}


def _fields(line: str) -> dict[str, str]:
    return dict(re.findall(r"(?:^|\s)([\w/:]+)=(\S*)", line))


def seconds(text: str) -> float | None:
    """A duration as Slurm writes it; None for UNLIMITED and the like.

    seconds("1-02:00:00")  # 93600.0
    seconds("05:30")       # 330.0
    """
    match = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", text)
    if match is None:
        return None
    days, hours, minutes, rest = (int(part or 0) for part in match.groups())
    return ((days * 24.0 + hours) * 60 + minutes) * 60 + rest


def cancel(ids: Iterable[str], *, waiting_only: bool = False, kill: bool = False) -> None:
    """Cancel jobs: what runs is asked to wind up, and killed some time later (KillWait).

    `waiting_only` leaves alone what runs; `kill` gives it no time. Raises WorkFailed where Slurm
    refuses; a job that has ended meanwhile is no reason to.
    """
    options = ["--state=PENDING"] if waiting_only else []
    options += ["--signal=KILL", "--full"] if kill else []
    for some in _portions(sorted(set(ids))):
        answer = _run("scancel", "--quiet", *options, *some)
        if answer.returncode != 0 and "Invalid job id" not in answer.stderr:
            raise WorkFailed("Slurm did not cancel the jobs", seen=answer.stderr.strip())


def requeue(job_id: str) -> bool:
    """Put a running job into the queue again; whether Slurm did."""
    return _run("scontrol", "requeue", job_id).returncode == 0


def largest_array() -> int:
    """How many elements a job array may have."""
    answer = _run("scontrol", "show", "config")
    match = re.search(r"^MaxArraySize\s*=\s*(\d+)", answer.stdout, re.MULTILINE)
    # The largest index is one less than MaxArraySize, and indices begin at 0.
    return max(1, int(match[1])) if match else 1000


def _portions(ids: list[str]) -> list[list[str]]:
    return [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        # A session of its own: Ctrl-C is for the process that follows, not for this command.
        return subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE, start_new_session=True
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))
