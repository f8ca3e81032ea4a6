"""Every path of a run, and how a run folder comes to be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lab.errors import InputError


@dataclass(frozen=True)
class RunPaths:
    """The files of the run in `root`; no other module joins path strings."""

    root: Path

    @property
    def id(self) -> str:
        return self.root.name

    @property
    def record(self) -> Path:
        return self.root / "run.json"

    @property
    def params(self) -> Path:
        return self.root / "params.json"

    @property
    def metrics(self) -> Path:
        return self.root / "metrics.jsonl"

    @property
    def summary(self) -> Path:
        return self.root / "summary.json"

    @property
    def notebook(self) -> Path:
        return self.root / "notebook.ipynb"

    @property
    def heartbeat(self) -> Path:
        return self.root / "heartbeat"

    @property
    def resources(self) -> Path:
        """What the run used, sampled now and then (see `record.resources`)."""
        return self.root / "resources.jsonl"

    @property
    def stop(self) -> Path:
        """There while somebody wants the run to stop (see `record.stop`)."""
        return self.root / "stop"

    @property
    def report(self) -> Path:
        """The value that a trial reported last (see `record.pruning`)."""
        return self.root / "report.json"

    @property
    def answer(self) -> Path:
        """What the sweep says to it; there while a sweep listens."""
        return self.root / "answer.json"

    @property
    def packages(self) -> Path:
        return self.root / "environment" / "packages.txt"

    @property
    def diff(self) -> Path:
        return self.root / "environment" / "diff.patch"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints"

    @property
    def figures(self) -> Path:
        return self.root / "figures"

    @property
    def artifacts(self) -> Path:
        return self.root / "artifacts"


def claim_folder(
    runs: Path, *, now: datetime | None = None, slurm_job_id: str | None = None
) -> RunPaths:
    """A new, empty folder under `runs` that no other process can have.

    20260120_231502        # UTC start
    20260120_231502-2      # the second run of that second
    20260120_231502-2_j71  # the same, in Slurm job 71
    """
    stamp = (now or datetime.now(UTC)).astimezone(UTC).strftime("%Y%m%d_%H%M%S")
    suffix = f"_j{slurm_job_id}" if slurm_job_id else ""
    try:
        runs.mkdir(parents=True, exist_ok=True)
        attempt = 1
        while True:
            folder = runs / (stamp + (f"-{attempt}" if attempt > 1 else "") + suffix)
            try:
                folder.mkdir()
            except FileExistsError:
                attempt += 1
            else:
                return RunPaths(folder)
    except OSError as error:
        raise InputError(
            "The runs folder cannot be written",
            seen=f"{runs} ({error.strerror})",
            do="Mend its permissions, free space, or point LAB_RUNS at another folder.",
        ) from None
