"""How often curves that show nothing are called something, and how often real ones are seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from lab.diagnosis.build import findings_of
from lab.diagnosis.curve import curves_of
from lab.diagnosis.finding import Seen

RUNS = 100
Curves = Mapping[str, Sequence[float]]


def rates(make: Callable[[np.random.Generator], Curves]) -> Counter[str]:
    """The share of RUNS simulated runs, in percent, in which each kind of finding is made."""
    random = np.random.default_rng(0)
    found: Counter[str] = Counter()
    for _ in range(RUNS):
        curves = make(random)
        rows = [
            {"step": step, **dict(zip(curves, values, strict=True))}
            for step, values in enumerate(zip(*curves.values(), strict=True), 1)
        ]
        seen = Seen(curves_of(rows, {}), "epoch", {"epochs": len(rows)})
        found.update({finding.kind for finding in findings_of(seen)})
    return Counter({kind: round(100 * count / RUNS) for kind, count in found.items()})


@pytest.mark.parametrize("n", [5, 10, 20, 50])
@pytest.mark.parametrize("noise", [0.01, 0.03, 0.10])
def test_flat_and_noisy_is_neither_overfit_nor_improving(n: int, noise: float) -> None:
    """Measured with 400 runs: overfit 0 to 5%, improving 0 to 2%."""

    def flat(random: np.random.Generator) -> Curves:
        falling = np.linspace(1, 0.5, n) + random.normal(0, 0.01, n)
        return {"val/loss": 1 + random.normal(0, noise, n), "train/loss": falling}

    found = rates(flat)
    assert found["overfit"] <= 8
    assert found["improving"] <= 5
    assert not {"diverged", "gap", "collapse", "chance"} & set(found)


def wandering(random: np.random.Generator, n: int, spread: float) -> np.ndarray:
    """Noise that hangs together over epochs: an autoregression with correlation 0.8."""
    steps = random.normal(0, spread, n)
    walk = [steps[0]]
    for step in steps[1:]:
        walk.append(0.8 * walk[-1] + 0.6 * step)
    return np.array(walk)


@pytest.mark.parametrize("n", [10, 20, 50, 100])
def test_slow_wander_is_seldom_overfitting(n: int) -> None:
    """Measured with 400 runs: 4 to 7%; by the noise of single epochs alone it was 9 to 22%."""

    def wander(random: np.random.Generator) -> Curves:
        return {"val/loss": 1 + wandering(random, n, 0.03), "train/loss": np.linspace(1, 0.5, n)}

    assert rates(wander)["overfit"] <= 10


@pytest.mark.parametrize("n", [20, 50])
def test_overfitting_is_seen_in_slow_wander(n: int) -> None:
    """Measured with 400 runs: 97 and 98%."""

    def overfit(random: np.random.Generator) -> Curves:
        part = np.arange(n) / n
        loss = 1 + 0.8 * np.exp(-8 * part) + 0.3 * np.clip(part - 0.5, 0, None)
        return {"val/loss": loss + wandering(random, n, 0.02), "train/loss": np.exp(-3 * part)}

    assert rates(overfit)["overfit"] >= 92


@pytest.mark.parametrize(("n", "rise", "noise", "least"), [
    (20, 0.15, 0.02, 75), (50, 0.15, 0.02, 97), (50, 0.30, 0.05, 97), (100, 0.15, 0.05, 80),
])  # fmt: skip
def test_real_overfitting_is_seen(n: int, rise: float, noise: float, least: int) -> None:
    def overfit(random: np.random.Generator) -> Curves:
        part = np.arange(n) / n
        loss = 1 + 0.8 * np.exp(-8 * part) + 2 * rise * np.clip(part - 0.5, 0, None)
        return {"val/loss": loss + random.normal(0, noise, n), "train/loss": np.exp(-3 * part)}

    assert rates(overfit)["overfit"] >= least


@pytest.mark.parametrize("n", [5, 10, 50])
def test_a_rising_accuracy_is_still_improving(n: int) -> None:
    def rising(random: np.random.Generator) -> Curves:
        return {"val/accuracy": 0.3 + 0.3 * np.arange(n) / n + random.normal(0, 0.01, n)}

    assert rates(rising)["improving"] >= 90


def test_large_noise_is_too_noisy_to_call_and_small_noise_a_plateau() -> None:
    def flat(noise: float) -> Counter[str]:
        return rates(lambda random: {"val/accuracy": 0.7 + random.normal(0, noise, 50)})

    assert flat(0.05)["too noisy"] >= 80
    assert flat(0.005)["plateau"] >= 90
    assert flat(0.005)["too noisy"] == 0
