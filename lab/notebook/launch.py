"""What a kernel process runs: an ordinary IPython kernel that dies with whoever started it.

    python -m lab.notebook.launch LIFELINE -f CONNECTION_FILE ...

LIFELINE is the reading end of a pipe whose other end only the executor holds. When the executor
is killed the pipe closes, and a process that waits for that ends the kernel with all it started.
A thread of the kernel could not while a cell computes in C and holds the interpreter; waiting for
a changed parent, as kernels do by themselves, would leave the children behind.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

from lab.notebook.imports import without
from lab.notebook.leftovers import kill_marked
from lab.notebook.warm.owner import MARKER

_LAST_FLUSH = 0.1  # seconds


def main() -> None:
    """Start the kernel; returns when it has been shut down."""
    lifeline = int(sys.argv.pop(1))
    _be_watched(lifeline)
    # `-m` put the working directory first on the path; a stray zmq.py there must not be imported.
    # IPython adds it again once the kernel's own imports are done.
    if sys.path and sys.path[0] in ("", str(Path.cwd())):
        del sys.path[0]
    # Nobody attaches a debugger to a headless kernel, and importing one takes a tenth of its start.
    with without("debugpy"):
        from ipykernel.kernelapp import IPKernelApp
        from ipykernel.kernelbase import Kernel
    app = IPKernelApp.instance()
    Kernel._progressively_terminate_all_children = _before_closing  # type: ignore[method-assign]
    app.initialize()  # type: ignore[no-untyped-call]
    app.start()  # type: ignore[no-untyped-call]


async def _before_closing(_: object) -> None:
    """What the kernel does first when it is asked to shut down, instead of ending its children.

    The executor kills the children that are left; the kernel would wait for them, for up to
    fourteen seconds each time, before its exit handlers run.
    """
    from ipykernel.iostream import OutStream

    # While the kernel closes, one of its threads may flush to another that has just ended, and
    # would wait its whole timeout of ten seconds for nothing.
    OutStream.flush_timeout = _LAST_FLUSH  # type: ignore[assignment]


def _be_watched(lifeline: int) -> None:
    """Start the process that ends this one, and what it leaves, when the lifeline does.

    It is nobody's child, so that a cell that waits for its children does not wait for it.
    """
    kernel = os.getpid()
    if between := os.fork():
        os.waitpid(between, 0)
        os.close(lifeline)
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    os.closerange(0, lifeline)
    os.closerange(lifeline + 1, os.sysconf("SC_OPEN_MAX"))
    with contextlib.suppress(OSError):
        os.read(lifeline, 1)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(kernel, signal.SIGKILL)
    with contextlib.suppress(KeyError):
        kill_marked(f"{MARKER}={os.environ[MARKER]}")
    os._exit(0)


if __name__ == "__main__":
    main()
