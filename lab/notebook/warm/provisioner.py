"""`lab-warm`: the kernels that Jupyter's own tools start are forked, too.

A kernel provisioner of jupyter_client. The kernelspec names it, notebooks do not, so it serves
whatever runs the notebooks of this environment: papermill, nbmake, JupyterLab.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from lab.notebook.kernel import socket_folder
from lab.notebook.leftovers import kill_marked
from lab.notebook.warm import exits
from lab.notebook.warm.owner import MARKER, Unsafe, new_mark, say_cold, zygote
from lab.record.liveness import process_started

_LAUNCHER = "ipykernel_launcher"
_START = 10.0  # seconds that a kernel may take until its sockets are there
_POLL = 0.1  # seconds between Jupyter's looks at a kernel that it has asked to end


class WarmProvisioner(LocalProvisioner):
    """Forks the kernel where that is safe, and starts it as any other where not."""

    process: Any
    _folder: Path | None = None
    _asked_to_end = False

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        manager = self.parent
        if manager is not None and self._folder is None and not any(manager.ports):
            # Sockets in a private folder: no two kernels can race for a port.
            self._folder = socket_folder()
            manager.cache_ports = False
            manager.transport, manager.ip = "ipc", str(self._folder / "k")
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        self._asked_to_end = False
        folder = Path(kwargs.get("cwd") or Path.cwd())
        try:
            env = kwargs.get("env") or os.environ
            self.process = ForkedProcess.start(_arguments(cmd), cwd=folder, env=env)
        except Unsafe as why:
            say_cold(why)
            return await super().launch_kernel(cmd, **kwargs)
        await self.process.ready()
        self.pid = self.pgid = self.process.pid
        self.cwd = folder
        return self.connection_info

    async def shutdown_requested(self, restart: bool = False) -> None:
        self._asked_to_end = True

    async def poll(self) -> int | None:
        code = await super().poll()
        if code is None and self._asked_to_end and isinstance(self.process, ForkedProcess):
            # Whoever asks now is waiting for the end, and looks again only after a while.
            await self.process.changed(_POLL)
            code = self.process.poll()
        return code

    async def cleanup(self, restart: bool = False) -> None:
        await super().cleanup(restart)
        if self._folder is not None and not restart:
            shutil.rmtree(self._folder, ignore_errors=True)


class ForkedProcess:
    """A forked kernel with the methods of subprocess.Popen that Jupyter uses."""

    stdin = stdout = stderr = None

    def __init__(self, status: socket.socket, lifeline: int, ready: int, mark: str) -> None:
        self._status = status
        self._ready = ready
        self._lifeline = lifeline
        self._mark = mark
        self._said = b""
        self.returncode: int | None = None
        while b"\n" not in self._said and (data := status.recv(4096)):
            self._said += data
        word, _, what = self._next_line().partition(" ")
        if word != "pid":
            self._close()
            raise Unsafe(what or "the process they are forked from has died")
        self.pid = int(what)
        status.setblocking(False)

    @classmethod
    def start(cls, argv: list[str], *, cwd: Path, env: Mapping[str, str]) -> ForkedProcess:
        """Fork a kernel that is given `argv`; Unsafe where that must not be."""
        parent = zygote(env, cwd)
        mark = new_mark()
        reading, lifeline = os.pipe()
        ready, theirs = os.pipe()
        errors = os.dup(2)
        try:
            own = {MARKER: mark, "JPY_PARENT_PID": str(os.getpid())}
            request = {"env": {**env, **own}, "cwd": str(cwd), "argv": argv, "name": "ipykernel"}
            status = parent.fork(
                request,
                (reading, errors, theirs),
                door="jupyter",
                mark=f"{MARKER}={mark}",
                modules=(),
            )
        except BaseException:
            os.close(lifeline)
            os.close(ready)
            raise
        finally:
            os.close(theirs)
            os.close(reading)
            os.close(errors)
        return cls(status, lifeline, ready, mark)

    async def ready(self) -> None:
        """Wait until clients can connect: one that came earlier would try again only later."""
        with contextlib.suppress(TimeoutError):
            await _readable(self._ready, _START)

    def poll(self) -> int | None:
        """The exit code, if the process has ended."""
        if self.returncode is not None:
            return self.returncode
        gone = False
        with contextlib.suppress(BlockingIOError):
            data = self._status.recv(4096)
            self._said += data
            gone = not data
        word, _, what = self._next_line().partition(" ")
        if word == "exit":
            self._end(exits.heard(what).code)
        elif gone and process_started(self.pid) is None:  # its zygote, too, so nobody knows how
            self._end(-signal.SIGKILL)
            kill_marked(f"{MARKER}={self._mark}")
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; its exit code."""
        while (code := self.poll()) is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(_LAUNCHER, timeout or 0.0)
        return code

    async def changed(self, timeout: float) -> None:
        """Wait until something is known about the end, at most `timeout` seconds."""
        with contextlib.suppress(TimeoutError):
            await _readable(self._status.fileno(), timeout)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _next_line(self) -> str:
        line, newline, rest = self._said.partition(b"\n")
        if not newline:
            return ""
        self._said = rest
        return line.decode()

    def _end(self, code: int) -> None:
        self.returncode = code
        self._close()

    def _close(self) -> None:
        self._status.close()
        os.close(self._lifeline)
        os.close(self._ready)


async def _readable(descriptor: int, timeout: float) -> None:
    """Wait until something is to be read, or has been closed; TimeoutError."""
    loop, news = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, news.set)
    try:
        await asyncio.wait_for(news.wait(), timeout)
    finally:
        loop.remove_reader(descriptor)


def _arguments(cmd: list[str]) -> list[str]:
    """What an IPython kernel is given on this command line; Unsafe where it is no such command."""
    python, *options = cmd
    if Path(python).absolute() != Path(sys.executable).absolute():
        raise Unsafe(f"the kernel is of another Python, {python}")
    if options[:2] != ["-m", _LAUNCHER]:
        raise Unsafe("the kernel is started by a command of its own")
    return [_LAUNCHER, *options[2:]]
