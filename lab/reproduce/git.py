"""The source of a recorded run in git: the commit with its patch, as a tree and as files."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.record.run import Run

_SECONDS = 120.0
_OWN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")


class GitFailed(Exception):
    """git could not do it; the message is the end of what it said."""


@dataclass(frozen=True)
class Repository:
    """The repository that holds a workspace, and where in it the workspace lies ("" or "a/b/")."""

    top: Path
    prefix: str

    @classmethod
    def of(cls, root: Path) -> Repository | None:
        """The repository around `root`; None without one, or without git."""
        try:
            top = git(root, "rev-parse", "--show-toplevel").strip()
            prefix = git(root, "rev-parse", "--show-prefix").strip()
        except GitFailed:
            return None
        return cls(Path(top), prefix)

    def has(self, sha: str) -> bool:
        """Whether the commit is here."""
        try:
            git(self.top, "cat-file", "-e", f"{sha}^{{commit}}")
        except GitFailed:
            return False
        return True


@dataclass(frozen=True)
class FileChange:
    """Lines added to and removed from a file; None where it is binary."""

    path: str
    added: int | None
    removed: int | None


class Trees:
    """Trees of recorded runs; the objects they need lie in a folder that is removed afterwards."""

    def __init__(self, repository: Repository, scratch: Path) -> None:
        objects = git(repository.top, "rev-parse", "--git-path", "objects").strip()
        self._repository = repository
        self._scratch = scratch
        (scratch / "objects").mkdir()
        self._env = {
            "GIT_OBJECT_DIRECTORY": str(scratch / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(repository.top / objects),
        }

    def of(self, run: Run) -> str:
        """The tree that the run was made from. Raises GitFailed."""
        sha = (run.record.get("git") or {}).get("sha")
        if not sha or not self._repository.has(sha):
            raise GitFailed(f"its commit {str(sha)[:10]} is not in this repository")
        env = self._env | {"GIT_INDEX_FILE": str(self._scratch / f"index-{run.id}")}
        self._git("read-tree", sha, env=env)
        if run.path.diff.is_file():
            apply_patch(self._repository, self._repository.top, run.path.diff, "--cached", env=env)
        return self._git("write-tree", env=env).strip()

    def changes(self, ends: tuple[str, str], paths: Sequence[str]) -> list[FileChange]:
        """What changed from the first tree to the second under these pathspecs."""
        text = self._git("diff", "--numstat", "-z", "--no-renames", *ends, "--", *paths)
        found = []
        for line in filter(None, text.split("\0")):
            added, removed, path = line.split("\t", 2)
            counts = (int(n) if n.isdigit() else None for n in (added, removed))
            found.append(FileChange(path.removeprefix(self._repository.prefix), *counts))
        return found

    def patch(self, ends: tuple[str, str], paths: Sequence[str]) -> str:
        """The same as text that `git apply` takes."""
        return self._git("diff", "--no-color", "--no-ext-diff", *ends, "--", *paths)

    def specs(self, globs: Sequence[str], *files: str | None) -> list[str]:
        """Pathspecs of the workspace's globs and files."""
        prefix = self._repository.prefix
        literal = [f":(literal){prefix}{file}" for file in files if file]
        return [*(f":(glob){prefix}{glob}" for glob in globs), *literal]

    def _git(self, *words: str, env: Mapping[str, str] | None = None) -> str:
        return git(self._repository.top, *words, env=self._env | dict(env or {}))


@contextlib.contextmanager
def opened_trees(root: Path) -> Iterator[Trees | None]:
    """The trees of the repository around `root`; None where there is none."""
    repository = Repository.of(root)
    if repository is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="lab-trees-") as scratch:
        yield Trees(repository, Path(scratch))


def apply_patch(
    repository: Repository,
    where: Path,
    patch: Path,
    *options: str,
    env: Mapping[str, str] | None = None,
) -> None:
    """Apply the diff.patch of a run, whose names are relative to the workspace."""
    inside = [f"--directory={repository.prefix}"] if repository.prefix else []
    git(where, "apply", "--whitespace=nowarn", *options, *inside, str(patch.resolve()), env=env)


def git(where: Path, *words: str, env: Mapping[str, str] | None = None) -> str:
    """What git prints. Raises GitFailed."""
    # Inside a hook, git's own variables would point at another repository.
    clean = {name: value for name, value in os.environ.items() if name not in _OWN}
    try:
        done = subprocess.run(
            ["git", *words],
            cwd=where,
            env=clean | dict(env or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitFailed(str(error)) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise GitFailed(said[-1].removeprefix("error: ") if said else f"git {words[0]} failed")
    return done.stdout.decode(errors="surrogateescape")
