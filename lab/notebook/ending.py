"""How an execution ended: status, reason and error of a run, worked out from what was seen."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Any

from lab.record.outcome import Reason, Status, classify

_MESSAGE_LIMIT = 10_000  # characters of an exception's message that go into run.json


@dataclass(frozen=True)
class Ending:
    """What goes into run.json; `error` is {type, message, cell} or None."""

    status: Status
    reason: Reason | None = None
    error: dict[str, Any] | None = None


DONE = Ending("done")


def ending_of_exception(type_name: str, message: str, cell: int | None) -> Ending:
    """A cell raised. sys.exit() and sys.exit(0) end a notebook early on purpose, as in a script."""
    if type_name == "SystemExit" and message in ("", "0", "None"):
        return DONE
    status, reason = classify(type_name, message)
    return Ending(status, reason, _error(type_name, message, cell))


def ending_of_death(exit_code: int, *, oom: bool, last_words: str, cell: int | None) -> Ending:
    """The kernel process ended by itself, or was killed by somebody else."""
    if exit_code >= 0:
        message = f"The kernel ended with exit code {exit_code}."
    else:
        try:
            name = signal.Signals(-exit_code).name
        except ValueError:
            name = f"signal {-exit_code}"
        message = f"The kernel was ended by {name}."
    if oom:
        message += " The system had run out of memory."
    if last_words:
        message += f"\nIts last words:\n{last_words}"
    return Ending("crashed", "oom" if oom else "kernel_died", _error("KernelDied", message, cell))


def ending_of_stop(reason: Reason, seconds: float | None, cell: int | None) -> Ending:
    """A person or the time limit stopped the run."""
    if reason == "time_limit":
        message = f"The run took longer than its limit of {seconds:g} s."
        return Ending("stopped", reason, _error("TimeLimit", message, cell))
    return Ending("stopped", reason, _error("Interrupted", "The run was interrupted.", cell))


def ending_of_oserror(error: OSError) -> Ending:
    """The executed notebook could not be saved."""
    status, reason = classify("OSError", str(error))
    return Ending(status, reason, _error(type(error).__name__, str(error), None))


def _error(type_name: str, message: str, cell: int | None) -> dict[str, Any]:
    return {"type": type_name, "message": message[:_MESSAGE_LIMIT], "cell": cell}
