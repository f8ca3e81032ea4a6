"""What a run uses of its machine: memory, processor and GPU, sampled while it goes on.

Whoever touches the run's heartbeat samples as well. The sums are over the process that runs the
cells and its descendants. A look reads a few files of /proc; elsewhere than on Linux it asks
psutil. A run shorter than a few seconds gets no file, only its totals in run.json.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from lab.duration import show_duration
from lab.numbers import size_text
from lab.record import gpu, liveness
from lab.record.metrics import last_row
from lab.record.paths import RunPaths

_LOOK = 1.0  # seconds between looks
_CLOSE_LOOK = 0.1  # seconds between them while the memory grows: the system may kill at any moment
_FIRST = 3.0  # seconds before the first line is written
_PAUSE = 5.0  # seconds between lines, at least
_SHARE = 200  # and this part of the time so far, so that a long run has some thousand lines
_GROWTH = 1.1  # a peak this much higher is written at once: what follows may be the end
_GROWS = 1.02  # and one that is this much higher than at the look before is looked at closely
_GPU_PAUSE = 3.0  # seconds between questions to the driver


@dataclass(frozen=True)
class Use:
    """What a process and its descendants use: bytes in memory now and at most, CPU seconds."""

    memory: int
    peak: int
    cpu: float


# Runs in this very process, which has done other things before: CPU seconds it had used by then.
_before: dict[Path, float] = {}


def begin_here(paths: RunPaths) -> None:
    """Count for this run only what this process uses from now on."""
    found = look(os.getpid())
    _before[paths.root] = found.cpu if found else 0.0


class Sampler:
    """Looks at the process of one run as often as it is asked to; writes a line now and then."""

    def __init__(self, paths: RunPaths) -> None:
        self._paths = paths
        self._began = time.monotonic()
        self._due = 0.0
        self._written_at = 0.0
        self._written_peak = 0
        self._peak = 0
        self._last: Use | None = None
        self._gpu: gpu.GpuUse | None = None
        self._gpu_at = 0.0
        self._gpu_peak = 0

    def sample(self, pid: int) -> float:
        """Look at the process `pid`, if a look is due; returns the seconds until the next one is.

        An unreadable process or a full disk costs the sample.
        """
        now = time.monotonic()
        if now < self._due:
            return self._due - now
        found = _own_use(self._paths, pid)
        pause = _CLOSE_LOOK if found and found.peak > _GROWS * self._peak else _LOOK
        self._due = now + pause
        if found is not None:
            self._take(found, now, pid)
        return pause

    def _take(self, found: Use, now: float, pid: int) -> None:
        self._last = found
        self._peak = max(self._peak, found.peak)
        age = now - self._began
        due = age >= _FIRST and now - self._written_at >= max(_PAUSE, age / _SHARE)
        if gpu.there_is() and now - self._gpu_at >= _GPU_PAUSE and age >= _FIRST:
            self._gpu_at, self._gpu = now, gpu.look(set(tree(pid)))
            self._gpu_peak = max(self._gpu_peak, self._gpu.memory if self._gpu else 0)
        if due or (self._peak > _GROWTH * self._written_peak and age >= _FIRST):
            self._written_at, self._written_peak = now, self._peak
            with contextlib.suppress(OSError):
                _append(self._paths.resources, self._line(found))

    def keep(self, at_end: Use) -> None:
        """Write a last line for a process that is gone and cannot be asked again.

        `at_end` is what the system told whoever waited for it, zeros where it did not. Its peak is
        of one process, a look's of all of them: the higher one counts. Where memory ran out the
        system may have freed some of it before it counted: then the last look knows better.
        """
        last = self._last or at_end
        self._peak = max(self._peak, at_end.peak)
        if self._peak:
            found = Use(last.memory, self._peak, max(last.cpu, at_end.cpu))
            with contextlib.suppress(OSError):
                _append(self._paths.resources, self._line(found))

    def _line(self, found: Use) -> dict[str, Any]:
        line: dict[str, Any] = {
            "time": round(time.time(), 3),
            "memory": found.memory,
            "peak_memory": self._peak,
            "cpu_seconds": round(found.cpu, 2),
        }
        if self._gpu is not None:
            line |= {"gpu_memory": self._gpu.memory, "peak_gpu_memory": self._gpu_peak}
            line |= {} if self._gpu.busy is None else {"gpu_busy": self._gpu.busy}
        return line


def totals(paths: RunPaths, record: Mapping[str, Any]) -> dict[str, Any]:
    """What a run used in all, for its run.json: keys that are not known are left out.

    `peak_memory` and `peak_gpu_memory` in bytes, `cpu_seconds`. From the process itself where it is
    still there, else from the last line that was sampled.
    """
    last = last_row(paths.resources)
    here = record.get("host") == liveness.host_name() and isinstance(record.get("pid"), int)
    gone = not here or liveness.process_is_gone(record)
    found = None if gone else _own_use(paths, record["pid"])
    peaks = [last.get("peak_memory"), found.peak if found else None]
    cpu = found.cpu if found else last.get("cpu_seconds")
    known = {
        "peak_memory": max((peak for peak in peaks if isinstance(peak, int)), default=None),
        "cpu_seconds": None if cpu is None else round(cpu, 2),
        "peak_gpu_memory": last.get("peak_gpu_memory"),
    }
    return {name: value for name, value in known.items() if value is not None}


def _own_use(paths: RunPaths, pid: int) -> Use | None:
    """What the run itself uses of the process `pid`."""
    found, before = look(pid), _before.get(paths.root)
    if found is None or before is None or pid != os.getpid():
        return found
    # The highest that the process ever was may have been before the run.
    return Use(found.memory, found.memory, found.cpu - before)


def used_text(record: Mapping[str, Any]) -> str:
    """What a run used, as people say it: "peak memory 1.2 GB, CPU 3m20s (1.6 cores)"."""
    parts = []
    if isinstance(peak := record.get("peak_memory"), int):
        parts.append(f"peak memory {size_text(peak)}")
    if isinstance(cpu := record.get("cpu_seconds"), int | float):
        seconds = record.get("seconds")
        share = cpu / seconds if seconds and seconds >= _FIRST else 0.0
        cores = f" ({share:.1f} cores)" if share >= 0.05 else ""
        parts.append(f"CPU {show_duration(cpu)}{cores}")
    if isinstance(peak := record.get("peak_gpu_memory"), int):
        parts.append(f"GPU memory {size_text(peak)}")
    return ", ".join(parts)


def look(pid: int) -> Use | None:
    """What the process and its descendants use now; None when it is gone."""
    try:
        return _look_in_proc(pid) if sys.platform.startswith("linux") else _ask_psutil(pid)
    except (OSError, ValueError, IndexError):
        return None


def tree(pid: int) -> Iterator[int]:
    """The process and its descendants (Linux; elsewhere the process alone)."""
    yield pid
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                for child in (thread / "children").read_text().split():
                    yield from tree(int(child))


_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


def _look_in_proc(pid: int) -> Use | None:
    memory, cpu, high = 0, 0.0, 0
    for one in tree(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            if one == pid:
                return None
            continue
        # utime, stime and those of children that ended; `rss` in pages. See proc_pid_stat(5).
        cpu += sum(int(field) for field in fields[11:15]) / _TICKS
        memory += int(fields[21]) * _PAGE
        if one == pid:
            if fields[0] in (b"Z", b"X"):
                return None
            high = _high_water(pid)
    return Use(memory, max(memory, high), cpu)


def _high_water(pid: int) -> int:
    """Most that the process itself ever had in memory."""
    status = Path(f"/proc/{pid}/status").read_bytes()
    _, found, rest = status.partition(b"VmHWM:")
    return int(rest.split(None, 1)[0]) * 1024 if found else 0


def _ask_psutil(pid: int) -> Use | None:
    import psutil

    memory, cpu = 0, 0.0
    try:
        leader = psutil.Process(pid)
        for process in (leader, *leader.children(recursive=True)):
            memory += process.memory_info().rss
            times = process.cpu_times()
            cpu += times.user + times.system
    except psutil.Error:
        return None
    return Use(memory, memory, cpu)


def _append(path: Path, line: Mapping[str, Any]) -> None:
    if not path.parent.is_dir():
        return  # somebody took the folder away; nothing here brings it back
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        os.write(handle, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
    finally:
        os.close(handle)
