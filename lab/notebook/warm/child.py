"""What a forked process does to become a kernel of its own."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import importlib
import json
import os
import signal
import socket
import sys
import threading
from typing import Any, TextIO

# Imported before the fork, so that the kernel need not.
from lab.notebook.warm import cells, preload

_PR_SET_NAME = 15


def become(door: str, descriptors: list[int], pools: Any, mouth: int) -> int:
    """Run the kernel that was asked for; its exit code.

    The descriptors are those of the request, a lifeline, a file for what is printed past the
    cells, and the channel of a kernel that runs cells, else a pipe to close when ready. What it
    has imported is told to `mouth`, for the kernels to come. Its process leads a group of its own,
    and its environment, working directory, random numbers and threads are those of a process that
    has just been started.
    """
    os.setsid()
    asked, lifeline, errors, *channel = descriptors
    own = _standard_streams(errors)
    if door == "cells":
        _print_to(own, own)  # past the capture of 1 and 2
    else:
        _print_to(1, 2)  # ipykernel captures the descriptors of what it finds here
    with os.fdopen(asked, "rb") as file:
        request = json.load(file)
    ctypes.CDLL(None).prctl(_PR_SET_NAME, request["name"].encode(), 0, 0, 0)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    sys.argv = request["argv"]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    preload.cap_threads(pools, request["env"])
    preload.reseed()
    importlib.invalidate_caches()
    threading.Thread(target=_die_with, args=(lifeline,), daemon=True, name="lifeline").start()
    with contextlib.suppress(SystemExit):
        if door == "cells":
            cells.serve(socket.socket(fileno=channel[0]))
        else:
            from lab.notebook.warm.jupyter import serve

            serve(channel[0])
    with contextlib.suppress(OSError):
        os.write(mouth, "".join(f"{name} " for name in preload.loaded()).encode())
    _leave()
    return 0


def _standard_streams(errors: int) -> int:
    """No input; what is printed past the kernel goes to the file `errors`; another one for it."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (errors, 1), (errors, 2)):
        os.dup2(source, target)
    own = os.dup(errors)  # descriptor 2 will be captured; a crash is to be told in the file
    os.close(nothing)
    os.close(errors)
    sys.stdin = os.fdopen(0, closefd=False)
    faulthandler.enable(file=own)
    return own


def _print_to(out: int, errors: int) -> None:
    sys.stdout = sys.__stdout__ = _file(out)  # type: ignore[assignment,misc]
    sys.stderr = sys.__stderr__ = _file(errors)  # type: ignore[assignment,misc]


def _file(descriptor: int) -> TextIO:
    return os.fdopen(descriptor, "w", buffering=1, closefd=False)


def _die_with(lifeline: int) -> None:
    with contextlib.suppress(OSError):
        os.read(lifeline, 1)
    os.killpg(0, signal.SIGKILL)


def _leave() -> None:
    """What an interpreter does at its end, but for taking itself to pieces."""
    import atexit

    with contextlib.suppress(BaseException):
        threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    gc.collect()  # files that the cells left open are written
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with contextlib.suppress(Exception):
            stream.flush()  # type: ignore[union-attr]
