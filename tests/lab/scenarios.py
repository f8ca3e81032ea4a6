"""Nights of runs that several tests tell of."""

from __future__ import annotations

import math
from pathlib import Path

from helpers import write_run

from lab.record.run import Run

# Per data set: notebook, headline metric, and per arm its value for seeds 0, 1, 2, ...
POOLING = {
    "cifar10": (
        "image",
        "val/accuracy",
        {
            "mean": (0.468, 0.461, 0.472, 0.465, 0.470),
            "attention": (0.482, 0.479, 0.485, 0.476, 0.488),
        },
    ),
    "speech_commands": (
        "audio",
        "val/accuracy",
        {
            "mean": (0.297, 0.301, 0.292, 0.299, 0.295),
            "attention": (0.305, 0.299, 0.301, 0.306, 0.294),
        },
    ),
    "etth1": (
        "timeseries",
        "val/mse",
        {"mean": (0.92,) * 5, "attention": (0.92,) * 5},
    ),
}


def pooling_night(runs: Path, *, seeds: int = 2, suite: str = "pilot") -> list[Run]:
    """Mean against attention pooling in three domains, three epochs each."""
    made = []
    for dataset, (notebook, metric, arms) in POOLING.items():
        for arm, values in arms.items():
            for seed, value in enumerate(values[:seeds]):
                index = len(made)
                far = 1.0 if metric == "val/mse" else -1.0
                curve = [value * (1 + 0.4 * far), value * (1 + 0.1 * far), value]
                folder = write_run(
                    runs,
                    f"20260119_{23 if index < 60 else 22}{index % 60:02d}02",
                    params={"dataset": dataset, "pooling": arm, "epochs": 3, "seed": seed},
                    curves={"train/loss": [2.1, 1.7, 1.5], metric: curve},
                    headline=metric,
                    notebook=f"notebooks/domains/{notebook}.ipynb",
                    seconds=40.0 + index,
                    suite={"name": suite, "arm": arm, "index": index, "matrix": {"seed": seed}},
                )
                made.append(Run.read(folder))
    return made


def overfitting_run(runs: Path) -> list[Run]:
    """A baseline, then run 1 of the seed experiment log: best at 27, overfitting to 50."""
    epochs = range(1, 51)
    baseline = write_run(
        runs,
        "20251201_090000",
        params={"d_model": 256, "layers": 4, "lr": 1e-3, "class_weights": False, "epochs": 50,
                "seed": 0},
        curves={"train/accuracy": [0.36] * 50, "val/accuracy": [0.36] * 50},
        headline="val/accuracy",
        notebook="notebooks/domains/scanline.ipynb",
    )  # fmt: skip
    down = [1.75 - 0.512921 * (1 - math.exp(-e / 8)) / (1 - math.exp(-27 / 8)) for e in epochs]
    up = [1.237079 + 0.206906 * (max(e - 27, 0) / 23) ** 1.3 for e in epochs]
    accuracy = [0.36 + 0.3049 * (1 - math.exp(-e / 9)) for e in epochs]
    accuracy[48:] = [0.664982, 0.661257]
    run = write_run(
        runs,
        "20251203_101500",
        params={"d_model": 256, "layers": 6, "lr": 1e-4, "class_weights": True, "epochs": 50,
                "seed": 0, "dropout": 0.1},
        curves={
            "train/accuracy": [0.36 + 0.471928 * e / 50 for e in epochs],
            "train/loss": [1.6 - (1.6 - 0.357031) * e / 50 for e in epochs],
            "val/accuracy": accuracy,
            "val/loss": [d if e <= 27 else u for e, d, u in zip(epochs, down, up, strict=True)],
        },
        headline="val/accuracy",
        name="Run 1 - all fixes applied",
        notebook="notebooks/domains/scanline.ipynb",
        seconds=7384.0,
    )  # fmt: skip
    return [Run.read(baseline), Run.read(run)]


def night_with_failures(runs: Path) -> list[Run]:
    """A suite of which one run raised, one ran out of memory and one is the retry of a crash."""
    made = pooling_night(runs, seeds=1, suite="overnight")
    suite = {"name": "overnight", "arm": "wide", "index": 9, "matrix": {"seed": 0}}
    shared = {"suite": suite, "notebook": "notebooks/domains/image.ipynb", "params": {"seed": 0}}
    error = {"type": "ValueError", "message": "shapes (3, 4) and (5,)\nlong trace", "cell": 4}
    folders = [
        write_run(runs, "20260120_000000", status="crashed", reason="kernel_died", **shared),
        write_run(runs, "20260120_000100", status="failed", error=error, **shared),
    ]
    return [*made, *(Run.read(folder) for folder in folders)]
