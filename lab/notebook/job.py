"""A job: what an executor is asked to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.notebook.contract import locate, read_schema
from lab.workspace import Workspace


@dataclass(frozen=True)
class Job:
    """One run to be: `params` are full and validated, `timeout` is in seconds."""

    notebook: Path
    params: Mapping[str, Any]
    name: str | None = None
    tags: tuple[str, ...] = ()
    suite: Mapping[str, Any] | None = field(default=None)  # {name, arm, index, matrix}
    sweep: Mapping[str, Any] | None = field(default=None)  # {study, trial}
    timeout: float | None = None
    slurm: Mapping[str, Any] | None = field(default=None)  # resources, as `executors.resources`
    answered: bool = False  # whether a sweep answers its reports (see `record.pruning`)

    @classmethod
    def check(
        cls,
        notebook: Path | str,
        params: Mapping[str, object],
        *,
        workspace: Workspace,
        text: bool = False,
        **rest: Any,
    ) -> Job:
        """The job of running `notebook` with these values; an InputError if that cannot be."""
        path = locate(notebook, workspace)
        return cls(path, read_schema(path, workspace).coerce(params, text=text), **rest)
