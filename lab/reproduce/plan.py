"""What to execute to repeat a run, and in what that will differ from it."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.errors import InputError, ParameterError
from lab.notebook.contract import locate, read_schema
from lab.record.capture import packages_text
from lab.record.catalogue import find_run
from lab.record.fingerprint import code_sha256, data_cache, data_sha256, notebook_sha256
from lab.record.liveness import host_name
from lab.record.machine import machine
from lab.record.redact import REDACTED
from lab.record.run import Run
from lab.reproduce.git import Repository
from lab.reproduce.packages import package_changes, parse_packages, recorded_packages, told
from lab.workspace import Workspace


@dataclass(frozen=True)
class Plan:
    """The notebook and its full parameters; `differences` are sentences for a person."""

    of: Run
    notebook: Path
    params: dict[str, Any]
    tags: tuple[str, ...]
    differences: tuple[str, ...]


def plan(
    run: Run,
    changes: Mapping[str, str],
    workspace: Workspace,
    *,
    source: Workspace | None = None,
) -> Plan:
    """How to repeat `run` with `changes` to its parameters as typed.

    `source` is the workspace whose notebook and code are taken, where that is not `workspace`.
    Raises InputError where the run has no notebook there, or a parameter of it was a secret, which
    no run records: that one has to be given anew.
    """
    if run.notebook is None:
        raise InputError(
            f"Run {run.id} did not come from a notebook of this workspace",
            do="Run the notebook itself: lab run NOTEBOOK.",
        )
    place = source or workspace
    notebook = place.root / run.notebook if source else locate(run.notebook, place)
    schema = read_schema(notebook, place)
    changed = schema.coerce(changes, text=True)
    kept = {name: value for name, value in run.params.items() if name in schema.names}
    params = schema.coerce(kept | {name: changed[name] for name in changes})
    hidden = [name for name, value in params.items() if value == REDACTED]
    if hidden:
        raise ParameterError(
            f"Run {run.id} had secret parameters, which are not recorded",
            seen=", ".join(hidden),
            do="Give them again: " + " ".join(f"-p {name}=VALUE" for name in hidden) + ".",
        )
    new = [name for name in schema.names if name not in run.params and name not in changes]
    told = [f"New parameters take their defaults: {', '.join(new)}."] if new else []
    if not source:
        told = [*_of_source(run, notebook, workspace), *told]
    told += [*_of_environment(run), *_of_data(run, workspace)]
    return Plan(run, notebook, params, run.tags, tuple(told))


def find_plan(
    run_id: str, changes: Mapping[str, str] | None = None, workspace: Workspace | None = None
) -> Plan:
    """The plan for the run of that id with the source as it is now. Raises RunNotFound too."""
    place = workspace or Workspace.find()
    return plan(find_run(place, run_id), changes or {}, place)


def _of_source(run: Run, notebook: Path, workspace: Workspace) -> Iterator[str]:
    changed = [
        what
        for what, key, now in (
            ("notebook", "notebook_sha256", notebook_sha256(notebook)),
            ("code", "code", code_sha256(workspace)),
        )
        if run.record.get(key) != now
    ]
    if not changed:
        return
    sha = (run.record.get("git") or {}).get("sha")
    have = "has" if len(changed) == 1 else "have"
    text = f"The {' and the '.join(changed)} {have} changed since {run.id}"
    repository = Repository.of(workspace.root)
    if sha and repository is not None and repository.has(sha):
        yield f"{text}; --source runs what it was."
    elif sha:
        yield f"{text}, and its commit {sha[:10]} is not in this repository."
    else:
        yield f"{text}, and what it was is in no commit."


def _of_environment(run: Run) -> Iterator[str]:
    python, host = run.record.get("python"), run.record.get("host")
    if python not in (None, platform.python_version()):
        yield f"Python is {platform.python_version()}, was {python}."
    if host not in (None, host_name()):
        yield f"This machine is {host_name()}, it ran on {host}."
    was, now = run.record.get("machine") or {}, machine()
    if differ := [f"{k} {now[k]}, was {was[k]}" for k in now if was.get(k, now[k]) != now[k]]:
        yield f"Its hardware differs: {'; '.join(differ)}."
    before = recorded_packages(run.path.packages)
    if found := package_changes(before, parse_packages(packages_text())):
        yield f"Packages differ: {told(found)}."


def _of_data(run: Run, workspace: Workspace) -> Iterator[str]:
    for source in run.record.get("data") or []:
        if not source.get("path"):
            continue
        path = workspace.root / source["path"]
        noted = source.get("content", source["sha256"])
        try:
            if data_sha256(path, cache=data_cache(workspace.runs)) != noted:
                yield f"The data {source['name']} have changed: {path}."
        except OSError:
            yield f"The data {source['name']} are not there: {path}."
