"""Waiting for what other processes do: as long as a busy machine needs, no longer than they do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import psutil

PATIENCE = 240.0  # seconds to wait for what takes a few on an idle machine

T = TypeVar("T")


def until(happened: Callable[[], T]) -> T:
    """The first true value of `happened()`; a test that waits in vain fails here."""
    over = time.monotonic() + PATIENCE
    while not (value := happened()):
        assert time.monotonic() < over, "waited in vain"
        time.sleep(0.02)
    return value


def gone(*pids: int) -> bool:
    """Whether none of these processes is alive."""
    return not any(_alive(pid) for pid in pids)


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
