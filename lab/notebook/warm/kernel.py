"""One forked kernel, as its executor sees it: told of its start and end, interrupted, discarded."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from lab.notebook.kernel import KernelProcess, oom_kills
from lab.notebook.leftovers import kill_marked
from lab.notebook.warm import exits, packets
from lab.notebook.warm.owner import MARKER, Unsafe, Zygote, new_mark, zygote
from lab.notebook.warm.preload import wanted
from lab.record.liveness import process_started

WATCHED = "lab-kernel"  # the name of a kernel that an executor watches

_LOOK = 0.2  # seconds between looks at a kernel whose zygote has gone


class ForkedKernel(KernelProcess):
    """A kernel process, leader of its own process group, that runs cells sent over `channel`."""

    def __init__(
        self, zygote: Zygote, status: _Status, channel: packets.Channel, folder: Path, mark: str
    ) -> None:
        super().__init__(status.pid, folder, oom_kills())
        self.channel = channel
        self.zygote = zygote
        self._mark = mark
        self._status = status
        self._end = asyncio.ensure_future(self._wait())

    @classmethod
    async def start(
        cls, *, cwd: Path, env: Mapping[str, str], sources: Iterable[str], name: str = WATCHED
    ) -> ForkedKernel:
        """Fork a kernel in `cwd` for a notebook of these cells; Unsafe where that must not be.

        `name` is what the process is called; one that is not WATCHED sees no request to stop.
        """
        parent = zygote(env, cwd)
        folder = Path(tempfile.mkdtemp(prefix="lab-"))
        mark = new_mark()
        ours, theirs = packets.pair()
        reading, lifeline = os.pipe()
        errors = os.open(folder / "stderr", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)
        try:
            request = {
                "env": {**env, MARKER: mark, "JPY_PARENT_PID": str(os.getpid())},
                "cwd": str(cwd),
                "argv": [__file__],
                "name": name,
            }
            status = _Status(
                parent.fork(
                    request,
                    (reading, errors, theirs.fileno()),
                    door="cells",
                    mark=f"{MARKER}={mark}",
                    modules=wanted(sources),
                )
            )
            await status.started()
        except BaseException:
            os.close(lifeline)
            ours.close()
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            theirs.close()
            os.close(reading)
            os.close(errors)
        kernel = cls(parent, status, packets.Channel(ours), folder, mark)
        kernel.lifeline = lifeline
        return kernel

    async def _wait(self) -> exits.Exit:
        try:
            told = await self._status.ended()
        finally:
            self._status.close()  # not earlier: a closed socket never says that it was closed
        if told is not None:
            return told
        while process_started(self.pid) is not None:  # the zygote was killed; the kernel goes on
            await asyncio.sleep(_LOOK)
        return exits.Exit(-signal.SIGKILL)

    def _remove(self) -> None:
        if not self.zygote.alive:
            kill_marked(f"{MARKER}={self._mark}")  # else the zygote sees to it
        self.channel.close()


class _Status:
    """What a zygote tells of one kernel."""

    pid = 0

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end
        self._rest = b""

    async def started(self) -> None:
        """Wait for the process; Unsafe when there will be none."""
        try:
            word, _, what = (await self._line()).partition(" ")
            if word != "pid":
                raise Unsafe(what or "the process they are forked from has died")
            self.pid = int(what)
        except BaseException:
            self.close()
            raise

    async def ended(self) -> exits.Exit | None:
        """Wait for its end; None when nobody will tell of it."""
        word, _, what = (await self._line()).partition(" ")
        return exits.heard(what) if word == "exit" else None

    def close(self) -> None:
        self._socket.close()

    async def _line(self) -> str:
        loop = asyncio.get_running_loop()
        while b"\n" not in self._rest:
            with contextlib.suppress(ConnectionError):
                if data := await loop.sock_recv(self._socket, 4096):
                    self._rest += data
                    continue
            return ""
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()
