"""Simulated searches whose truth is known: spaces, objectives, and studies that Optuna samples."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from lab.sweep.space import Parameter, Space
from lab.sweep.study import Study
from lab.sweep.trial import Trial

Objective = Callable[[dict[str, Any], np.random.Generator], float]


def plain(count: int) -> Space:
    return Space("plain", tuple(Parameter(f"x{i}", "float", 0.0, 1.0) for i in range(count)))


def mixed() -> Space:
    return Space(
        "mixed",
        (
            Parameter("model", "categorical", choices=("a", "b", "c")),
            Parameter("lr", "float", 1e-5, 1e-1, log=True),
            Parameter("x", "float", 0.0, 1.0),
            Parameter("depth", "int", 1, 6),
            Parameter("rate", "float", 0.0, 0.5, when={"model": ("a", "b")}),
        ),
    )


def sgd_space() -> Space:
    return Space(
        "sgd",
        (
            Parameter("optimizer", "categorical", choices=("adam", "sgd")),
            Parameter("momentum", "float", 0.0, 1.0, when={"optimizer": ("sgd",)}),
            Parameter("lr", "float", 0.0, 1.0),
        ),
    )


def dip_space() -> Space:
    return Space(
        "dip",
        (Parameter("lr", "float", 1e-5, 1e-1, log=True), Parameter("x", "float", 0.0, 1.0)),
    )


def pure_noise(_: dict[str, Any], rng: np.random.Generator) -> float:
    return float(rng.normal())


def two_real(params: dict[str, Any], rng: np.random.Generator) -> float:
    return float(params["x0"] - 2 * (params["x1"] - 0.7) ** 2 + 0.3 * rng.normal())


def additive(params: dict[str, Any], _: np.random.Generator) -> float:
    return sum(math.sqrt(w) * params[f"x{i}"] for i, w in enumerate((0.6, 0.3, 0.1)))


def well(lr: float) -> float:
    return math.exp(-(((math.log10(lr) + 4.2) / 0.5) ** 2))


def dip(params: dict[str, Any], _: np.random.Generator) -> float:
    return well(params["lr"]) + 0.35 * params["x"]


_GRID = np.asarray([well(10.0**e) for e in np.linspace(-5, -1, 4001)])
DIP_SHARE = float(_GRID.var() / (_GRID.var() + 0.35**2 / 12))


def sgd(params: dict[str, Any], rng: np.random.Generator) -> float:
    return float(3 * (params["optimizer"] == "adam") + rng.normal())


def hill(params: dict[str, Any], rng: np.random.Generator) -> float:
    return float(-4 * (params["x0"] - 0.5) ** 2 + 0.1 * rng.normal())


def rising(params: dict[str, Any], rng: np.random.Generator) -> float:
    return float(params["x0"] + 0.2 * rng.normal())


WEIGHTS = (1.0, 0.6, 0.4, 0.0)  # of four parameters, the last of which does not matter


def near(best: tuple[float, ...]) -> Objective:
    """Best at that point, with noise."""

    def objective(params: dict[str, Any], rng: np.random.Generator) -> float:
        off = sum(w * (params[f"x{i}"] - best[i]) ** 2 for i, w in enumerate(WEIGHTS))
        return float(-off + 0.05 * rng.normal())

    return objective


def some_real(params: dict[str, Any], rng: np.random.Generator) -> float:
    rate = params.get("rate", 0.2)
    return float(
        (params["model"] == "b") - 0.3 * (math.log10(params["lr"]) + 3) ** 2 + rate
        + 0.4 * rng.normal()
    )  # fmt: skip


def asked(space: Space, n: int, objective: Objective, *, seed: int, startup: int) -> Study:
    """`n` trials asked of Optuna: the first `startup` at random, the rest by its TPE."""
    import optuna

    from lab.sweep.storage import distribution

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rng = np.random.default_rng(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=startup)
        study = optuna.create_study(sampler=sampler, direction="maximize")
        trials = []
        for number in range(n):
            asked = study.ask()
            params: dict[str, Any] = {}
            for parameter in space.in_order():
                if space.is_active(parameter, params):
                    name = parameter.name
                    params[name] = asked._suggest(name, distribution(parameter))
            value = objective(params, rng)
            study.tell(asked, value)
            phase = "random" if number < startup else "adaptive"
            trials.append(Trial(number, params, value, "complete", phase, (value,)))
    return Study(space.name, "score", "maximize", space, tuple(trials))
