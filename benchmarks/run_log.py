"""Cost of `run.log` per call, and of listing 1,000 runs.

    python benchmarks/run_log.py [--calls 20000] [--runs 1000]

`run.log` is set against a bare `os.write` of the very lines it writes, in turns of the same
process; `lab runs` is timed as a command from start to exit, and as the call inside it, against
nothing but `json.loads` of the same files. Medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import lab
from lab.record.catalogue import find_runs

METRICS = ("train/loss", "train/accuracy", "val/loss", "val/accuracy")
EPOCHS = 20
TURN = 500  # calls of one kind, then of the other: the machine is not equally fast all the time
PARAMS = {f"parameter_{number}": number for number in range(20)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=1_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "pyproject.toml").write_text("[tool.lab]\n")
        os.environ["LAB_WORKSPACE"] = str(root)
        os.environ.pop("LAB_RUNS", None)
        print_log_table(*time_logging(root, asked.calls), asked.calls)
        make_runs(root / "runs", asked.runs)
        print_list_table(time_listing(root), asked.runs + 1)


def time_logging(root: Path, calls: int) -> tuple[list[float], list[float]]:
    """Nanoseconds of each call of `run.log`, and of each bare write of the same line."""
    run = lab.start({"seed": 0})
    row = {name: 0.123456789 + number for number, name in enumerate(METRICS)}
    descriptor = os.open(root / "bare.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    run.log(row, step=0)  # makes the file
    logged: list[float] = []
    bare: list[float] = []
    with (run.path / "metrics.jsonl").open("rb") as metrics:
        metrics.readline()
        for first in range(1, calls + 1, TURN):
            steps = range(first, min(first + TURN, calls + 1))
            logged += [timed(lambda step=step: run.log(row, step=step)) for step in steps]
            lines = metrics.readlines()
            bare += [timed(lambda line=line: os.write(descriptor, line)) for line in lines]
    run.finish()
    os.close(descriptor)
    return logged, bare


def timed(call: Callable[[], object]) -> float:
    began = time.perf_counter_ns()
    call()
    return float(time.perf_counter_ns() - began)


def make_runs(runs: Path, count: int) -> None:
    """Ended runs of 20 parameters and 4 metrics over 20 epochs, as plain files."""
    record = json.loads(next(runs.glob("*/run.json")).read_text())
    curve = [{"step": n, "time": 0.0, **dict.fromkeys(METRICS, 1 / (n + 1))} for n in range(EPOCHS)]
    summary = {name: {"last": 0.05, "best": 1.0, "best_step": 0, "goal": "max"} for name in METRICS}
    for number in range(count):
        run_id = f"20260101_{number // 3600:02d}{number // 60 % 60:02d}{number % 60:02d}"
        folder = runs / run_id
        folder.mkdir()
        (folder / "params.json").write_text(json.dumps(PARAMS | {"seed": number}))
        (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in curve))
        (folder / "summary.json").write_text(json.dumps(summary | {"notes": {}}))
        (folder / "run.json").write_text(json.dumps(record | {"id": run_id}))


def time_listing(root: Path) -> dict[str, float]:
    """Seconds of each way to list every run."""
    workspace = lab.Workspace.load(root)
    ways: dict[str, Callable[[], object]] = {
        "lab runs": lambda: command(root, "runs"),
        "lab runs --json": lambda: command(root, "runs", "--json"),
        "lab runs --sort val/accuracy --limit 10": lambda: command(
            root, "runs", "--sort", "val/accuracy", "--limit", "10"
        ),
        "json.loads of the same files": lambda: read_plainly(workspace.runs),
        "find_runs, in Python": lambda: find_runs(workspace),
        "lab.runs, a DataFrame": lambda: lab.runs(workspace=workspace),
    }
    times = {"find_runs, the first call of a process": first_call(root)}
    for name, way in ways.items():
        way()  # fills the caches of the disk, and imports pandas
        times[name] = statistics.median(timed(way) for _ in range(5)) / 1e9
    return times


def read_plainly(runs: Path) -> list[dict[str, object]]:
    """The three files of every run, as anybody would read them."""
    names = ("run.json", "params.json", "summary.json")
    folders = (record.parent for record in runs.glob("*/run.json"))
    return [{name: json.loads((folder / name).read_text()) for name in names} for folder in folders]


def first_call(root: Path) -> float:
    """Seconds, median of five processes."""
    source = (
        "import time\nfrom lab.workspace import Workspace\n"
        "from lab.record.catalogue import find_runs\nworkspace = Workspace.find()\n"
        "began = time.perf_counter()\nfind_runs(workspace)\nprint(time.perf_counter() - began)"
    )
    words = [sys.executable, "-c", source]
    return statistics.median(
        float(subprocess.run(words, cwd=root, check=True, capture_output=True, text=True).stdout)
        for _ in range(5)
    )


def command(root: Path, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "lab.cli", *arguments], cwd=root, check=True, capture_output=True
    )


def print_log_table(logged: list[float], bare: list[float], calls: int) -> None:
    print(f"{calls:,} calls, {len(METRICS)} metrics each\n")
    print("| Call | Median | 99 % | Slowest | Ratio |")
    print("| --- | --: | --: | --: | --: |")
    for name, times in {"os.write of the line": bare, "run.log": logged}.items():
        median, most = statistics.median(times), statistics.quantiles(times, n=100)[98]
        ratio = median / statistics.median(bare)
        shown = " | ".join(f"{value / 1e3:.1f} µs" for value in (median, most, max(times)))
        print(f"| {name} | {shown} | {ratio:.1f} |")


def print_list_table(times: dict[str, float], runs: int) -> None:
    print(f"\n{runs:,} runs, {len(PARAMS) + 1} parameters, {len(METRICS)} metrics each\n")
    print("| Listing | Median |")
    print("| --- | --: |")
    for name, seconds in times.items():
        print(f"| {name} | {seconds * 1e3:.0f} ms |")


if __name__ == "__main__":
    main()
