"""A folder in which runs are made whole before they appear among the others."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType

from lab.errors import InputError
from lab.record.catalogue import ARCHIVE
from lab.record.paths import claim_folder

Claim = Callable[[], Path]

_PREFIX = ".import-"
_YOUNG = 60.0  # seconds


@dataclass
class Staging:
    """Runs on their way in. All of them appear in `runs` when `publish` returns, or none does.

    It lies in the runs folder, so that a run appears by one rename: killed between two of these,
    an import leaves whole runs, and repeating it brings the rest. What a killed import left of its
    staging is removed by a later one.
    """

    runs: Path
    root: Path = field(init=False)
    _lock: int = field(init=False, default=-1)

    def __enter__(self) -> Staging:
        try:
            self.runs.mkdir(parents=True, exist_ok=True)
            _remove_leftovers(self.runs)
            self.root = self.runs / f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
            self.root.mkdir()
            self._lock = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        except OSError as error:
            self._close()
            raise InputError(
                "The runs folder cannot be written",
                seen=f"{self.runs} ({error.strerror})",
                do="Mend its permissions, free space, or point LAB_RUNS at another folder.",
            ) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def folder(self) -> Path:
        """An empty folder for one run."""
        made = self.root / secrets.token_hex(8)
        made.mkdir()
        return made

    def publish(self, claims: Sequence[tuple[Path, Claim]]) -> list[Path]:
        """Give each staged folder its place: a claim returns a new empty folder, made by it."""
        placed: list[tuple[Path, Path]] = []
        try:
            for staged, claim in claims:
                target = claim()
                placed.append((staged, target))
                staged.rename(target)  # onto an empty folder that only we know of
        except BaseException:
            for staged, target in reversed(placed):
                with contextlib.suppress(OSError):
                    if staged.exists():
                        target.rmdir()
                    else:
                        target.rename(staged)
            raise
        return [target for _, target in placed]

    def _close(self) -> None:
        if hasattr(self, "root"):
            shutil.rmtree(self.root, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def claim_exactly(runs: Path, run_id: str) -> Path:
    """The folder of that id, which nobody has yet. Raises InputError where somebody does."""
    target = runs / run_id
    taken = (runs / ARCHIVE / run_id).exists()
    if not taken:
        try:
            target.mkdir()
        except FileExistsError:
            taken = True
    if taken:
        raise InputError("A run of that id has appeared meanwhile", seen=run_id, do="Import again.")
    return target


def claim_free(runs: Path, started: datetime | None, slurm_job_id: str | None = None) -> Path:
    """A new, empty folder with the next free id of the second `started` (default: this one)."""
    passed = []
    try:
        while True:
            paths = claim_folder(runs, now=started, slurm_job_id=slurm_job_id or None)
            if not (runs / ARCHIVE / paths.id).exists():
                return paths.root
            passed.append(paths.root)  # held until the end, so that the next number is tried
    finally:
        for folder in passed:
            folder.rmdir()


def _remove_leftovers(runs: Path) -> None:
    for folder in runs.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime < _YOUNG:
                continue  # another import may just be about to lock it
            lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
