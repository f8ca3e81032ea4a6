"""The process that kernels are forked from: the imports are done, nothing else has happened.

    python -m lab.notebook.warm.zygote CONTROL LIFELINE

It has one thread, no GPU context and no module of the workspace; where that would not be so, it
refuses to fork. CONTROL is a socket on which the owner asks for a kernel, with the descriptors it
is to have. LIFELINE is the reading end of a pipe that only the owner holds: when it closes, every
kernel and all that kernels have started are killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from lab.notebook.imports import without
from lab.notebook.leftovers import has_mark
from lab.notebook.warm import exits, preload

_PR_SET_CHILD_SUBREAPER = 36
_REQUEST = 65_536  # bytes of a request on the control socket
_DESCRIPTORS = 5  # status, request, lifeline, errors, and a channel (see child.py)


@dataclass
class _Child:
    status: socket.socket  # the owner is told of the end here
    mark: str  # NAME=VALUE in the environment of what the kernel starts


class _Zygote:
    def __init__(self, control: socket.socket, lifeline: int) -> None:
        self._control = control
        self._lifeline = lifeline
        self._children: dict[int, _Child] = {}
        self._dead: set[str] = set()  # marks of kernels that have ended
        self._poll = select.poll()
        self._retired = False  # the owner asks for no more kernels
        self._imported: set[str] = set()
        self._pools: Any = None
        self._wanted: set[str] = set()  # what kernels have imported, for those to come
        self._bell, self._rope = _pipe()
        self._ear, self._mouth = _pipe()
        signal.set_wakeup_fd(self._rope, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def run(self) -> NoReturn:
        """Serve until the owner is gone, or has no more use for it and its kernels have ended."""
        poll = self._poll
        for descriptor in (self._control.fileno(), self._lifeline, self._bell, self._ear):
            poll.register(descriptor, select.POLLIN)
        while self._children or not self._retired:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self._lifeline in ready:
                self._die()
            if self._bell in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._bell, 4096)
                self._reap()
            if self._ear in ready:
                self._learn()
            if self._control.fileno() in ready:
                self._serve()
        self._die()

    def _serve(self) -> None:
        data, descriptors, _, _ = socket.recv_fds(self._control, _REQUEST, _DESCRIPTORS)
        if not data:
            self._retired = True
            self._poll.unregister(self._control)
            return
        request = json.loads(data)
        status = socket.socket(fileno=descriptors[0])
        self._prepare(set(request["modules"]))
        if why := _unsafe():
            _say(status, "no", why)
            for descriptor in descriptors[1:]:
                os.close(descriptor)
            status.close()
            return
        # What is here now is nobody's garbage; a child need not look at it, nor copy its pages.
        gc.collect()
        gc.freeze()
        pid = os.fork()
        if pid == 0:
            status.close()
            self._become(request, descriptors[1:])
        for descriptor in descriptors[1:]:
            os.close(descriptor)
        self._children[pid] = _Child(status, request["mark"])
        _say(status, "pid", pid)

    def _learn(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wanted |= set(os.read(self._ear, 65_536).decode().split())

    def _prepare(self, names: set[str]) -> None:
        """Import what the next kernel, or one before it, has use for."""
        if new := (names | self._wanted) - self._imported:
            self._imported |= new
            preload.preload(new)
            self._pools = preload.thread_pools()

    def _become(self, request: dict[str, Any], descriptors: list[int]) -> NoReturn:
        """Be the kernel from here on."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in (self._bell, self._rope, self._ear, self._lifeline):
                os.close(descriptor)
            self._control.close()
            for child in self._children.values():
                child.status.close()
            from lab.notebook.warm.child import become

            code = become(request["door"], descriptors, self._pools, self._mouth)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)

    def _reap(self) -> None:
        """Tell of every kernel that has ended; end what it left behind."""
        while (ended := _ended()) is not None:
            pid, told = ended
            if (child := self._children.pop(pid, None)) is not None:
                self._dead.add(child.mark)
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
            self._sweep()
            if child is not None:
                _say(child.status, "exit", told)
                child.status.close()

    def _sweep(self) -> None:
        """Kill what dead kernels have left: orphans become children of ours.

        One that has no mark (a fork of a fork) is known to be left over once no kernel runs.
        """
        for pid in _children():
            if pid not in self._children and (
                not self._children or any(has_mark(pid, mark) for mark in self._dead)
            ):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
        if not self._children:
            self._dead.clear()

    def _die(self) -> NoReturn:
        for pid in list(self._children):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        while left := _children():  # what they leave becomes ours, generation after generation
            for pid in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.wait()
        os._exit(0)


def _ended() -> tuple[int, str] | None:
    """A child that has ended, and what is told of it (see `exits`); None when there is no other."""
    with contextlib.suppress(ChildProcessError):
        pid, status, usage = os.wait4(-1, os.WNOHANG)
        if pid:
            return pid, exits.tell(status, usage)
    return None


def _pipe() -> tuple[int, int]:
    """A pipe whose ends never block."""
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    return ends


def _unsafe() -> str | None:
    """Why this process must not be forked, if so."""
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        return "one of the packages has started a thread"
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return "CUDA is initialised"
    return None


def _children() -> list[int]:
    with contextlib.suppress(OSError):
        pid = os.getpid()
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _say(status: socket.socket, word: str, what: object) -> None:
    with contextlib.suppress(OSError):  # the owner is gone
        status.sendall(f"{word} {what}\n".encode())


def main() -> None:
    control, lifeline = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    # `-m` put the working directory first on the path; what is there belongs to nobody here.
    if sys.path and sys.path[0] in ("", str(Path.cwd())):
        del sys.path[0]
    for descriptor in (control.fileno(), lifeline):
        os.set_inheritable(descriptor, False)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    os.environ.setdefault("MPLBACKEND", preload.INLINE)
    with without("rfc3987_syntax"):
        for module in preload.BASE:
            importlib.import_module(module)
        importlib.import_module("lab.notebook.warm.child")
        preload.rehearse()
    _Zygote(control, lifeline).run()


if __name__ == "__main__":
    main()
