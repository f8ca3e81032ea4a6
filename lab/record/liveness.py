"""Whether the process of a running run is still there."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from lab.record.paths import RunPaths

STALE_SECONDS = 300.0  # a heartbeat this old, on another host, is a process that is gone
_CLOCK_SECONDS = 2.0  # process start times are rounded, and shift a little with the clock


def host_name() -> str:
    return socket.gethostname()


def process_started(pid: int) -> float | None:
    """When the process with this id started (seconds since the epoch); None when it is gone."""
    import psutil

    try:
        process = psutil.Process(pid)
        # A killed process whose parent has not asked for its exit code is as dead as any.
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.Error:
        return None


def birth(pid: int) -> str | None:
    """What tells the process from every other that ever had its id; None when it is gone.

    `BOOT:PID:TICKS`: the system's boot, and the start since then. Unlike a time of day it stays
    the same when somebody sets the clock. None, too, where the system does not tell (not Linux).
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        # The name of the program, in parentheses, may hold spaces and parentheses itself.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        if fields[0] not in "ZX":
            return f"{_boot()}:{pid}:{fields[19]}"
    return None


@lru_cache(maxsize=1)
def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def identity(pid: int | None = None) -> dict[str, Any]:
    """The keys of run.json that tell a process of this host, by default this one, from others."""
    pid = os.getpid() if pid is None else pid
    return {
        "host": host_name(),
        "pid": pid,
        "pid_started": process_started(pid),
        "pid_birth": birth(pid),
    }


def rebooted(record: Mapping[str, Any]) -> bool:
    """Whether this host was started again since the process of `record` began."""
    noted = record.get("pid_birth")
    if record.get("host") != host_name() or not isinstance(noted, str):
        return False
    with contextlib.suppress(OSError):
        return noted.partition(":")[0] != _boot()
    return False


def is_gone(record: Mapping[str, Any], paths: RunPaths) -> bool:
    """Whether the process of the running run `record` has ended without saying so.

    On this host the process id and its start tell; on others only the heartbeat can.
    """
    if record.get("host") == host_name() and isinstance(record.get("pid"), int):
        return process_is_gone(record)
    return time.time() - last_sign_of_life(paths) > STALE_SECONDS


def process_is_gone(known: Mapping[str, Any]) -> bool:
    """Whether the process of this host with that `identity` has ended."""
    pid, born = int(known["pid"]), known.get("pid_birth")
    if isinstance(born, str) and born.split(":")[1:2] == [str(pid)]:
        return birth(pid) != born
    started, noted = process_started(pid), known.get("pid_started")
    if started is None:
        return True
    return isinstance(noted, int | float) and abs(started - noted) > _CLOCK_SECONDS


def last_sign_of_life(paths: RunPaths) -> float:
    """When the run last wrote something (seconds since the epoch)."""
    times = []
    for path in (paths.heartbeat, paths.metrics, paths.record):
        try:
            times.append(path.stat().st_mtime)
        except OSError:
            continue
    return max(times, default=0.0)
