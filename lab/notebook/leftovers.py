"""Processes that a kernel left behind: found by a mark in their environment."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path


def kill_marked(mark: str) -> None:
    """SIGKILL every process of ours whose environment holds `mark` (NAME=VALUE).

    A child that started its own session is in no process group of the kernel, and once the kernel
    has gone it is nobody's descendant; the environment it inherited is what still tells it.
    """
    for pid in _marked(mark):
        if pid != os.getpid():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _marked(mark: str) -> Iterator[int]:
    if sys.platform.startswith("linux"):
        for entry in os.scandir("/proc"):
            if entry.name.isdecimal() and has_mark(int(entry.name), mark):
                yield int(entry.name)
        return
    import psutil

    name, _, value = mark.partition("=")
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(name) == value:
                yield process.pid


def has_mark(pid: int, mark: str) -> bool:
    """Whether `mark` is in the environment that this process was started with (Linux)."""
    with contextlib.suppress(OSError):
        return mark.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return False
