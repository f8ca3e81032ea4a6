"""The end of a kernel: its exit code, and what the system says that it used in all.

Whoever waits for a process is told the most memory it ever had, to the last moment: what a look
a second misses when memory runs out between two looks.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resource import struct_rusage

# ru_maxrss is in KiB, on macOS in bytes. See getrusage(2).
_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Exit:
    """How a process ended: exit code, negative for a signal; bytes at most; CPU seconds."""

    code: int
    peak: int = 0
    cpu: float = 0.0


def exit_of(status: int, usage: struct_rusage) -> Exit:
    """What os.wait4 said of a process; the children it has waited for are counted."""
    cpu = usage.ru_utime + usage.ru_stime
    return Exit(os.waitstatus_to_exitcode(status), usage.ru_maxrss * _UNIT, cpu)


def tell(status: int, usage: struct_rusage) -> str:
    """The same as words; `heard` reads them."""
    ended = exit_of(status, usage)
    return f"{ended.code} {ended.peak} {ended.cpu:.2f}"


def heard(words: str) -> Exit:
    """What `tell` told."""
    code, peak, cpu = words.split()
    return Exit(int(code), int(peak), float(cpu))
