"""A real Slurm and a real Dask scheduler with workers, started on this machine for the tests."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import PATIENCE, until

SCRIPTS = Path(__file__).parents[1] / "slurm"


@contextlib.contextmanager
def slurm_cluster() -> Iterator[None]:
    """Three nodes; the commands of Slurm find them meanwhile. Skips where that cannot be.

    Its folder is not one of pytest's, whose paths can be too long for the sockets of Slurm.
    """
    missing = [
        name
        for name in ("slurmctld", "slurmd", "sbatch", "munged")
        if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None
    ]
    if missing:
        pytest.skip(f"no Slurm here (without {', '.join(missing)})")
    with (
        # Ended daemons may still be writing their last words.
        tempfile.TemporaryDirectory(prefix="slurm", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        up = subprocess.run(
            [SCRIPTS / "up.sh", folder],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if up.returncode != 0:
            pytest.skip(f"Slurm cannot be started here: {up.stderr.strip()[-300:]}")
        patch.setenv("SLURM_CONF", f"{folder}/slurm.conf")
        try:
            yield
        finally:
            subprocess.run([SCRIPTS / "down.sh", folder], timeout=PATIENCE, check=False)


class DaskCluster:
    """A scheduler and workers of one thread each, every one a process."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "scheduler.json"
        self._folder = folder
        self.workers: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start(
            "scheduler", "--port", "0", "--no-dashboard", "--dashboard-address", ":0"
        )

    @property
    def address(self) -> str:
        import json

        return str(json.loads(self._file.read_text())["address"])

    def add_worker(self) -> None:
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0")
        self.workers.append(self._start("worker", *options))

    def wait_for_workers(self, count: int) -> None:
        from distributed import Client

        with Client(self.address, timeout=PATIENCE, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=PATIENCE)

    def stop(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def _start(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}"]
        with (self._folder / "dask.log").open("ab") as log:
            process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--scheduler-file", str(self._file), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
            )
        if what == "scheduler":
            until(self._file.exists)
        return process


@contextlib.contextmanager
def dask_cluster(folder: Path, *, workers: int) -> Iterator[DaskCluster]:
    """A Dask with its workers there, which know nothing of a workspace of whoever starts them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("LAB_")]:
            patch.delenv(name)
        cluster = DaskCluster(folder)
        try:
            for _ in range(workers):
                cluster.add_worker()
            cluster.wait_for_workers(workers)
            yield cluster
        finally:
            cluster.stop()
