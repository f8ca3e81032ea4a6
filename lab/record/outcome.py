"""How runs end: the statuses, the reasons, and which one an exception means."""

from __future__ import annotations

from typing import Literal, get_args

from lab.record.files import FULL_ERRNOS

Status = Literal["running", "done", "failed", "crashed", "stopped", "pruned"]
Reason = Literal[
    "exception",
    "oom",
    "kernel_died",
    "killed",
    "time_limit",
    "interrupted",
    "preempted",
    "disk_full",
]

STATUSES: tuple[str, ...] = get_args(Status)
REASONS: tuple[str, ...] = get_args(Reason)


def classify(type_name: str, message: str = "") -> tuple[Status, Reason]:
    """What a run ends with whose cell raised an exception of this type and message.

    Works on names, because an executor knows no more of the exception than what the kernel sends.

    classify("KeyboardInterrupt")                     # ("stopped", "interrupted")
    classify("torch.cuda.OutOfMemoryError")           # ("failed", "oom")
    classify("OSError", "[Errno 28] No space left")   # ("failed", "disk_full")
    classify("ValueError", "...")                     # ("failed", "exception")
    """
    name = type_name.rsplit(".", 1)[-1]
    if name == "KeyboardInterrupt":
        return "stopped", "interrupted"
    if name in ("MemoryError", "_ArrayMemoryError", "OutOfMemoryError"):
        return "failed", "oom"
    if name == "OSError" and any(f"[Errno {code}]" in message for code in FULL_ERRNOS):
        return "failed", "disk_full"
    return "failed", "exception"


def supersedes(old: tuple[str, str | None], new: tuple[str, str | None]) -> bool:
    """Whether the end an executor saw replaces the end that is already recorded.

    It does, unless the recorded end is the same status with a reason that says more: a cell that
    raised because the disk was full failed by `disk_full`, not by `exception`.
    """
    generic = {None, "exception", "killed"}
    return old[0] != new[0] or old[1] in generic or new[1] not in generic
