"""What a run costs a file system: files, and operations on them, counted by strace.

    .venv/bin/python benchmarks/file_operations.py
    .venv/bin/python benchmarks/file_operations.py --steps 1000 --seconds 30
    .venv/bin/python benchmarks/file_operations.py --rates /shared/folder   # what yours does

A notebook that logs `--steps` steps in `--seconds` is run in a workspace of its own, by the pool
and as a task of a Slurm job (without Slurm: what the job does is called directly). Counted are
the system calls of all processes of the run that name something under `runs/`, or have it open.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

PARAMETERS = """steps: int = 100  # how many are logged
seconds: float = 5.0  # how long that takes"""
BODY = """import time

import lab

run = lab.start()
for step in range(1, steps + 1):
    run.log({"train/loss": 1 / step, "val/accuracy": 0.5}, step=step)
    time.sleep(seconds / steps)"""

# What a metadata server has to do for a call, told apart by what it costs: changes are written to
# its journal, lookups are answered from its memory or the client's.
KINDS = {
    "create": ("creat", "mkdir", "mkdirat", "mknod", "link", "symlink"),
    "rename": ("rename", "renameat", "renameat2"),
    "remove": ("unlink", "unlinkat", "rmdir"),
    "times and modes": ("utimensat", "utime", "chmod", "fchmod", "fchmodat", "truncate"),
    "look up": ("stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2"),
    "list": ("getdents64",),
    "lock": ("flock",),
    "flush to disk": ("fsync", "fdatasync"),
    "write": ("write", "pwrite64", "writev", "ftruncate"),
    "read": ("read", "pread64"),
}
_KIND = {call: kind for kind, calls in KINDS.items() for call in calls}
_CALL = re.compile(r"^\d+ +(?:<\.\.\. )?(\w+)[( ]")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rates", type=Path, metavar="FOLDER", help="only: operations a second")
    options = parser.parse_args()
    if options.rates is not None:
        print_rates(options.rates)
        return
    if shutil.which("strace") is None:
        print("strace is not installed: nothing is counted.")
        return
    columns = {}
    for name, command in (("pool", POOL), ("a Slurm job", TASK)):
        with tempfile.TemporaryDirectory() as folder:
            columns[name] = measure(Path(folder), command, options.steps, options.seconds)
    print_table(columns, options.steps, options.seconds)


POOL = """
from pathlib import Path
from lab.executors import run_notebook
from lab.workspace import Workspace
place = Workspace.load(Path({root!r}))
run = run_notebook(place.root / "logs.ipynb", {params!r}, workspace=place)
assert run.status == "done", run.error
"""

TASK = """
from pathlib import Path
from lab.executors.node import Ticket
from lab.executors.slurm_node import run_task
from lab.executors.submission import marks_folder, new_folder
from lab.notebook.job import Job
from lab.workspace import Workspace
place = Workspace.load(Path({root!r}))
job = Job.check(place.root / "logs.ipynb", {params!r}, workspace=place)
folder = new_folder(place)
run_task(Ticket.of(job, place, marks_folder(folder), 0))
"""


def measure(root: Path, command: str, steps: int, seconds: float) -> dict[str, int]:
    """Counts by kind for the second of two runs, since the first one fills what runs share."""
    write_workspace(root)
    params = {"steps": steps, "seconds": seconds}
    script = root / "script.py"
    script.write_text(command.format(root=str(root), params=params))
    environment = {"SLURM_JOB_ID": "71", "PATH": "/usr/bin:/bin", "HOME": str(root)}
    subprocess.run([sys.executable, script], env=environment, cwd=root, check=True)
    before = set((root / "runs").rglob("*"))
    trace = root / "trace"
    subprocess.run(
        ["strace", "-f", "-y", "-s", "0", "-o", trace, sys.executable, script],
        env=environment,
        cwd=root,
        check=True,
    )
    made = [path for path in set((root / "runs").rglob("*")) - before if path.is_file()]
    with trace.open(errors="replace") as lines:
        counts = count(lines, str(root / "runs"), {str(path) for path in before})
    return {
        "files": len(made),
        "folders": len(set((root / "runs").rglob("*")) - before) - len(made),
        "bytes": sum(path.stat().st_size for path in made),
        **counts,
    }


def write_workspace(root: Path) -> None:
    (root / "pyproject.toml").write_text("[tool.lab]\n")
    cells = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {"tags": ["parameters"]} if number == 0 else {},
            "execution_count": None,
            "outputs": [],
            "source": source,
        }
        for number, source in enumerate((PARAMETERS, BODY))
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (root / "logs.ipynb").write_text(json.dumps(notebook))


def count(lines: Iterable[str], under: str, there: set[str]) -> dict[str, int]:
    """Calls by kind, of those that name a path under the folder `under` or a file open there.

    `there` are the paths that existed before; to open one of these creates nothing.
    """
    found: Counter[str] = Counter()
    there = set(there)
    for line in lines:
        if under not in line or "resumed>" in line:
            continue
        call = _CALL.match(line)
        if call is None:
            continue
        name = call[1]
        kind = _KIND.get(name, "")
        if name in ("open", "openat"):
            path = line.split('"')[1]
            kind = "create" if "O_CREAT" in line and path not in there else "open"
            there.add(path)
        if kind:
            found[kind] += 1
    return dict(found)


def print_table(columns: dict[str, dict[str, int]], steps: int, seconds: float) -> None:
    print(f"One run of {seconds:g} s that logs {steps} steps\n")
    names = ["files", "folders", "bytes", "create", "rename", "remove", "times and modes"]
    names += ["flush to disk", "lock", "open", "look up", "list", "write", "read"]
    print("| under runs/ | " + " | ".join(columns) + " |")
    print("|---|" + "---:|" * len(columns))
    for name in names:
        cells = [f"{column.get(name, 0):,}" for column in columns.values()]
        print(f"| {name} | " + " | ".join(cells) + " |")


def print_rates(folder: Path, count: int = 2000) -> None:
    """How many operations a second one process gets out of the file system that `folder` is on."""
    home = Path(tempfile.mkdtemp(dir=folder))
    files = [home / f"{number}" for number in range(count)]
    others = [home / f"{number}.new" for number in range(count)]

    def flushed(path: Path) -> None:
        with path.open("wb") as file:
            file.write(b"x" * 1000)
            file.flush()
            os.fsync(file.fileno())

    steps: list[tuple[str, Callable[[], object]]] = [
        ("create", lambda: [path.touch() for path in files]),
        ("set times", lambda: [os.utime(path) for path in files]),
        ("look up", lambda: [path.stat() for path in files]),
        ("rename", lambda: [path.rename(new) for path, new in zip(files, others, strict=True)]),
        ("write 1 kB and flush", lambda: [flushed(path) for path in others[:100]]),
        ("remove", lambda: [path.unlink() for path in others]),
    ]
    print("| operation | a second |\n|---|---:|")
    for name, work in steps:
        began = time.perf_counter()
        work()
        times = 100 if "flush" in name else count
        print(f"| {name} | {times / (time.perf_counter() - began):,.0f} |")
    home.rmdir()


if __name__ == "__main__":
    main()
