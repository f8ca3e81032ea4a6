"""What a run was made with: git, packages, code, notebook and data."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.record.capture import GitState, diff_patch, git_state, packages_text
from lab.record.creation import create_run
from lab.record.fingerprint import code_sha256, data_cache, data_sha256, notebook_sha256
from lab.record.run import Run
from lab.workspace import Workspace

Git = Callable[..., str]


@pytest.fixture
def git(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Git:
    """git in the workspace, which is a repository with one commit."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")

    def call(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=workspace.root, check=True, capture_output=True, text=True
        ).stdout.strip()

    call("init", "-q", "-b", "trunk")
    call("config", "user.name", "somebody")
    call("config", "user.email", "somebody@example.org")
    write(workspace, "src/model.py", "width = 1\n")
    write(workspace, "README.md", "read me\n")
    call("add", ".")
    call("commit", "-q", "-m", "first")
    return call


def write(workspace: Workspace, name: str, text: str) -> Path:
    path = workspace.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_clean_work_tree(workspace: Workspace, git: Git) -> None:
    state = git_state(workspace.root)
    assert state == GitState(git("rev-parse", "HEAD"), "trunk", dirty=False)
    paths = create_run(workspace, notebook=None, params={})
    assert not paths.diff.exists()
    assert Run.read(paths).record["git"] == {
        "sha": git("rev-parse", "HEAD"), "branch": "trunk", "dirty": False,
    }  # fmt: skip


def test_runs_do_not_make_it_dirty(workspace: Workspace, git: Git) -> None:
    create_run(workspace, notebook=None, params={})
    assert git_state(workspace.root, workspace.runs).dirty is False
    assert git_state(workspace.root).dirty is True


def test_a_detached_head(workspace: Workspace, git: Git) -> None:
    git("checkout", "-q", "--detach")
    state = git_state(workspace.root)
    assert (state.sha, state.branch) == (git("rev-parse", "HEAD"), None)


