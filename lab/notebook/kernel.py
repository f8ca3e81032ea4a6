"""One kernel process: started, interrupted, shut down, and always gone afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lab.notebook.leftovers import kill_marked
from lab.notebook.warm.exits import Exit, exit_of
from lab.notebook.warm.owner import MARKER, new_mark

_CHANNELS = ("shell", "iopub", "stdin", "control", "hb")
_SOCKET_PATH_LIMIT = 90  # of the 104 bytes that macOS allows, with room for the port number
_UNKNOWN = 255  # the exit code of a process that somebody else has waited for
_LAST_WORDS = 2000  # characters of the kernel's own stderr kept for a message


class KernelProcess(ABC):
    """A running kernel process, leader of its own process group, however it was started."""

    lifeline: int  # the kernel and its children die when this descriptor is closed
    _end: asyncio.Future[Exit]

    def __init__(self, pid: int, folder: Path, kills_before: int | None) -> None:
        self.pid = pid
        self.folder = folder
        self._kills_before = kills_before
        self._discarded = False

    async def ended(self) -> int:
        """Wait for the process to end; its exit code, negative for a signal."""
        return (await asyncio.shield(self._end)).code

    @property
    def exit(self) -> Exit | None:
        """How the process ended, and what it had used; None while it goes on, or nobody heard."""
        known = self._end.done() and not self._end.cancelled()
        return self._end.result() if known else None

    @property
    def returncode(self) -> int | None:
        """The exit code of a process that has ended."""
        return None if self.exit is None else self.exit.code

    @abstractmethod
    def _remove(self) -> None:
        """Let go of what the process needed, and end what has left its group."""

    def interrupt(self) -> None:
        """What Ctrl-C does in a terminal: SIGINT to the kernel and its children."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL to the kernel and its children."""
        self._signal(signal.SIGKILL)

    def discard(self) -> None:
        """Kill whatever is left of the kernel, and remove its files; once is enough."""
        if self._discarded:
            return
        self._discarded = True
        self.kill()
        self._remove()
        os.close(self.lifeline)
        shutil.rmtree(self.folder, ignore_errors=True)

    def out_of_memory(self) -> bool:
        """Whether the process ended because the operating system ran out of memory."""
        if self.returncode != -signal.SIGKILL or self._kills_before is None:
            return False
        return (oom_kills() or 0) > self._kills_before

    def last_words(self) -> str:
        """The end of what the process itself wrote, such as the stack of a segmentation fault."""
        with contextlib.suppress(OSError):
            return (self.folder / "stderr").read_text(errors="replace")[-_LAST_WORDS:].strip()
        return ""

    def _signal(self, number: signal.Signals) -> None:
        # The group outlives its leader, so children are reached even when the kernel has died.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


class Kernel(KernelProcess):
    """A kernel started as a process of its own.

    It talks over sockets in a private folder, so no two kernels can race for a port. `connection`
    is what a client needs to reach it.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        connection: dict[str, Any],
        folder: Path,
        mark: str,
        lifeline: int,
    ) -> None:
        super().__init__(process.pid, folder, oom_kills())
        self.connection = connection
        self.lifeline = lifeline
        self._mark = mark
        loop = asyncio.get_running_loop()
        self._end = loop.create_future()

        def wait() -> None:
            ended = _waited_for(process)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody asks any more
                loop.call_soon_threadsafe(self._has_ended, ended)

        threading.Thread(target=wait, daemon=True, name=f"end of kernel {process.pid}").start()

    @classmethod
    async def start(cls, *, cwd: Path, env: Mapping[str, str]) -> Kernel:
        """Start a kernel of this very interpreter in `cwd`; it is not ready to answer yet."""
        folder = socket_folder()
        connection: dict[str, Any] = {
            "transport": "ipc",
            "ip": str(folder / "k"),
            "key": secrets.token_hex(16),
            "signature_scheme": "hmac-sha256",
            **{f"{channel}_port": port for port, channel in enumerate(_CHANNELS, start=1)},
        }
        file = folder / "connection.json"
        file.write_text(json.dumps(connection))
        reading, lifeline = os.pipe()
        mark = new_mark()
        try:
            with (folder / "stderr").open("wb") as stderr:
                process = subprocess.Popen(
                    [
                        *(sys.executable, "-m", "lab.notebook.launch", str(reading)),
                        *("-f", str(file), "--HistoryManager.hist_file=:memory:"),
                    ],
                    cwd=cwd,
                    env={**env, MARKER: mark, "JPY_PARENT_PID": str(os.getpid())},
                    stdin=subprocess.DEVNULL,
                    stdout=stderr,
                    stderr=stderr,
                    pass_fds=(reading,),
                    start_new_session=True,
                )
        except BaseException:
            os.close(lifeline)
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            os.close(reading)
        return cls(process, connection, folder, mark, lifeline)

    def _has_ended(self, how: Exit) -> None:
        if not self._end.done():
            self._end.set_result(how)

    def _remove(self) -> None:
        kill_marked(f"{MARKER}={self._mark}")


def _waited_for(process: subprocess.Popen[bytes]) -> Exit:
    """Wait for the end of a process that this one has started."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except ChildProcessError:  # somebody else here waits for every child
        process.returncode = _UNKNOWN
        return Exit(_UNKNOWN)
    ended = exit_of(status, usage)
    process.returncode = ended.code
    # Until it became another program it shared the memory of this one, which is counted.
    return ended if usage.ru_maxrss > own.ru_maxrss else replace(ended, peak=0)


def socket_folder() -> Path:
    """A new private folder whose path is short enough for the sockets in it."""
    folder = Path(tempfile.mkdtemp(prefix="lab-"))
    if len(os.fsencode(folder)) > _SOCKET_PATH_LIMIT:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="lab-", dir="/tmp"))
    return folder


def oom_kills() -> int | None:
    """How often the kernel of this system killed for want of memory in our cgroup, if it tells."""
    try:
        text = next(file.read_text() for file in _memory_events() if file.is_file())
        counts = dict(line.split() for line in text.splitlines())
        return int(counts["oom_kill"])
    except (OSError, StopIteration, KeyError, ValueError):
        return None


def _memory_events() -> Iterator[Path]:
    """Where a count may stand: of our own group where that can be seen, else of the whole system.

    Lines of /proc/self/cgroup are `4:memory:/path` (version 1) and `0::/path` (version 2).
    """
    top = Path("/sys/fs/cgroup")
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    for _, controllers, path in (line.split(":", 2) for line in lines):
        if "memory" in controllers.split(","):
            yield top / "memory" / path.lstrip("/") / "memory.oom_control"
            yield top / "memory" / "memory.oom_control"
        elif not controllers:
            yield top / path.lstrip("/") / "memory.events"
    yield top / "memory.events"
