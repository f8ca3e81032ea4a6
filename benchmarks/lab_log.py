"""What `lab log check` and `lab log new` cost with a long log and many runs.

    python benchmarks/lab_log.py [--entries 500] [--runs 10000] [--one-question] [--cpu]

Makes runs of suites with four arms and five seeds, and entries that each compare one suite, in a
temporary workspace. Commands are timed from start to exit, as a person waits for them, and set
beside start-up (`lab --help`): the fastest of five, which other work on the machine disturbs least,
and their median; behind one call that is not counted, in which Python keeps its compiled modules as
it does in any installation. What is beyond start-up is of the fastest. `--one-question` puts all
suites on one data set: a new entry then asks what every other entry asked before. `--cpu` takes
processor time instead of that of a clock on the wall, for a machine busy with other things.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson

import lab
from lab.log.evidence.refreshing import renew
from lab.workspace import Workspace

ARMS = ("mean", "attention", "max", "sum")
SEEDS = range(5)
EPOCHS = 10
PARAMS = {f"parameter_{number}": number for number in range(30)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=500)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--one-question", action="store_true")
    parser.add_argument("--cpu", action="store_true")
    asked = parser.parse_args()
    if asked.cpu:
        os.environ["BENCH_CPU"] = "1"
    print(f"{'processor' if asked.cpu else 'wall-clock'} seconds, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        data = "cifar10" if asked.one_question else None
        workspace = make_workspace(Path(folder), asked.runs, asked.entries, data)
        start_up = seconds(["--help"], workspace)
        print(f"{asked.entries} entries, {asked.runs} runs; start-up is `lab --help`\n")
        print("| Command | Fastest | Median | Beyond start-up |")
        print("|---|---:|---:|---:|")
        print(f"| `lab --help` | {start_up[0]:.2f} | {start_up[1]:.2f} | |")
        told("lab log check", seconds(["log", "check"], workspace), start_up)
        snapshot = ["log", "check", "--snapshot"]
        told("lab log check --snapshot", seconds(snapshot, workspace), start_up)
        query = ["log", "new", "research", "--runs", "suite.name == night_1", "--by", "pooling"]
        told("lab log new research --runs EXPR", seconds(query, workspace), start_up)
        suite = ["log", "new", "suite", "--suite", "night_2"]
        told("lab log new suite", seconds(suite, workspace), start_up)
        run = max(path.name for path in workspace.runs.iterdir() if path.is_dir())
        experiment = ["log", "new", "experiment", "--run", run]
        told("lab log new experiment", seconds(experiment, workspace), start_up)
        shutil.rmtree(workspace.runs)
        told("lab log check, without runs/", seconds(["log", "check"], workspace), start_up)


def told(name: str, took: tuple[float, float], start_up: tuple[float, float]) -> None:
    fastest, median = took
    print(f"| `{name}` | {fastest:.2f} | {median:.2f} | {fastest - start_up[0]:.2f} |", flush=True)


def seconds(arguments: list[str], workspace: Workspace) -> tuple[float, float]:
    """The fastest and the median time of five calls of a command."""
    command = [str(Path(sys.executable).with_name("lab")), *arguments]
    environment = os.environ | {"LAB_WORKSPACE": str(workspace.root), "OMP_NUM_THREADS": "1"}
    environment |= {"PYTHONPYCACHEPREFIX": str(workspace.root / ".compiled")}
    for name in ("LAB_RUNS", "PYTHONDONTWRITEBYTECODE"):
        environment.pop(name, None)
    taken = []
    for _ in range(6):
        before = clock()
        done = subprocess.run(
            command,
            env=environment,
            cwd=workspace.root,
            capture_output=True,
            text=True,
            check=False,
        )
        taken.append(clock() - before)
        if done.returncode:
            raise SystemExit(f"{' '.join(arguments)}: {done.stdout[-800:]}{done.stderr[-800:]}")
    return min(taken[1:]), statistics.median(taken[1:])


def clock() -> float:
    """Seconds on the wall, or with BENCH_CPU those that child processes worked."""
    if not os.environ.get("BENCH_CPU"):
        return time.perf_counter()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def make_workspace(root: Path, runs: int, entries: int, data: str | None = None) -> Workspace:
    """A workspace with so many runs, in suites of twenty, and an entry for each suite.

    Without `data` each suite is about a data set of its own.
    """
    (root / "pyproject.toml").write_text("[tool.lab]\n", encoding="utf-8")
    (root / "docs").mkdir()
    random.seed(0)
    names = [f"night_{number}" for number in range(-(-runs // (len(ARMS) * len(SEEDS))))]
    made = 0
    for name in names:
        for arm in ARMS:
            for seed in SEEDS:
                if made < runs:
                    write_run(root / "runs", made, name, arm, seed, data)
                made += 1
    workspace = Workspace.load(root)
    # One entry written by the tool, then repeated over the suites as the tool would.
    first = lab.log.new(
        "research", runs=f"suite.name == {names[0]}", by="pooling", date="2026-03-01",
        workspace=workspace,
    )  # fmt: skip
    pinned = [run_id(number) for number in range(len(ARMS) * len(SEEDS))]
    texts = []
    for number in range(entries):
        offset = (number % len(names)) * len(pinned)
        text = first.text.replace(f"== {names[0]}", f"== {names[number % len(names)]}")
        for i, old in enumerate(pinned):
            text = text.replace(f'"{old}"', f'"{run_id((offset + i) % runs)}"')
        texts.append(text)
    log = workspace.research_log
    log.write_text("# Research Log\n\n---\n\n" + "\n\n".join(texts), encoding="utf-8")
    left = renew(workspace=workspace).left
    assert not left, left[:3]
    return workspace


def run_id(number: int) -> str:
    hours, rest = divmod(number, 3600)
    return f"202602{1 + hours // 24:02d}_{hours % 24:02d}{rest // 60:02d}{rest % 60:02d}"


def write_run(
    folder: Path, number: int, suite: str, arm: str, seed: int, data: str | None = None
) -> None:
    """A run as the record leaves it, with curves of four metrics; on data of its suite or these."""
    place = folder / run_id(number)
    place.mkdir(parents=True)
    base = 0.4 + 0.02 * ARMS.index(arm) + random.gauss(0, 0.01)
    rows = [
        {
            "step": epoch,
            "time": 1763700000.0 + epoch,
            "train/loss": 2.0 - 0.1 * epoch,
            "train/accuracy": base + 0.02 * epoch,
            "val/loss": 2.0 - 0.08 * epoch,
            "val/accuracy": base + 0.01 * epoch + random.gauss(0, 0.003),
        }
        for epoch in range(1, EPOCHS + 1)
    ]
    (place / "metrics.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    data = data or f"set_of_{suite}"
    asked = {"dataset": data, "pooling": arm, "epochs": EPOCHS, "seed": seed}
    params = asked | PARAMS
    (place / "params.json").write_bytes(orjson.dumps(params, option=orjson.OPT_INDENT_2))
    record = {
        "schema": 1, "id": place.name, "name": None, "notebook": "notebooks/domains/image.ipynb",
        "tags": [], "status": "done", "reason": None, "started": "2026-02-01T00:00:00.000Z",
        "ended": "2026-02-01T00:01:00.000Z", "seconds": 60.0 + random.random(),
        "suite": {"name": suite, "arm": arm, "index": number % 20, "matrix": {"seed": seed}},
        "sweep": None, "host": "elsewhere", "pid": 1, "slurm_job_id": None,
        "git": {"sha": "0" * 40, "branch": "main", "dirty": False}, "code": "c" * 64,
        "python": "3.11.0", "device": "cpu", "seed": seed,
        "data": [{"name": "cifar10", "sha256": "d" * 64, "path": "cifar10"}],
        "headline": "val/accuracy", "error": None,
    }  # fmt: skip
    (place / "run.json").write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2))
    summary = {}
    for name in ("train/loss", "train/accuracy", "val/loss", "val/accuracy"):
        pick = min if name.endswith("loss") else max
        best = pick(rows, key=lambda row, name=name: row[name])
        goal = "min" if name.endswith("loss") else "max"
        summary[name] = {
            "last": rows[-1][name], "best": best[name], "best_step": best["step"], "goal": goal,
        }  # fmt: skip
    (place / "summary.json").write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    main()
