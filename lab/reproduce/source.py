"""The recorded source of a run, checked out beside the workspace for one rerun."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lab.errors import InputError
from lab.record.fingerprint import code_sha256, notebook_sha256
from lab.record.run import Run
from lab.reproduce.git import GitFailed, Repository, apply_patch, git
from lab.workspace import Workspace


@dataclass(frozen=True)
class Restored:
    """A workspace that holds the recorded source; its runs are those of the real one.

    `notes` tell in what it is not what ran.
    """

    workspace: Workspace
    notes: tuple[str, ...]


@contextlib.contextmanager
def restored_source(run: Run, workspace: Workspace) -> Iterator[Restored]:
    """The commit of `run` and the changes it had, in a temporary folder that is removed at the end.

    Kernels started meanwhile import the code from there. The checkout borrows the objects of the
    workspace's repository and writes nothing into it. Raises InputError where the source was not
    recorded, or its commit is not in this repository.
    """
    repository, sha = _found(run, workspace)
    with tempfile.TemporaryDirectory(prefix="lab-source-") as folder:
        top = Path(folder) / "source"
        try:
            git(Path(folder), "clone", "-q", "--shared", "-n", str(repository.top), str(top))
            git(top, "checkout", "-q", "--detach", sha)
            if run.path.diff.is_file():
                apply_patch(repository, top, run.path.diff)
        except GitFailed as error:
            raise InputError(
                f"The source of run {run.id} cannot be restored",
                seen=str(error),
                do=f"Look at commit {sha[:10]} and {workspace.relative(run.path.diff)}.",
            ) from None
        place = replace(Workspace.load(top / repository.prefix), runs=workspace.runs)
        _link_data(run, workspace, place)
        with _imported_from(place):
            yield Restored(place, tuple(_mismatches(run, place)))


def _found(run: Run, workspace: Workspace) -> tuple[Repository, str]:
    state = run.record.get("git") or {}
    repository, sha = Repository.of(workspace.root), state.get("sha")
    if repository is None or not sha:
        raise InputError(
            f"The source of run {run.id} was not recorded"
            if repository
            else "This workspace is in no git repository",
            do="Leave --source away: the rerun takes the source as it is now.",
        )
    if not repository.has(sha):
        branch = f" (branch {state['branch']})" if state.get("branch") else ""
        raise InputError(
            f"The commit of run {run.id} is not in this repository",
            seen=f"{sha}{branch}",
            do="Fetch it (git fetch --all), or leave --source away.",
        )
    return repository, sha


def _link_data(run: Run, workspace: Workspace, place: Workspace) -> None:
    """Let data that lie in the workspace, but not in git, be found in the checkout too."""
    for source in run.record.get("data") or []:
        path = source.get("path")
        if not path or Path(path).is_absolute() or ".." in Path(path).parts:
            continue
        there, here = workspace.root / path, place.root / path
        if there.exists() and not here.exists():
            here.parent.mkdir(parents=True, exist_ok=True)
            here.symlink_to(there.resolve())


def _mismatches(run: Run, place: Workspace) -> Iterator[str]:
    why = "something of it was neither in git nor in diff.patch"
    noted = run.record.get("code")
    if noted is not None and code_sha256(place) != noted:
        yield f"The restored code is not exactly what ran: {why}."
    noted, notebook = run.record.get("notebook_sha256"), run.notebook
    file = None if notebook is None else place.root / notebook
    if noted and file and file.is_file() and notebook_sha256(file) != noted:
        yield f"The restored notebook is not exactly what ran: {why}."


@contextlib.contextmanager
def _imported_from(place: Workspace) -> Iterator[None]:
    folders = list(dict.fromkeys(_import_folder(place.root, glob) for glob in place.code))
    before = os.environ.get("PYTHONPATH")
    # Kernels are forked only from a process that was started with the same PYTHONPATH.
    os.environ["PYTHONPATH"] = os.pathsep.join([*map(str, folders), *filter(None, [before])])
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def _import_folder(root: Path, glob: str) -> Path:
    """The folder whose packages a glob of code names: src of src/**/*.py."""
    parts = []
    for part in glob.split("/")[:-1]:
        if any(sign in part for sign in "*?["):
            break
        parts.append(part)
    folder = root.joinpath(*parts)
    while folder != root and (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder
