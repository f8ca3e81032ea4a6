"""The rule of the next space on simulated searches whose optimum is known.

Four parameters, three of which matter; the table of the analysis has 0.97 for random search and
0.98 for TPE with a random phase, against 0.65 for the best quarter of TPE trials alone.
"""

from __future__ import annotations

import random

import optuna
import pytest

from lab.sweep import Parameter, Space, Study, Trial
from lab.sweep.configuration import configurations, factors
from lab.sweep.good_range import good_span, narrowed

NAMES = ("a", "b", "c", "useless")
WEIGHTS = (1.0, 0.6, 0.4, 0.0)
SPACE = Space("s", tuple(Parameter(name, "float", 0.0, 1.0) for name in NAMES))


def searched(seed: int, trials: int, startup: int, best: tuple[float, ...]) -> Study:
    """A search by TPE after so many random trials, with noise."""
    noise = random.Random(seed)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(n_startup_trials=startup, seed=seed)
    study = optuna.create_study(
        direction="maximize",
        sampler=sampler,
    )
    found = []
    for number in range(trials):
        trial = study.ask()
        params = {name: trial.suggest_float(name, 0.0, 1.0) for name in NAMES}
        loss = sum(w * (params[n] - b) ** 2 for n, b, w in zip(NAMES, best, WEIGHTS, strict=True))
        value = -loss + 0.05 * noise.gauss(0, 1)
        study.tell(trial, value)
        phase = "random" if number < startup else "adaptive"
        found.append(Trial(number, params, value, "complete", phase, (value,)))  # type: ignore[arg-type]
    return Study("s", "val/accuracy", "maximize", SPACE, tuple(found))


def kept(study: Study, best: tuple[float, ...], margin: float) -> bool:
    """Whether the three parameters that matter keep their optimum."""
    for factor, at in list(zip(factors(study, configurations(study)), best, strict=True))[:3]:
        span = good_span(factor)
        assert span is not None
        changed = narrowed(factor.parameter, span, margin)
        if changed is not None and not changed[0].contains(at):
            return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize(("trials", "startup"), [(60, 60), (60, 24), (120, 24)])
def test_the_optimum_stays_inside_in_19_of_20_searches(trials: int, startup: int) -> None:
    place = random.Random(trials + startup)
    repeats, held = 100, 0
    for seed in range(repeats):
        best = tuple(place.uniform(0.1, 0.9) for _ in NAMES)
        held += kept(searched(seed, trials, startup, best), best, 0.15)
    assert held / repeats >= 0.95
