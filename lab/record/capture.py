"""What a run was made with: the state of git, the packages, the machine."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lab.record.files import write_atomic

# What the patch of a dirty work tree holds: everything that makes a run, and nothing private.
_PATCH_SUFFIXES = (".py", ".ipynb", ".yaml", ".yml", ".toml")
_PATCH_SPECS = [f":(glob)**/*{suffix}" for suffix in _PATCH_SUFFIXES]
_GIT_SECONDS = 10.0
# Whatever a person's settings say (notebooks shown by a filter, no prefixes), a patch must apply.
_SETTINGS = "--no-color --no-ext-diff --no-textconv --binary --src-prefix=a/ --dst-prefix=b/"
_DIFF = ("diff", *_SETTINGS.split())


@dataclass(frozen=True)
class GitState:
    """The commit a run was made at; all None without git, a repository or a commit."""

    sha: str | None = None
    branch: str | None = None
    dirty: bool | None = None
    untracked: bool = False

    def as_dict(self) -> dict[str, str | bool | None]:
        return {"sha": self.sha, "branch": self.branch, "dirty": self.dirty}


def git_state(root: Path, runs: Path | None = None) -> GitState:
    """The state of the work tree that holds `root`; what lies in `runs` does not make it dirty."""
    # One call answers everything, and starting git is most of its cost.
    specs = [".", *_outside(root, runs)]
    answer = _git(root, "status", "--porcelain=v2", "--branch", "-z", "--", *specs)
    if answer is None:
        return GitState()
    headers: dict[str, str] = {}
    changes: list[str] = []
    for item in answer.decode(errors="replace").split("\0"):
        if item.startswith("# "):
            key, _, value = item[2:].partition(" ")
            headers[key] = value
        elif item:
            changes.append(item)
    sha = headers.get("branch.oid", "")
    if not sha or sha.startswith("("):
        return GitState()
    branch = headers.get("branch.head")
    return GitState(
        sha=sha,
        branch=None if branch == "(detached)" else branch,
        dirty=bool(changes),
        untracked=any(change.startswith("? ") for change in changes),
    )


def diff_patch(root: Path, state: GitState, runs: Path | None = None) -> bytes:
    """What `git apply` needs on top of the commit: source, notebooks, YAML and TOML only."""
    if not state.dirty:
        return b""
    specs = [*_PATCH_SPECS, *_outside(root, runs)]
    patch = _git(root, *_DIFF, "--relative", "HEAD", "--", *specs) or b""
    if state.untracked:
        listed = _git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", *specs)
        for name in (listed or b"").decode(errors="surrogateescape").split("\0"):
            if name:
                patch += _new_file_patch(root, name)
    return patch


def _outside(root: Path, runs: Path | None) -> list[str]:
    if runs is None or runs == root or not runs.is_relative_to(root):
        return []
    return [f":(exclude,literal){runs.relative_to(root).as_posix()}"]


def _new_file_patch(root: Path, name: str) -> bytes:
    """The patch that adds one untracked file."""
    try:
        content = (root / name).read_bytes()
    except OSError:
        return b""
    if not name.isascii() or not name.isprintable() or set(name) & set('\\"') or b"\0" in content:
        # git knows how to quote names and what to do with binary files. 1: there is a difference.
        return _git(root, *_DIFF, "--no-index", "--", "/dev/null", name, ok=(0, 1)) or b""
    header = f"diff --git a/{name} b/{name}\nnew file mode 100644\n"
    if not content:
        return f"{header}index 0000000..e69de29\n".encode()
    lines = content.split(b"\n")
    closed = lines[-1] == b""
    lines = lines[:-1] if closed else lines
    body = b"".join(b"+" + line + b"\n" for line in lines)
    hunk = f"--- /dev/null\n+++ b/{name}\n@@ -0,0 +1,{len(lines)} @@\n"
    end = b"" if closed else b"\\ No newline at end of file\n"
    return (header + hunk).encode() + body + end


def _git(root: Path, *arguments: str, ok: tuple[int, ...] = (0,)) -> bytes | None:
    """The output of git in `root`, or None where git cannot answer."""
    # Inside a hook, git's own variables would point at another repository's index.
    redirecting = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
    environment = {k: v for k, v in os.environ.items() if k not in redirecting}
    environment["GIT_OPTIONAL_LOCKS"] = "0"
    try:
        answer = subprocess.run(
            ["git", *arguments],
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout if answer.returncode in ok else None


def packages_text(cache: Path | None = None) -> str:
    """The installed distributions, as `pip freeze` writes them.

    `cache` is a folder for an index file (`.index-packages-*`), because listing hundreds of
    distributions takes longer than everything else about starting a run.
    """
    key = _environment_key()
    if cache is None:
        return _freeze(key)
    stored = cache / f".index-packages-{key}.txt"
    try:
        return stored.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        text = _freeze(key)
    with contextlib.suppress(OSError):  # a cache that cannot be written is only slower
        write_atomic(stored, text.encode())
    return text


def _environment_key() -> str:
    # Installing or removing a distribution changes the modification time of its folder.
    parts = [sys.prefix, sys.version]
    for entry in sys.path:
        if entry.endswith(("site-packages", "dist-packages")) and Path(entry).is_dir():
            parts.append(f"{entry}:{Path(entry).stat().st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@lru_cache(maxsize=4)
def _freeze(key: str) -> str:
    """`key` is not read: it makes the cache forget when the environment has changed."""
    found: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            found.setdefault(name.lower(), f"{name}=={distribution.version}")
    return "".join(f"{found[name]}\n" for name in sorted(found))