def test_no_repository_and_no_git(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert git_state(workspace.root) == GitState(None, None, None)
    monkeypatch.setenv("PATH", "")
    assert git_state(workspace.root) == GitState(None, None, None)


def test_no_commit(workspace: Workspace) -> None:
    subprocess.run(["git", "init", "-q"], cwd=workspace.root, check=True)
    assert git_state(workspace.root) == GitState(None, None, None)
    assert diff_patch(workspace.root, GitState()) == b""


CHANGES = {
    "src/model.py": "width = 2\n",
    "src/new.py": "no newline at the end",
    "src/empty.py": "",
    "notebooks/image.ipynb": '{"cells": []}\n',
    "notebooks/naïve name.ipynb": "{}\n",
    "experiments/suite.yaml": "name: s\n",
    "settings.toml": "a = 1\n",
}
PRIVATE = {"README.md": "changed\n", "letter.txt": "private\n", ".env": "TOKEN=1\n", "a.csv": "1\n"}


@pytest.mark.parametrize(
    "setting", [None, "diff.noprefix", "diff.mnemonicPrefix", "color.ui", "textconv"]
)
def test_the_patch_makes_the_work_tree_again(
    workspace: Workspace, git: Git, tmp_path: Path, setting: str | None
) -> None:
    if setting == "textconv":  # how nbstripout and nbdime show notebooks
        (workspace.root / ".git/info/attributes").write_text("*.py diff=shown\n")
        git("config", "diff.shown.textconv", "tr a-z A-Z <")
    elif setting:
        git("config", setting, "always" if setting == "color.ui" else "true")
    for name, text in (CHANGES | PRIVATE).items():
        write(workspace, name, text)
    paths = create_run(workspace, notebook=None, params={})
    clone = tmp_path / "clone"
    git("clone", "-q", str(workspace.root), str(clone))
    subprocess.run(["git", "apply", str(paths.diff)], cwd=clone, check=True)
    for name, text in CHANGES.items():
        assert (clone / name).read_text() == text
    assert (clone / "README.md").read_text() == "read me\n"
    for name in PRIVATE.keys() - {"README.md"}:
        assert not (clone / name).exists()


def test_ignored_files_stay_out(workspace: Workspace, git: Git) -> None:
    write(workspace, ".git/info/exclude", "local.py\n")
    write(workspace, "local.py", "mine = 1\n")
    assert git_state(workspace.root, workspace.runs).dirty is False
    write(workspace, "src/other.py", "theirs = 1\n")
    patch = diff_patch(workspace.root, git_state(workspace.root), workspace.runs)
    assert b"theirs" in patch
    assert b"mine" not in patch


def test_packages(workspace: Workspace) -> None:
    text = Run.read(create_run(workspace, notebook=None, params={})).path.packages.read_text()
    lines = text.splitlines()
    names = [line.partition("==")[0].lower() for line in lines]
    assert names == sorted(set(names))
    assert f"pytest=={importlib.metadata.version('pytest')}" in lines
    (cache,) = workspace.runs.glob(".index-packages-*")
    cache.unlink()  # it may be deleted at any time
    assert packages_text(workspace.runs) == text
    cache.write_text("from the cache\n")
    assert packages_text(workspace.runs) == "from the cache\n"


def test_code_is_the_source_and_nothing_else(workspace: Workspace) -> None:
    empty = code_sha256(workspace)
    write(workspace, "src/a/model.py", "width = 1\n")
    first = code_sha256(workspace)
    assert first != empty
    for name in ("docs/a.md", "tests/test_a.py", "lab/x.py", "experiments/s.yaml", "src/a/note.md"):
        write(workspace, name, "something\n")
    assert code_sha256(workspace) == first
    path = write(workspace, "src/a/model.py", "width = 2\n")
    second = code_sha256(workspace)
    assert second != first
    os.utime(path, (1, 1))
    assert code_sha256(workspace) == second
    path.rename(path.with_name("renamed.py"))
    assert code_sha256(workspace) not in (first, second)


def test_code_is_what_the_workspace_says(workspace: Workspace) -> None:
    write(workspace, "pyproject.toml", '[tool.lab]\ncode = ["lib/*.py"]\n')
    said = Workspace.load(workspace.root)
    before = code_sha256(said)
    write(workspace, "src/model.py", "width = 1\n")
    assert code_sha256(said) == before
    write(workspace, "lib/model.py", "width = 1\n")
    assert code_sha256(said) != before


def test_a_notebook_is_its_sources(tmp_path: Path) -> None:
    cell = {"cell_type": "code", "source": ["a = 1\n", "a"], "outputs": [], "metadata": {}}
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps({"cells": [cell], "metadata": {}}))
    before = notebook_sha256(path)
    same = cell | {"source": "a = 1\na", "outputs": [{"text": "1"}], "execution_count": 3}
    path.write_text(json.dumps({"cells": [same], "metadata": {"kernelspec": {}}}, indent=1))
    assert notebook_sha256(path) == before
    path.write_text(json.dumps({"cells": [cell | {"cell_type": "markdown"}]}))
    assert notebook_sha256(path) != before


def test_data_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2
    assert data_sha256(path) == known
    with pytest.raises(FileNotFoundError):
        data_sha256(tmp_path / "nothing")


def test_data_of_a_folder_is_names_and_contents(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "a").write_text("1")
    (folder / "b").write_text("2")
    before = data_sha256(folder)
    (folder / "b").rename(folder / "c")
    renamed = data_sha256(folder)
    (folder / "c").write_text("1")
    (folder / "in" / "a").write_text("2")
    assert len({before, renamed, data_sha256(folder)}) == 3


def test_the_cache_of_data_forgets_what_changed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = data_cache(workspace.runs)
    path = write(workspace, "data.csv", "1,2,3\n")
    first = data_sha256(path, cache=cache)
    status = path.stat()
    path.write_text("9,9,9\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert data_sha256(path, cache=cache) == first  # not read: same size, same time
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert data_sha256(path, cache=cache) == data_sha256(path) != first
    cache.write_text("{torn")
    assert data_sha256(path, cache=cache) == data_sha256(path)
