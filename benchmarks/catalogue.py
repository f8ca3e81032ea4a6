"""What it costs to ask many runs: the best of them, a table of all, some, the curves of fifty.

    python benchmarks/catalogue.py [--runs 10000] [--large 100000] [--no-mlflow]

The runs are plain files in a temporary workspace. MLflow (its SQLite store, the extra `mlflow`)
has the same parameters and metrics: 100 of the runs logged by its client, the others copied in the
database, their values set to those of the files; both must name the same twenty best. Every line is
a process of its own: *first* is its first call, which reads the index and imports what is needed,
*warm* the median of five more (one for MLflow's slow ones), *process* a command from start to
exit. `--large` adds so many runs, without MLflow. `--cpu` takes processor time instead of that of a
clock on the wall, for a machine that is busy with other things.
"""

from __future__ import annotations

import argparse
import atexit
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lab_log import ARMS, SEEDS, clock, run_id, write_run

LOGGED = 100  # runs that MLflow's own client writes
CURVES, STEPS = 50, 1_000
METRICS = ("train/loss", "train/accuracy", "val/loss", "val/accuracy")

# What is asked, of us and of the peer; `timed` is defined by HEAD.
HEAD = """
import json, os, resource, statistics, sys, time
clock = time.process_time if os.environ.get("BENCH_CPU") else time.perf_counter
def timed(call, again=5):
    times = []
    for _ in range(1 + again):
        began = clock(); found = call(); times.append(clock() - began)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"first": times[0], "warm": statistics.median(times[1:]), "mb": memory,
                      "found": found}))
"""
LAB = """
from pathlib import Path
from lab.workspace import Workspace
from lab.record.catalogue import find_runs, runs
from lab.record.run import Run
workspace = Workspace.load(Path(sys.argv[1]))
"""
MLFLOW = """
import logging, os
logging.disable(logging.CRITICAL)
import mlflow
from mlflow import MlflowClient
mlflow.set_tracking_uri("sqlite:///" + sys.argv[2])
client = MlflowClient()
(place,) = [e.experiment_id for e in client.search_experiments() if e.name == "bench"]
ordered = {"experiment_ids": [place], "order_by": ["metrics.`val/accuracy` DESC"]}
"""
QUESTIONS = {
    "the best 20 by a metric": (
        "timed(lambda: [r.id for r in find_runs(workspace, sort='val/accuracy.last', limit=20)])",
        "timed(lambda: [r.data.params['id'] for r in client.search_runs(max_results=20, "
        "**ordered)])",
    ),
    "the best 20 of one arm": (
        "timed(lambda: [r.id for r in find_runs(workspace, where='pooling == max and epochs > 2', "
        "sort='val/accuracy.last', limit=20)])",
        'timed(lambda: [r.data.params["id"] for r in client.search_runs(max_results=20, '
        "filter_string=\"params.pooling = 'max'\", **ordered)])",
    ),
    "all as a DataFrame, sorted": (
        "timed(lambda: len(runs(sort='val/accuracy.last', workspace=workspace)))",
        "timed(lambda: len(mlflow.search_runs(max_results=50000, **ordered)), 1)",
    ),
    f"{CURVES} curves of {STEPS:,} steps": (
        "folders = sorted((workspace.root / 'long').iterdir())\n"
        "timed(lambda: sum(len(Run.read(f).history('val/loss')) for f in folders))",
        "(long,) = [e.experiment_id for e in client.search_experiments() if e.name == 'long']\n"
        "ids = [run.info.run_id for run in client.search_runs([long])]\n"
        "timed(lambda: sum(len(client.get_metric_history(i, 'val/loss')) for i in ids), 1)",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=0)
    parser.add_argument("--no-mlflow", action="store_true")
    parser.add_argument("--cpu", action="store_true")
    asked = parser.parse_args()
    if asked.cpu:
        os.environ["BENCH_CPU"] = "1"
    print(f"{'processor' if asked.cpu else 'wall-clock'} seconds, load {os.getloadavg()[0]:.1f}\n")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_runs(root, asked.runs)
        make_curves(root)
        store = None if asked.no_mlflow else make_store(root)
        print_table(root, store, asked.runs)
    if asked.large:
        with tempfile.TemporaryDirectory() as folder:
            make_runs(Path(folder), asked.large)
            print_large(Path(folder), asked.large)


def print_table(root: Path, store: Path | None, runs: int) -> None:
    print(f"{runs:,} runs; the first listing, which makes the index, took {building(root):.1f} s\n")
    print("| question | first s | warm s | MLflow first | MLflow warm | times faster, warm |")
    print("|---|--:|--:|--:|--:|--:|")
    for question, (ours, theirs) in QUESTIONS.items():
        mine = measured(LAB + ours, root, store)
        line = f"| {question} | {mine['first']:.3f} | {mine['warm']:.3f} |"
        if store is not None:
            peer = measured(MLFLOW + theirs, root, store)
            assert peer["found"] == mine["found"], (question, mine["found"], peer["found"])
            ratio = peer["warm"] / mine["warm"]
            line += f" {peer['first']:.2f} | {peer['warm']:.2f} | {ratio:.0f} |"
        print(line, flush=True)
    print_commands(root, store)


def print_commands(root: Path, store: Path | None) -> None:
    mine = command([lab(), "runs", "--sort", "val/accuracy", "--limit", "20"], root)
    helped = command([lab(), "--help"], root)
    print(f"\nprocess `lab runs --sort val/accuracy --limit 20`: {mine:.2f} s")
    print(f"process `lab --help`: {helped:.2f} s")
    if store is not None:
        script = HEAD + MLFLOW + "client.search_runs(max_results=20, **ordered)"
        peer = command([sys.executable, "-c", script, str(root), str(store)], root)
        print(f"process of MLflow's best 20: {peer:.2f} s, {peer / mine:.0f} times ours")


def print_large(root: Path, runs: int) -> None:
    print(f"\n{runs:,} runs; the first listing took {building(root):.1f} s\n")
    print("| question | first s | warm s | peak MB |")
    print("|---|--:|--:|--:|")
    for question in list(QUESTIONS)[:2]:
        found = measured(LAB + QUESTIONS[question][0], root, None)
        row = f"{found['first']:.2f} | {found['warm']:.2f} | {found['mb']:.0f}"
        print(f"| {question} | {row} |", flush=True)
    took = command([lab(), "runs", "--sort", "val/accuracy", "--limit", "20"], root)
    print(f"\nprocess `lab runs --sort val/accuracy --limit 20`: {took:.2f} s")


def building(root: Path) -> float:
    return command([lab(), "runs", "--sort", "val/accuracy", "--limit", "1"], root, times=1)


def measured(source: str, root: Path, store: Path | None) -> dict[str, float]:
    """What `timed` says in a new process."""
    done = subprocess.run(
        [sys.executable, "-c", HEAD + source, str(root), str(store)],
        cwd=root, env=environment(root), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def command(words: list[str], root: Path, *, times: int = 5) -> float:
    """Median from start to exit."""
    taken = []
    for _ in range(times):
        began = clock()
        subprocess.run(words, cwd=root, env=environment(root), check=True, capture_output=True)
        taken.append(clock() - began)
    return statistics.median(taken)


def environment(root: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LAB_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | {
        # Compiled modules are kept, as in any installation.
        "PYTHONPYCACHEPREFIX": str(root / ".compiled"),
        "LAB_WORKSPACE": str(root),
        "OMP_NUM_THREADS": "1",
        "MLFLOW_DISABLE_TELEMETRY": "1",
    }


def lab() -> str:
    return str(Path(sys.executable).with_name("lab"))


def make_runs(root: Path, count: int) -> None:
    """Runs as the record leaves them, in suites of four arms and five seeds."""
    (root / "pyproject.toml").write_text("[tool.lab]\n", encoding="utf-8")
    size = len(ARMS) * len(SEEDS)
    for number in range(count):
        arm, seed = ARMS[number // len(SEEDS) % len(ARMS)], SEEDS[number % len(SEEDS)]
        write_run(root / "runs", number, f"night_{number // size}", arm, seed)
    time.sleep(3)  # what was written a moment ago is not kept in an index


def make_curves(root: Path) -> None:
    """Runs of many steps, beside the others."""
    for number in range(CURVES):
        write_run(root / "long", number, "long", ARMS[0], 0)
        lines = [
            {"step": step, "time": 1763700000.0 + step}
            | {name: 0.123456789 * (number + 1) / (step + 1) for name in METRICS}
            for step in range(STEPS)
        ]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        folder = root / "long" / run_id(number)
        (folder / "metrics.jsonl").write_text(text, encoding="utf-8")
        (folder / "summary.json").touch()  # an older one would be computed again


def make_store(root: Path) -> Path:
    """An MLflow store with the same runs: in memory, where its syncing costs it nothing."""
    memory = Path("/dev/shm")
    store = (memory if memory.is_dir() else root) / f"mlflow-{os.getpid()}.db"
    atexit.register(store.unlink, missing_ok=True)
    subprocess.run(
        [sys.executable, "-c", HEAD + MAKING, str(root), str(store), str(LOGGED)],
        env=environment(root), check=True, capture_output=True,
    )  # fmt: skip
    copy_runs(root, store)
    return store


MAKING = """
import logging
logging.disable(logging.CRITICAL)
from pathlib import Path
import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param
mlflow.set_tracking_uri("sqlite:///" + sys.argv[2])
client = MlflowClient()
def log(place, folder):
    run = client.create_run(place).info.run_id
    params = json.loads((folder / "params.json").read_text()) | {"id": folder.name}
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    metrics = [Metric(name, value, int(row["time"] * 1000), row["step"])
               for row in rows for name, value in row.items() if "/" in name]
    client.log_batch(run, params=[Param(k, str(v)) for k, v in params.items()])
    for start in range(0, len(metrics), 1000):
        client.log_batch(run, metrics=metrics[start : start + 1000])
    client.set_terminated(run)
root = Path(sys.argv[1])
place, long = client.create_experiment("bench"), client.create_experiment("long")
for folder in sorted((root / "runs").glob("2*"))[: int(sys.argv[3])]:
    log(place, folder)
for folder in sorted((root / "long").iterdir()):
    log(long, folder)
"""


def copy_runs(root: Path, store: Path) -> None:
    """The other runs: rows of those that were logged, with their own parameters and values."""
    folders = sorted((root / "runs").glob("2*"))
    with sqlite3.connect(store) as db:
        (place,) = db.execute(
            "SELECT experiment_id FROM experiments WHERE name = 'bench'"
        ).fetchone()
        models = [
            row[0]
            for row in db.execute(
                "SELECT p.run_uuid FROM params p JOIN runs r ON r.run_uuid = p.run_uuid "
                "WHERE p.key = 'id' AND r.experiment_id = ? ORDER BY p.value",
                (place,),
            )
        ]
        for number, folder in enumerate(folders[LOGGED:], LOGGED):
            copy_run(db, models[number % LOGGED], f"{number:032x}", folder)
    db.close()


def copy_run(db: sqlite3.Connection, model: str, run: str, folder: Path) -> None:
    for table in ("runs", "params", "metrics", "latest_metrics", "tags"):
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        names = ", ".join(columns)
        taken = ", ".join("?" if name == "run_uuid" else name for name in columns)
        db.execute(
            f"INSERT INTO {table} ({names}) SELECT {taken} FROM {table} WHERE run_uuid = ?",
            (run, model),
        )
    params = json.loads((folder / "params.json").read_text()) | {"id": folder.name}
    db.executemany(
        "UPDATE params SET value = ? WHERE run_uuid = ? AND key = ?",
        [(str(value), run, name) for name, value in params.items()],
    )
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    values = [(row[name], run, name, row["step"]) for row in rows for name in METRICS]
    db.executemany(
        "UPDATE metrics SET value = ? WHERE run_uuid = ? AND key = ? AND step = ?", values
    )
    last = [(rows[-1][name], run, name) for name in METRICS]
    db.executemany("UPDATE latest_metrics SET value = ? WHERE run_uuid = ? AND key = ?", last)


if __name__ == "__main__":
    main()
