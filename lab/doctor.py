"""A look over the machine and the workspace: what is there, what is missing, what to do."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.datasets import advice, datasets
from lab.errors import LabError
from lab.workspace import Workspace

_TOGETHER = {"torch": "2.11.0", "torchvision": "0.26.0", "torchaudio": "2.11.0"}
_FEW_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `needed` says that nothing works without it."""

    id: str
    ok: bool
    seen: str
    do: str = ""
    needed: bool = True


def examine() -> list[Finding]:
    """Every finding, in the order in which to mend them."""
    findings = [_python(), _torch()]
    try:
        workspace = Workspace.find()
    except LabError as error:
        return [*findings, Finding("workspace", False, error.what, error.do)]
    findings.append(Finding("workspace", True, str(workspace.root)))
    looks: list[Callable[[Workspace], Finding]] = [_kernel, _git, _runs, _disk]
    findings += [look(workspace) for look in looks]
    return findings + _data()


def _python() -> Finding:
    version = platform.python_version()
    ok = sys.version_info >= (3, 11)
    seen = f"{version} ({sys.executable})"
    return Finding("python", ok, seen, "" if ok else "Install 3.11 or later, then make setup.")


def _torch() -> Finding:
    seen, right = [], True
    for package, wanted in _TOGETHER.items():
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            version = "missing"
        seen.append(f"{package} {version}")
        right &= version.split("+")[0] == wanted
    if not right:
        wants = ", ".join(f"{name} {version}" for name, version in _TOGETHER.items())
        return Finding("torch", False, ", ".join(seen), f"make setup installs {wants}.")
    gpu = Path("/proc/driver/nvidia/version").exists()
    return Finding("torch", True, ", ".join(seen) + (", NVIDIA driver" if gpu else ", CPU only"))


def _kernel(workspace: Workspace) -> Finding:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return Finding("kernel", False, "no kernel python3", "make setup installs it.")
    command = spec.argv[0]
    ours = command == "python" or Path(command).resolve() == Path(sys.executable).resolve()
    advice = (
        ""
        if ours
        else "JupyterLab would start notebooks in another environment: use `make lab`, or run "
        f"{sys.executable} -m ipykernel install --sys-prefix."
    )
    return Finding("kernel", ours, f"python3 -> {command}", advice, needed=False)


def _git(workspace: Workspace) -> Finding:
    git = shutil.which("git")
    if git is None:
        return Finding("git", False, "not found", "Install git; runs then record it.", needed=False)
    inside = subprocess.run(
        [git, "-C", str(workspace.root), "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    )
    if inside.returncode:
        return Finding(
            "git",
            False,
            "the workspace is no repository with a commit",
            "git init and commit, so that runs can record the code they came from.",
            needed=False,
        )
    return Finding("git", True, f"at {inside.stdout.strip()}")


def _runs(workspace: Workspace) -> Finding:
    folder = workspace.runs
    parent = next(place for place in (folder, *folder.parents) if place.exists())
    if not os.access(parent, os.W_OK):
        return Finding(
            "runs", False, f"{folder} cannot be written", "Mend its permissions or set LAB_RUNS."
        )
    count = sum(1 for _ in folder.glob("*/run.json")) if folder.is_dir() else 0
    return Finding("runs", True, f"{count} in {folder}")


def _disk(workspace: Workspace) -> Finding:
    place = next(p for p in (workspace.runs, *workspace.runs.parents) if p.exists())
    free = shutil.disk_usage(place).free
    ok = free > _FEW_BYTES
    advice = "" if ok else "Free some space: runs and checkpoints need it."
    return Finding("disk", ok, f"{free / 1024**3:.0f} GiB free", advice, needed=False)


def _data() -> list[Finding]:
    findings = []
    for name, item in datasets().items():
        found = item.find()
        if item.embedded:
            findings.append(Finding(f"data {name}", True, "embedded", needed=False))
        elif found:
            findings.append(Finding(f"data {name}", True, str(found), needed=False))
        else:
            findings.append(Finding(f"data {name}", False, "not here", advice(item), False))
    return findings
