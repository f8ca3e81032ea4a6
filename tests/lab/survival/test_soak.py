"""A suite of a thousand runs, and something that kills whatever it meets, again and again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from aftermath import Scene, until

RUNS = int(os.environ.get("SOAK_RUNS", "1000"))
SECONDS = float(os.environ.get("SOAK_SECONDS", "7200"))  # it gives up after this long
SEED = int(os.environ.get("SOAK_SEED", "7"))  # of what is killed, and when
WORKERS = 4


@pytest.mark.slow
def test_a_suite_survives_random_kills(scene: Scene) -> None:
    """Kernels, executors, what they are forked from, or all at once; by SIGKILL, or asked to stop.

    In the end every run of the suite is done exactly once, whatever else there is besides.
    """
    file = scene.suite(seeds=RUNS, workers=WORKERS, epochs=5, pause=0.02)
    chance = random.Random(SEED)
    killed: Counter[str] = Counter()
    began = time.monotonic()
    night = scene.lab("suite", "run", file, "--json")
    while True:
        try:
            said, _ = night.communicate(timeout=chance.uniform(0.5, 4.0))
        except subprocess.TimeoutExpired:
            killed[kill_something(scene, night.pid, chance)] += 1
            continue
        # Ctrl-C before `lab` is even imported is Python's own to tell.
        assert "Traceback" not in said or "KeyboardInterrupt" in said.splitlines()[-1], said
        if night.returncode == 0:
            break
        assert time.monotonic() - began < SECONDS, f"not done in {SECONDS:g} s: {killed}"
        until(lambda: not scene.processes(), "end of every process")
        night = scene.lab("suite", "run", file, "--json")
    runs = scene.aftermath()
    ends = Counter((run.status, run.reason) for run in runs)
    print(json.dumps({"killed": killed, "seconds": round(time.monotonic() - began)}))
    print(*sorted(ends.items(), key=str), sep="\n")
    done = Counter(run.seed for run in runs if run.status == "done")
    assert done == Counter(range(RUNS))
    assert sum(len(run.history()) == 5 for run in runs if run.status == "done") == RUNS
    # What was asked to stop says so, what was killed has crashed; nothing failed.
    assert {status for status, _ in ends} <= {"done", "crashed", "stopped"}
    assert sum(killed.values()) > 0
    assert ends["crashed", "killed"] + ends["crashed", "kernel_died"] > 0


def kill_something(scene: Scene, executor: int, chance: random.Random) -> str:
    """Kill a process, or all; what it was."""
    what = chance.choices(
        ["a kernel", "any process", "the executor", "everything", "Ctrl-C", "Ctrl-C twice"],
        weights=[8, 4, 1, 1, 1, 1],
    )[0]
    if what == "everything":
        for pid in scene.processes():
            send(pid, signal.SIGKILL)
    elif what == "the executor":
        send(executor, signal.SIGKILL)
    elif what.startswith("Ctrl-C"):
        send(executor, signal.SIGINT)
        if what.endswith("twice"):
            time.sleep(chance.uniform(0.0, 0.3))
            send(executor, signal.SIGINT)
    else:
        kernels = [pid for pid in map(kernel_of, scene.runs.glob("*/run.json")) if pid]
        alive = set(scene.processes()) - {executor}
        pids = sorted(alive & set(kernels) if what == "a kernel" else alive)
        if not pids:
            return "nothing"
        send(chance.choice(pids), signal.SIGKILL)
    return what


def kernel_of(record: Path) -> int | None:
    """The process of a run that is under way."""
    found = json.loads(record.read_bytes())
    return int(found["pid"]) if found["status"] == "running" else None


def send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
