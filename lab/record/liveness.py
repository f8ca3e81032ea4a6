"""Whether the process of a running run is still there."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
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


def identity() -> dict[str, Any]:
    """The keys of run.json that tell this process from every other."""
    pid = os.getpid()
    return {"host": host_name(), "pid": pid, "pid_started": process_started(pid)}


def is_gone(record: Mapping[str, Any], paths: RunPaths) -> bool:
    """Whether the process of the running run `record` has ended without saying so.

    On this host the process id and its start time tell; on others only the heartbeat can.
    """
    pid = record.get("pid")
    if record.get("host") == host_name() and isinstance(pid, int):
        started = process_started(pid)
        noted = record.get("pid_started")
        return started is None or (
            isinstance(noted, int | float) and abs(started - noted) > _CLOCK_SECONDS
        )
    return time.time() - last_sign_of_life(paths) > STALE_SECONDS


def last_sign_of_life(paths: RunPaths) -> float:
    """When the run last wrote something (seconds since the epoch)."""
    times = []
    for path in (paths.heartbeat, paths.metrics, paths.record):
        try:
            times.append(path.stat().st_mtime)
        except OSError:
            continue
    return max(times, default=0.0)
