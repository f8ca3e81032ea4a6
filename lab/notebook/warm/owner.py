"""The owner's side of a zygote: it is started when first needed, replaced when it has become stale.

One zygote serves a process. What it has imported must be what a kernel started now would import,
so one whose packages, or whose settings in the environment, have changed since is given up.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import lab
from lab.notebook.warm import preload

SWITCH = "LAB_WARM"  # "off": every kernel starts cold
MARKER = "LAB_KERNEL"  # every process of a kernel has this in its environment

# Variables that no import reads, or that are applied after the fork.
_OWN = (
    "LAB_",
    "PYTEST_",
    "JPY_",
    "JUPYTER_",
    "KERNEL_",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)
_INDIFFERENT = {"PWD", "OLDPWD", "SHLVL", "_", "COLUMNS", "LINES", "MPLBACKEND", "SLURM_JOB_ID"}

_log = logging.getLogger("lab")


class Unsafe(Exception):
    """A kernel cannot be forked, for the reason given; it has to be started."""


class Zygote:
    """A running zygote."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.key = _key(env)
        self.owner = os.getpid()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        reading, self._lifeline = os.pipe()
        try:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "lab.notebook.warm.zygote"),
                    *(str(theirs.fileno()), str(reading)),
                ],
                # OpenBLAS starts its threads when it is loaded: none here, as many as asked later.
                env={**env, "OPENBLAS_NUM_THREADS": "1"},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), reading),
                start_new_session=True,
            )
        except BaseException:
            os.close(self._lifeline)
            self._control.close()
            raise
        finally:
            theirs.close()
            os.close(reading)

    def fork(
        self,
        request: Mapping[str, object],
        descriptors: Iterable[int],
        *,
        door: str,
        mark: str,
        modules: Iterable[str],
    ) -> socket.socket:
        """Ask for a kernel; the socket on which its process id and its end will be told.

        `request` is its env, cwd and argv; `descriptors` are its lifeline, the file for what it
        prints past its cells, and its channel. Unsafe when the zygote is gone.
        """
        status, theirs = socket.socketpair()
        message = json.dumps({"door": door, "mark": mark, "modules": sorted(modules)}).encode()
        try:
            with _readable(json.dumps(request).encode()) as file:
                socket.send_fds(self._control, [message], [theirs.fileno(), file, *descriptors])
        except OSError as error:
            status.close()
            raise Unsafe("the process they are forked from has died") from error
        finally:
            theirs.close()
        return status

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ended(self) -> bool:
        """Whether it has ended; then nothing is left of it here either."""
        if not self.alive:
            self.close()
        return not self.alive

    @property
    def pid(self) -> int:
        return self._process.pid

    def retire(self) -> None:
        """Ask for no more kernels: it ends with the last that it has."""
        self._control.close()

    def close(self) -> None:
        """End it, with every kernel it has."""
        with contextlib.suppress(OSError):
            os.close(self._lifeline)
        self._control.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)


def zygote(env: Mapping[str, str], cwd: Path) -> Zygote:
    """The zygote of this process for a kernel with this environment; Unsafe where there is none."""
    global _zygote
    if why := _unfit(env, cwd):
        raise Unsafe(why)
    with _lock:
        known = _zygote
        if known is not None and known.owner != os.getpid():
            known = _zygote = None  # our parent's
        if known is not None and (not known.alive or known.key != _key(env)):
            known.retire()
            _retired[:] = [one for one in (*_retired, known) if not one.ended()]
            known = None
        if known is None:
            known = _zygote = Zygote(env)
        return known


def say_cold(why: object) -> None:
    """Tell once, for each reason, that kernels start cold."""
    if str(why) not in _said:
        _said.add(str(why))
        _log.warning("Notebooks start with a cold kernel here: %s.", why)


def new_mark() -> str:
    """What tells the processes of one kernel from all others."""
    return secrets.token_hex(8)


def _unfit(env: Mapping[str, str], cwd: Path) -> str | None:
    """Why kernels of this process cannot be forked, if so."""
    if env.get(SWITCH, "").lower() in ("off", "0", "no", "false"):
        return f"{SWITCH} is {env[SWITCH]}"
    if sys.platform != "linux":
        return "forking is only known to be safe on Linux"
    if any(part and not Path(part).is_absolute() for part in env.get("PYTHONPATH", "").split(":")):
        return "PYTHONPATH names folders relative to where one stands"
    if sys.gettrace() is not None:
        return "a debugger or a coverage tool traces this process"
    if name := preload.shadowed(cwd):
        return f"{name} beside the notebook stands for another package of that name"
    return None


def _key(env: Mapping[str, str]) -> tuple[object, ...]:
    """What a zygote depends on: interpreter, packages, `lab` itself, and its environment."""
    settings = {
        name: value
        for name, value in env.items()
        if name not in _INDIFFERENT and not name.startswith(_OWN)
    }
    return (sys.executable, tuple(sorted(settings.items())), _packages(), _own_sources())


def _packages() -> tuple[object, ...]:
    # Installing or removing a package changes the modification time of its folder.
    folders = [Path(entry) for entry in sys.path if entry.endswith(("-packages", ".egg"))]
    return tuple((str(f), f.stat().st_mtime_ns) for f in folders if f.is_dir())


def _own_sources() -> tuple[object, ...]:
    return tuple(sorted(_modules(str(Path(lab.__file__).parent))))


def _modules(folder: str) -> Iterator[tuple[str, int, int]]:
    """Each module in and below `folder`: its path, modification time and size.

    Asked before every kernel, so without a Path for each of some hundred files.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                status = entry.stat()
                yield entry.path, status.st_mtime_ns, status.st_size
            elif entry.name != "__pycache__" and entry.is_dir():
                yield from _modules(entry.path)


@contextlib.contextmanager
def _readable(data: bytes) -> Iterator[int]:
    """A descriptor from which `data` can be read, however many; no file system is touched."""
    descriptor = os.memfd_create("lab-request")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


def _close() -> None:
    for one in (_zygote, *_retired):
        if one is not None and one.owner == os.getpid():
            one.close()


_lock = threading.Lock()
_zygote: Zygote | None = None
_retired: list[Zygote] = []
_said: set[str] = set()
atexit.register(_close)
