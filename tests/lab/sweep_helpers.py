"""Studies for the tests of sweeps: the real 20 trials, and simulated ones with a known truth."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.sweep.space import Parameter, Space
from lab.sweep.study import Study
from lab.sweep.trial import Phase, Trial

CNN, CONTEXT = {"encoder_type": ("cnn",)}, {"encoder_type": ("context",)}
COSINE = {"use_cosine": (True,)}

VISUAL = Space(
    name="visual",
    objective="val_acc",
    params=(
        Parameter("encoder_type", "categorical", choices=("cnn", "context")),
        Parameter("lr", "float", 5e-5, 1e-2, log=True),
        Parameter("batch_size", "categorical", choices=(8, 16, 32, 64)),
        Parameter("weight_decay", "float", 1e-7, 0.1, log=True),
        Parameter("label_smoothing", "float", 0.0, 0.2),
        Parameter("embed_dim", "categorical", choices=(128, 256, 384, 512, 768)),
        Parameter("use_scheduler", "categorical", choices=(True, False)),
        Parameter("use_cosine", "categorical", choices=(True, False)),
        Parameter("temperature", "float", 5.0, 20.0, when=COSINE),
        Parameter("demo_agg", "categorical", choices=("flatten", "mean"), when=CNN),
        Parameter("width_mult", "float", 0.5, 3.0, when=CNN),
        Parameter("depth", "int", 2, 6, when=CNN),
        Parameter("mlp_hidden", "categorical", choices=(256, 512, 1024, 2048), when=CNN),
        Parameter("use_coords", "categorical", choices=(True, False), when=CNN),
        Parameter("ctx_d_model", "categorical", choices=(128, 256, 384, 512), when=CONTEXT),
        Parameter("ctx_n_head", "categorical", choices=(4, 8, 16), when=CONTEXT),
        Parameter("ctx_pixel_layers", "int", 1, 5, when=CONTEXT),
        Parameter("ctx_grid_layers", "int", 1, 3, when=CONTEXT),
        Parameter("ctx_dropout", "float", 0.0, 0.3, when=CONTEXT),
    ),
)


CSV = "hpo/visual_classifier_v2_20_trials.csv"


def visual_csv() -> Path | None:
    """The file of the 20 trials, where it is."""
    path = Path(os.environ.get("CVKAN_DATA") or "missing") / CSV
    return path if path.is_file() else None


def visual_study() -> Study:
    """The 20 trials of the hand-written card; skips where the data are not there."""
    path = visual_csv()
    if path is None:
        pytest.skip("CVKAN_DATA does not hold the 20 trials")
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return Study("visual", "val_acc", "maximize", VISUAL, tuple(_visual_trial(r) for r in rows))


def _visual_trial(row: dict[str, str]) -> Trial:
    params: dict[str, Any] = {
        p.name: _parsed(p, row[p.name]) for p in VISUAL.params if row[p.name] != ""
    }
    known = {"trial_number", "val_acc", *VISUAL.names}
    extra = {k: float(v) for k, v in row.items() if k not in known and v != ""}
    value = float(row["val_acc"])
    number = int(row["trial_number"])
    return Trial(number, params, value, "complete", "imported", (value,), extra=extra)


def _parsed(parameter: Parameter, text: str) -> Any:
    if parameter.choices and isinstance(parameter.choices[0], bool):
        return text == "True"
    if parameter.kind == "float":
        return float(text)
    return text if parameter.choices and isinstance(parameter.choices[0], str) else int(float(text))


def plain_space(count: int, **more: Any) -> Space:
    """Parameters x0, x1, ... from 0 to 1."""
    params = tuple(Parameter(f"x{i}", "float", 0.0, 1.0) for i in range(count))
    return Space(name="plain", objective="score", params=params, **more)


def drawn(
    space: Space,
    n: int,
    objective: Callable[[dict[str, Any], np.random.Generator], float],
    *,
    seed: int = 0,
    phase: Phase = "random",
) -> Study:
    """`n` trials drawn evenly from the space, each worth `objective(params, rng)`."""
    rng = np.random.default_rng(seed)
    trials = []
    for number in range(n):
        params: dict[str, Any] = {}
        for parameter in space.in_order():
            if space.is_active(parameter, params):
                params[parameter.name] = _draw(parameter, rng)
        value = float(objective(params, rng))
        trials.append(Trial(number, params, value, "complete", phase, (value,)))
    return Study(space.name, space.objective, space.direction, space, tuple(trials))


def _draw(parameter: Parameter, rng: np.random.Generator) -> Any:
    values = parameter.values
    if values is not None:
        return values[int(rng.integers(len(values)))]
    return parameter.unscaled(float(rng.random()))
