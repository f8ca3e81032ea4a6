"""Run folders of schema 1, written as plain files by nothing but the standard library."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MIN_WORDS = ("loss", "mse", "mae", "error", "perplexity")


def write_workspace(root: Path) -> Path:
    """A folder that `Workspace.load` takes."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "pyproject.toml").write_text("[tool.lab]\n", encoding="utf-8")
    (root / "docs").mkdir(exist_ok=True)
    (root / "runs").mkdir(exist_ok=True)
    return root


def write_notebook(root: Path, name: str, parameters: str) -> Path:
    """`notebooks/NAME.ipynb` in the workspace at `root`, its one cell the parameters."""
    cell = {
        "cell_type": "code",
        "id": "parameters",
        "metadata": {"tags": ["parameters"]},
        "execution_count": None,
        "outputs": [],
        "source": parameters,
    }
    path = root / "notebooks" / f"{name}.ipynb"
    path.parent.mkdir(exist_ok=True)
    _write(path, {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    return path


def write_run(
    runs: Path,
    run_id: str,
    *,
    params: Mapping[str, Any] | None = None,
    curves: Mapping[str, Sequence[float] | Mapping[int, float]] | None = None,
    status: str = "done",
    headline: str | None = None,
    first_step: int = 1,
    **record: Any,
) -> Path:
    """A run whose `curves` are, per metric, its values step by step (or by step number).

    Further keywords are keys of run.json. Returns the folder.
    """
    folder = runs / run_id
    folder.mkdir(parents=True)
    params = dict(params or {})
    series = {
        name: dict(values) if isinstance(values, Mapping) else dict(enumerate(values, first_step))
        for name, values in (curves or {}).items()
        if len(values)
    }
    stamp = (
        f"{run_id[:4]}-{run_id[4:6]}-{run_id[6:8]}T{run_id[9:11]}:{run_id[11:13]}:{run_id[13:15]}"
    )
    whole = {
        "schema": 1,
        "id": run_id,
        "name": None,
        "notebook": "notebooks/domains/image.ipynb",
        "tags": [],
        "status": status,
        "reason": None,
        "started": f"{stamp}.000Z",
        "ended": None if status == "running" else f"{stamp}.000Z",
        "seconds": None if status == "running" else 12.5,
        "suite": None,
        "sweep": None,
        "host": "elsewhere",
        "pid": 1,
        "slurm_job_id": None,
        "git": {"sha": "0" * 40, "branch": "main", "dirty": False},
        "code": "c" * 64,
        "python": "3.11.0",
        "device": "cpu",
        "seed": params.get("seed"),
        "data": [],
        "headline": headline,
        "error": None,
    } | record
    _write(folder / "run.json", whole)
    _write(folder / "params.json", params)
    rows: dict[int, dict[str, Any]] = {}
    for name, values in series.items():
        for step, value in values.items():
            rows.setdefault(step, {"step": step, "time": 0.0})[name] = _plain(value)
    lines = [json.dumps(rows[step]) for step in sorted(rows)]
    (folder / "metrics.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    _write(folder / "summary.json", {name: _summary(name, v) for name, v in series.items()})
    (folder / "heartbeat").touch()
    return folder


def seeded_runs(
    runs: Path,
    by: str,
    values: Mapping[Any, Sequence[float]],
    *,
    metric: str = "val/accuracy",
    start: int = 0,
    params: Mapping[str, Any] | None = None,
    **record: Any,
) -> list[Path]:
    """One run per value of `by` and seed 0, 1, 2, ...; ids count up from minute `start`."""
    made = []
    for value, results in values.items():
        for seed, result in enumerate(results):
            number = start + len(made)
            made.append(
                write_run(
                    runs,
                    f"20260120_{10 + number // 60:02d}{number % 60:02d}00",
                    params={"seed": seed, by: value, **(params or {})},
                    curves={metric: [result]},
                    headline=metric,
                    **record,
                )
            )
    return made


def _summary(name: str, values: Mapping[int, float]) -> dict[str, Any]:
    goal = "min" if any(word in name for word in MIN_WORDS) else "max"
    pick = max if goal == "max" else min
    finite = {step: value for step, value in values.items() if not math.isnan(value)}
    step = pick(finite, key=lambda s: finite[s]) if finite else None
    return {
        "last": _plain(values[max(values)]),
        "best": "NaN" if step is None else _plain(finite[step]),
        "best_step": step,
        "goal": goal,
    }


def _plain(value: float) -> Any:
    if math.isnan(value):
        return "NaN"
    return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")
