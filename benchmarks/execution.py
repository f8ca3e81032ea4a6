"""What executing notebooks costs, against papermill and nbclient in the same run.

    python benchmarks/execution.py [--repeats 7] [--only NAME ...]

NAME is a table: trivial, torch, plot (seconds of such a notebook), many, cells, log, ends; by
default all are printed, each with the load on the machine. Every way runs the same notebooks, by
turns, in the same interpreter; papermill and nbclient start their kernels as they do where nothing
of `lab` is installed. `lab, in a suite` is the second run and those after it of one process, as in
a suite or a sweep; its run folders hold all that any run's do. Medians.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

NOTEBOOKS = {
    "trivial": ["n + 1"] * 6,
    "torch": ["import torch", "a = torch.ones(64, 64)", "(a @ a).sum().item()", "n"],
    "plot": [
        "import pandas, seaborn",
        "frame = pandas.DataFrame({'x': range(50), 'y': range(50)})",
        "seaborn.lineplot(frame, x='x', y='y');",
        "n",
    ],
}
MANY, WORKERS, MANY_CELLS = 20, 2, 200
METRICS = ("train/loss", "train/accuracy", "val/loss", "val/accuracy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "pyproject.toml").write_text("[tool.lab]\n")
        for name, cells in NOTEBOOKS.items():
            write_notebook(root / f"{name}.ipynb", cells)
        for name in [name for name in os.environ if name.startswith(("LAB_", "PYTEST"))]:
            del os.environ[name]
        os.environ["JUPYTER_PATH"] = str(plain_kernel(root))
        os.environ["LAB_WORKSPACE"] = str(root)
        for name in asked.only:
            TABLES[name](root, asked.repeats)
            print(f"\nLoad {os.getloadavg()[0]:.1f}.\n", flush=True)


def write_notebook(path: Path, sources: list[str]) -> None:
    cells = [("n: int = 1  # a number", ["parameters"]), *[(source, []) for source in sources]]
    document = {
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {"tags": tags},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for number, (source, tags) in enumerate(cells)
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "p", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(document))


def plain_kernel(root: Path) -> Path:
    """A folder of kernelspecs whose python3 is IPython's as it comes."""
    folder = root / "jupyter"
    spec = folder / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec.write_text(json.dumps({"argv": argv, "display_name": "p", "language": "python"}))
    return folder


def by_papermill(path: Path, engine: str | None = None) -> None:
    import papermill

    out = path.with_suffix(f".out{os.getpid()}.ipynb")
    papermill.execute_notebook(
        path, out, parameters={"n": 2}, progress_bar=False, engine_name=engine
    )


def by_papermill_command(path: Path) -> None:
    words = ["papermill", str(path), str(path.with_suffix(".cli.ipynb")), "-p", "n", "2"]
    subprocess.run(
        [sys.executable, "-m", *words, "--no-progress-bar"], check=True, capture_output=True
    )


def by_nbclient(path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, resources={"metadata": {"path": str(path.parent)}}).execute()
    nbformat.write(notebook, path.with_suffix(".nbclient.ipynb"))


def by_engine(path: Path) -> None:
    by_papermill(path, "lab")


def by_lab(path: Path) -> None:
    import lab

    assert lab.run(path, {"n": 2}).status == "done"


def by_lab_command(path: Path) -> None:
    words = ["lab.cli", "run", str(path), "-p", "n=2"]
    subprocess.run([sys.executable, "-m", *words], check=True, capture_output=True, cwd=path.parent)


def by_warm_kernel(path: Path) -> None:
    """papermill's API with `lab-warm` behind the kernel, as `make setup` installs it."""
    plain = os.environ["JUPYTER_PATH"]
    warm = Path(plain).with_name("warm")
    spec = warm / "kernels" / "python3" / "kernel.json"
    if not spec.exists():
        spec.parent.mkdir(parents=True)
        content = json.loads((Path(plain) / "kernels" / "python3" / "kernel.json").read_text())
        content["metadata"] = {"kernel_provisioner": {"provisioner_name": "lab-warm"}}
        spec.write_text(json.dumps(content))
    os.environ["JUPYTER_PATH"] = str(warm)
    try:
        by_papermill(path)
    finally:
        os.environ["JUPYTER_PATH"] = plain


WAYS: dict[str, Callable[[Path], None]] = {
    "papermill's API": by_papermill,
    "papermill's command": by_papermill_command,
    "nbclient": by_nbclient,
    "papermill's API, kernel `lab-warm`": by_warm_kernel,
    "papermill's API, engine `lab`": by_engine,
    "lab, in a suite": by_lab,
    "`lab run`": by_lab_command,
}


def notebook_table(name: str, root: Path, repeats: int) -> None:
    """Seconds of one notebook."""
    times: dict[str, list[float]] = {way: [] for way in WAYS}
    for repeat in range(-2, repeats):  # the first two are not counted
        for way, run in WAYS.items():
            seconds = timed(lambda run=run: run(root / f"{name}.ipynb"))
            if repeat >= 0:
                times[way].append(seconds)
    base = statistics.median(times["papermill's API"])
    print(f"| {name}, {repeats} times | median s | of papermill's API |\n| --- | --: | --: |")
    for way, taken in times.items():
        median = statistics.median(taken)
        print(f"| {way} | {median:.3f} | {median / base:.2f} |")


