"""Running a recorded run again: the same notebook and parameters, and what has changed since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.errors import InputError, ParameterError
from lab.notebook.contract import locate, read_schema
from lab.record.catalogue import find_run
from lab.record.fingerprint import code_sha256, notebook_sha256
from lab.record.redact import REDACTED
from lab.record.run import Run
from lab.workspace import Workspace


@dataclass(frozen=True)
class Rerun:
    """What to execute to repeat `of`, and in what it will differ from it."""

    of: Run
    notebook: Path
    params: dict[str, Any]
    tags: tuple[str, ...]
    differences: tuple[str, ...]


def rerun_plan(
    run_id: str, changes: Mapping[str, str] | None = None, workspace: Workspace | None = None
) -> Rerun:
    """How to repeat the run `run_id`, with `changes` to its parameters as typed.

    Raises RunNotFound, or InputError where the run has no notebook here or a parameter of it was a
    secret, which no run records: that one has to be given anew.
    """
    place = workspace or Workspace.find()
    run = find_run(place, run_id)
    if run.notebook is None:
        raise InputError(
            f"Run {run.id} did not come from a notebook of this workspace",
            do="Run the notebook itself: lab run NOTEBOOK.",
        )
    notebook = locate(run.notebook, place)
    schema = read_schema(notebook, place)
    changed = schema.coerce(changes or {}, text=True)
    kept = {name: value for name, value in run.params.items() if name in schema.names}
    params = schema.coerce(kept | {name: changed[name] for name in changes or {}})
    hidden = [name for name, value in params.items() if value == REDACTED]
    if hidden:
        raise ParameterError(
            f"Run {run.id} had secret parameters, which are not recorded",
            seen=", ".join(hidden),
            do="Give them again: " + " ".join(f"-p {name}=VALUE" for name in hidden) + ".",
        )
    return Rerun(run, notebook, params, run.tags, _differences(run, notebook, schema.names, place))


def _differences(
    run: Run, notebook: Path, names: list[str], workspace: Workspace
) -> tuple[str, ...]:
    found = []
    if run.record.get("notebook_sha256") != notebook_sha256(notebook):
        found.append(f"The notebook has changed since {run.id}.")
    if run.record.get("code") != code_sha256(workspace):
        found.append(f"The code has changed since {run.id}.")
    missing = [name for name in names if name not in run.params]
    if missing:
        found.append(f"New parameters take their defaults: {', '.join(missing)}.")
    return tuple(found)
