"""Stopping a run that is under way, as Ctrl-C would where it was started."""

from __future__ import annotations

import contextlib
import os
import signal
import time

from lab.errors import InputError, WorkFailed
from lab.record.catalogue import find_run
from lab.record.liveness import host_name
from lab.record.run import Run, end_run
from lab.workspace import Workspace

GRACE = 12.0  # seconds that a run is given to wind up before it is asked more firmly
_STEP = 0.1  # seconds between looks
_YOUNG = 15.0  # seconds in which the kernel of a run may still be starting
_LAST = 5.0  # seconds that each firmer way is given
# In the command of a kernel that an executor watches: one that was started, and one forked.
_LAUNCHERS = ("lab.notebook.launch", "lab-kernel")


def stop(run_id: str, *, workspace: Workspace | None = None, grace: float = GRACE) -> Run:
    """Stop a running run, wait for its end and return it: `stopped`, reason `interrupted`.

    The cell that runs gets KeyboardInterrupt. A run that does not end within `grace` seconds is
    ended by the system, unless it is a notebook open in Jupyter: that is left to its owner. The
    other runs of its suite go on. Raises InputError for a run that is not running or is on another
    host, and WorkFailed where it could not be stopped.
    """
    run = find_run(workspace or Workspace.find(), run_id)
    _check(run)
    run.path.stop.touch()
    try:
        return _stopped(run, grace)
    finally:
        with contextlib.suppress(OSError):
            run.path.stop.unlink()


def _check(run: Run) -> None:
    if run.status != "running":
        raise InputError(
            "Only a running run can be stopped",
            seen=f"{run.id} is {run.status}",
            do='`lab runs --where "status == running"` lists those.',
        )
    host = str(run.record.get("host"))
    if host != host_name():
        job = run.record.get("slurm_job_id")
        here = f"Say `scancel {job}`." if job else f"Run `lab stop {run.id}` there."
        raise InputError("The run is on another host", seen=host, do=here)


def _stopped(run: Run, grace: float) -> Run:
    """Ask, wait, and ask again in firmer ways until the run has ended."""
    if _command(_pid(run)) is None:
        return Run.read(run.path)  # gone meanwhile
    if not _supervised(run) and _is_young(run):
        # The process on record may be one that is still starting the kernel, and a whole suite.
        run = _wait(run, 2.0, until_supervised=True)
    if _supervised(run):
        run = _wait(run, grace)  # its executor has seen the request, and does the rest
        firmer = [signal.SIGINT, signal.SIGKILL]
    else:
        firmer = [signal.SIGINT, signal.SIGTERM, signal.SIGKILL]
    for number in firmer:
        if run.status != "running":
            return run
        if number != signal.SIGINT and _is_foreign_kernel(run):
            break
        if number == signal.SIGKILL and not _supervised(run):
            end_run(run.path, "stopped", "interrupted", run.error)
        _send(run, number)
        run = _wait(run, grace if number == signal.SIGINT else _LAST)
    if run.status != "running":
        return run
    raise WorkFailed(
        f"Run {run.id} goes on",
        seen=f"process {_pid(run)} did not take the interrupt",
        do="Interrupt its notebook where it is open; run.finish() ends a run whose cells are done.",
    )


def _wait(run: Run, seconds: float, *, until_supervised: bool = False) -> Run:
    """The run as it is when it has ended or `seconds` have passed."""
    over = time.monotonic() + seconds
    while True:
        run = Run.read(run.path)
        if run.status == "running" and _was_interrupted(run) and not _supervised(run):
            # A notebook by hand outlives its cell; the run that was in it ends here.
            run = end_run(run.path, "stopped", "interrupted", run.error)
        if run.status != "running" or (until_supervised and _supervised(run)):
            return run
        if time.monotonic() >= over:
            return run
        time.sleep(_STEP)


def _was_interrupted(run: Run) -> bool:
    return (run.error or {}).get("type") == "KeyboardInterrupt"


def _send(run: Run, number: signal.Signals) -> None:
    """Send a signal to the process of a run; to its children too where it leads a group of its
    own, as kernels do."""
    pid = _pid(run)
    with contextlib.suppress(ProcessLookupError):
        try:
            if os.getpgid(pid) == pid and _supervised(run):
                os.killpg(pid, number)
            else:
                os.kill(pid, number)
        except PermissionError:
            raise InputError(
                "The run belongs to somebody else", seen=f"process {pid}", do="Ask its owner."
            ) from None


def _pid(run: Run) -> int:
    return int(run.record["pid"])


def _supervised(run: Run) -> bool:
    """Whether an executor watches the kernel of this run."""
    command = _command(_pid(run)) or ""
    return any(launcher in command for launcher in _LAUNCHERS)


def _is_foreign_kernel(run: Run) -> bool:
    """Whether the process is a kernel somebody else started: Jupyter, an editor, papermill."""
    command = _command(_pid(run)) or ""
    return "ipykernel" in command and not _supervised(run)


def _is_young(run: Run) -> bool:
    return (run.seconds or 0.0) < _YOUNG


def _command(pid: int) -> str | None:
    """The command line of a process, and its name; None when it is gone."""
    import psutil

    try:
        process = psutil.Process(pid)
        # A forked kernel has the command line of its parent, and a name of its own.
        return " ".join([*process.cmdline(), process.name()])
    except psutil.AccessDenied:
        return ""
    except psutil.Error:
        return None
