"""A PostgreSQL server of a test's own, in a temporary folder."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_DEBIAN = "/usr/lib/postgresql"  # where its binaries are that are on no PATH


def binary(name: str) -> str | None:
    found = sorted(Path(_DEBIAN).glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(found[-1]) if found else None)


def why_not() -> str | None:
    """Why no server can be started here; None where one can."""
    if binary("initdb") is None or binary("postgres") is None:
        return "PostgreSQL is not installed (initdb, postgres)"
    if os.geteuid() == 0 and _other_user() is None:
        return "PostgreSQL refuses to run as root, and there is no other user"
    return None


def _other_user() -> pwd.struct_passwd | None:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    return None


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """The URL of an empty database; user `lab` with the password `secret`."""
    # Not under pytest's folder, which nobody but its owner may enter.
    with tempfile.TemporaryDirectory(prefix="lab-pg-") as folder:
        place = Path(folder)
        how: dict[str, Any] = {"cwd": folder, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}}
        if os.geteuid() == 0:
            user = _other_user()
            assert user is not None
            os.chown(place, user.pw_uid, user.pw_gid)
            how |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        (place / "pw").write_text("secret\n", encoding="utf-8")
        (place / "pw").chmod(0o644)
        data = str(place / "data")
        init = ["-U", "lab", "-A", "scram-sha-256", "-E", "UTF8", "--no-sync"]
        subprocess.run(
            [str(binary("initdb")), "-D", data, *init, "--pwfile", str(place / "pw")],
            check=True,
            capture_output=True,
            **how,
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        listens = ["-p", str(port), "-k", folder, "-c", "listen_addresses=127.0.0.1"]
        server = subprocess.Popen(
            [str(binary("postgres")), "-D", data, "-F", *listens],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **how,
        )
        try:
            url = f"postgresql://lab:secret@127.0.0.1:{port}/postgres"
            _wait(url)
            yield url
        finally:
            server.send_signal(signal.SIGINT)  # does not wait for its clients
            server.wait()


def _wait(url: str) -> None:
    import psycopg

    for _ in range(200):
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url):
            return
        time.sleep(0.05)
    raise AssertionError("PostgreSQL did not start")