def many_table(root: Path, _: int) -> None:
    """Twenty notebooks on two workers."""
    print(f"{MANY} notebooks, {WORKERS} workers, seconds in all\n")
    print("| Notebook | papermill in a process pool | lab's pool | faster |")
    print("| --- | --: | --: | --: |")
    for name in ("trivial", "torch"):
        paths = []
        for number in range(MANY):
            paths.append(root / f"{name}-{number}.ipynb")
            write_notebook(paths[-1], NOTEBOOKS[name])
        with ProcessPoolExecutor(WORKERS) as pool:
            list(pool.map(by_papermill, [root / "trivial.ipynb"] * WORKERS))  # its imports
            theirs = timed(lambda pool=pool, paths=paths: list(pool.map(by_papermill, paths)))
        run_all(root, [root / "trivial.ipynb"] * WORKERS)
        ours = timed(lambda paths=paths: run_all(root, paths))
        print(f"| {name} | {theirs:.2f} | {ours:.2f} | {theirs / ours:.1f} |")


def run_all(root: Path, paths: list[Path]) -> None:
    from lab.executors import executor_by_name
    from lab.notebook.job import Job
    from lab.workspace import Workspace

    workspace = Workspace.load(root)

    async def all_of_them() -> None:
        pool = executor_by_name("pool", workspace, workers=WORKERS)
        jobs = [Job.check(path, {"n": 2}, workspace=workspace) for path in paths]
        runs = await asyncio.gather(*(pool.run(job) for job in jobs))
        assert {run.status for run in runs} == {"done"}

    asyncio.run(all_of_them())


def cells_table(root: Path, repeats: int) -> None:
    """What one more cell costs in a long notebook."""
    few, many = root / "few.ipynb", root / "many.ipynb"
    write_notebook(few, ["n + 1"])
    write_notebook(many, ["n + 1"] * (MANY_CELLS + 1))
    print(f"One more cell, at {MANY_CELLS} cells\n\n| Way | ms | share |\n| --- | --: | --: |")
    base = 0.0
    for way in ("papermill's API", "nbclient", "papermill's API, engine `lab`", "lab, in a suite"):
        run = WAYS[way]
        run(few)
        cost = [
            timed(lambda run=run: run(many)) - timed(lambda run=run: run(few))
            for _ in range(min(repeats, 3))
        ]
        ms = statistics.median(cost) / MANY_CELLS * 1e3
        base = base or ms
        print(f"| {way} | {ms:.2f} | {ms / base:.3f} |")


def log_table(root: Path, _: int) -> None:
    """`run.log` of four scalars, and what is left of 5,000 steps after SIGKILL."""
    import orjson

    import lab

    run = lab.start({"seed": 0})
    row = {name: 0.123456789 + number for number, name in enumerate(METRICS)}
    file = os.open(root / "bare.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    run.log(row)
    line = (run.path / "metrics.jsonl").read_bytes()
    whole = {"step": 1, "time": time.time(), **row}
    calls: dict[str, Callable[[int], object]] = {
        "os.write of the line": lambda _: os.write(file, line),
        "os.write of orjson.dumps of the row": lambda _: os.write(file, orjson.dumps(whole)),
        "run.log": lambda step: run.log(row, step=step),
    }
    times: dict[str, list[int]] = {name: [] for name in calls}
    for turn in range(100):
        for name, call in calls.items():
            for number in range(200):
                began = time.perf_counter_ns()
                call(turn * 200 + number)
                times[name].append(time.perf_counter_ns() - began)
    run.finish()
    base = statistics.median(times["os.write of the line"])
    print("20,000 calls of each, by turns\n\n| Call | median us | ratio |\n| --- | --: | --: |")
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"| {name} | {median / 1e3:.2f} | {median / base:.1f} |")
    source = (
        "import lab, os, signal\nrun = lab.start()\n"
        "for step in range(5000): run.log({'train/loss': 1.0 / (step + 1)}, step=step)\n"
        "print(run.path, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL
    rows = Path(killed.stdout.strip(), "metrics.jsonl").read_text().splitlines()
    print(f"\n{len({json.loads(one)['step'] for one in rows}):,} of 5,000 steps after SIGKILL")


def ends_table(root: Path, repeats: int) -> None:
    """Starting and finishing a run with 20 parameters in a process that has done so before."""
    import lab

    params = {f"parameter_{number}": number for number in range(20)}
    started, finished = [], []
    for _ in range(max(repeats, 5) * 4):
        began = time.perf_counter()
        run = lab.start(params)
        there = time.perf_counter()
        run.finish()
        finished.append(time.perf_counter() - there)
        started.append(there - began)
    print("| A run with 20 parameters | median ms |\n| --- | --: |")
    print(f"| start | {statistics.median(started) * 1e3:.1f} |")
    print(f"| finish | {statistics.median(finished) * 1e3:.1f} |")


def timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


TABLES: dict[str, Callable[[Path, int], None]] = {
    **{name: partial(notebook_table, name) for name in NOTEBOOKS},
    "many": many_table,
    "cells": cells_table,
    "log": log_table,
    "ends": ends_table,
}

if __name__ == "__main__":
    main()
