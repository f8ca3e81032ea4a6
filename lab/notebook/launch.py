"""What a kernel process runs: an ordinary IPython kernel that dies with whoever started it.

    python -m lab.notebook.launch LIFELINE -f CONNECTION_FILE ...

LIFELINE is the reading end of a pipe whose other end only the executor holds. When the executor
is killed the pipe closes, and the kernel ends at once with all its children, even when a cell is
busy. Waiting for a changed parent, as kernels do by themselves, would leave the children behind.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from pathlib import Path

from lab.notebook.imports import without

_LAST_FLUSH = 0.1  # seconds


def main() -> None:
    """Start the kernel; returns when it has been shut down."""
    lifeline = int(sys.argv.pop(1))
    os.set_inheritable(lifeline, False)
    threading.Thread(target=_die_with, args=(lifeline,), daemon=True, name="lifeline").start()
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


def _die_with(lifeline: int) -> None:
    with contextlib.suppress(OSError):
        os.read(lifeline, 1)
    if os.getpgrp() == os.getpid():  # the leader of its own group, as the executor starts it
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    main()
