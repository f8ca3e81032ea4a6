"""Time from `lab run` to exit for a trivial notebook, against papermill's command line.

    python benchmarks/lab_run.py [--repeats 7]

Both run the same notebook, by turns, in the same interpreter and workspace. The fastest, the
median and the slowest of each are shown, and the ratio of the medians.
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
from pathlib import Path

CELLS = [
    ("n: int = 1  # a number", ["parameters"]),
    *[(f"n + {number}", []) for number in range(6)],
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_workspace(root)
        commands = {
            "lab run": ["lab.cli", "run", "notebooks/trivial.ipynb", "-p", "n=2"],
            "papermill": ["papermill", "notebooks/trivial.ipynb", "out.ipynb", "-p", "n", "2"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for repeat in range(repeats + 1):
            for name, command in commands.items():
                seconds = timed(command, root)
                if repeat > 0:  # the first of each fills the caches of the disk
                    times[name].append(seconds)
    print_table(times)


def write_workspace(root: Path) -> None:
    """A workspace with one notebook of seven short cells."""
    (root / "pyproject.toml").write_text("[tool.lab]\n")
    cells = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {"tags": tags},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, (source, tags) in enumerate(CELLS)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    document = {
        "cells": cells,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (root / "notebooks").mkdir()
    (root / "notebooks" / "trivial.ipynb").write_text(json.dumps(document))


def timed(command: list[str], root: Path) -> float:
    env = {key: value for key, value in os.environ.items() if not key.startswith("LAB_")}
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", *command], cwd=root, env=env, check=True, capture_output=True
    )
    return time.perf_counter() - began


def print_table(times: dict[str, list[float]]) -> None:
    print("| Command | Fastest | Median | Slowest | Ratio |")
    print("| --- | --: | --: | --: | --: |")
    base = statistics.median(times["papermill"])
    for name, seconds in times.items():
        median = statistics.median(seconds)
        cells = [f"{value:.2f} s" for value in (min(seconds), median, max(seconds))]
        print(f"| {name} | {' | '.join(cells)} | {median / base:.2f} |")


if __name__ == "__main__":
    main()
