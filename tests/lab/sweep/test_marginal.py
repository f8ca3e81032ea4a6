"""Effects: intervals and tests that hold, shapes named rightly, and what changes nothing."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sweep_helpers import drawn, plain_space, visual_study

from lab.sweep.association import blocks, grouping, shuffles, spearman_interval, trend
from lab.sweep.baseline import baseline
from lab.sweep.configuration import configurations, factors, noise_variance
from lab.sweep.marginal import Marginals, marginals
from lab.sweep.space import Parameter, Space
from lab.sweep.study import Study
from lab.sweep.trial import Trial
from lab.sweep.winner import winner


def effects(study: Study) -> Marginals:
    return marginals(factors(study, configurations(study)))


def test_shuffles_stay_in_their_blocks_and_keep_every_trial() -> None:
    block = blocks([False, True, True, False, *[True] * 24])
    assert sorted(set(block)) == [0, 1, 2]
    for order in shuffles(block, 20):
        assert sorted(order) == list(range(len(block)))
        assert [block[i] for i in order] == list(block)


def test_kruskal_wallis_is_the_one_of_scipy() -> None:
    rng = np.random.default_rng(1)
    y, kinds = rng.normal(size=30), list("abc") * 10
    known = stats.kruskal(*(y[[k == kind for k in kinds]] for kind in "abc"))
    found = grouping(kinds, y.tolist(), [0] * 30)
    assert found.statistic == pytest.approx(known.statistic)
    assert found.p == pytest.approx(known.pvalue, abs=0.06)


def test_rho_is_the_one_of_scipy_and_its_interval_the_one_of_bonett_and_wright() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 25)).round(1)
    found = trend(x.tolist(), y.tolist(), [0] * 25)
    rho = stats.spearmanr(x, y).statistic
    half = 1.959964 * math.sqrt((1 + rho**2 / 2) / 22)
    assert found.rho == pytest.approx(rho)
    assert found.high == pytest.approx(math.tanh(math.atanh(rho) + half))


@pytest.mark.parametrize("n", [10, 20])
def test_the_interval_covers_what_it_promises(n: int) -> None:
    rng = np.random.default_rng(n)
    truth = 6 / math.pi * math.asin(0.6 / 2)  # Spearman's rho of a normal pair with r = 0.6
    hits = 0
    for _ in range(400):
        x = rng.normal(size=n)
        y = 0.6 * x + 0.8 * rng.normal(size=n)
        low, high = spearman_interval(stats.spearmanr(x, y).statistic, n) or (0.0, 0.0)
        hits += low <= truth <= high
    assert 0.92 <= hits / 400 <= 0.99


@pytest.mark.parametrize(
    ("objective", "word"),
    [
        (lambda x: x, "rising"),
        (lambda x: -(x**3), "falling"),
        (lambda x: -((x - 0.5) ** 2), "interior optimum"),
        (lambda x: (x - 0.5) ** 2, "worst in the middle"),
    ],
)
def test_shapes_have_their_names(objective: Any, word: str) -> None:
    study = drawn(plain_space(3), 60, lambda p, rng: objective(p["x0"]) + 0.02 * rng.normal())
    found = effects(study).of("x0")
    assert found is not None
    assert (found.verdict, found.direction) == ("matters", word)


def test_fewer_than_twenty_configurations_have_no_verdict() -> None:
    found = effects(drawn(plain_space(2), 19, lambda p, _: p["x0"]))
    assert {e.verdict for e in found.effects} == {"too few trials"}
    assert found.family == 0


def test_a_parameter_of_a_branch_is_not_blamed_for_its_branch() -> None:
    space = Space(
        name="sgd",
        params=(
            Parameter("optimizer", "categorical", choices=("adam", "sgd")),
            Parameter("momentum", "float", 0.0, 1.0, when={"optimizer": ("sgd",)}),
            Parameter("lr", "float", 1e-4, 1.0, log=True),
        ),
    )
    study = drawn(space, 90, lambda p, rng: 3 * (p["optimizer"] == "adam") + rng.normal())
    found = effects(study)
    assert [e.verdict for e in found.effects] == ["matters", "no evidence", "no evidence"]
    assert found.effects[0].apart == (("adam", "sgd"),)


def drifting(seed: int, n: int = 60, count: int = 6) -> Study:
    """A sampler that closes in on what was best so far, on an objective that is x0 and noise."""
    rng = np.random.default_rng(seed)
    space = plain_space(count)
    trials: list[Trial] = []
    for number in range(n):
        params = {name: float(rng.random()) for name in space.names}
        if number >= 10:
            lead = sorted(trials, key=lambda t: -(t.value or 0.0))[int(rng.integers(4))].params
            params = {
                name: float(np.clip(lead[name] + 0.12 * rng.normal(), 0, 1)) for name in params
            }
        value = 2 * params["x0"] + 0.5 * rng.normal()
        trials.append(Trial(number, params, value, "complete", "adaptive", (value,)))
    return Study("drift", "score", "maximize", space, tuple(trials))


def test_a_sampler_that_drifts_fools_the_usual_test_and_not_this_one() -> None:
    usual = ours = tests = 0
    for seed in range(25):
        study = drifting(seed)
        for effect in effects(study).effects[1:]:
            tests += 1
            ours += (effect.p or 1.0) <= 0.05
            scores = effect.factor.scores
            usual += stats.spearmanr(effect.factor.places, scores).pvalue <= 0.05
    assert usual / tests > 0.15
    assert ours / tests < 0.09


def test_noise_matters_in_one_study_of_twenty_at_most() -> None:
    flagged = 0
    for seed in range(40):
        study = drawn(plain_space(5), 40, lambda _, rng: rng.normal(), seed=seed)
        flagged += bool(effects(study).found)
    assert flagged <= 4


def verdicts(study: Study) -> list[tuple[str, str]]:
    return sorted((e.verdict, e.direction) for e in effects(study).effects)


def test_names_order_units_and_constants_change_no_verdict() -> None:
    study = drawn(plain_space(4), 50, lambda p, rng: p["x1"] - p["x2"] + 0.3 * rng.normal())
    before = verdicts(study)

    def changed(trial: Trial) -> Trial:
        params = {f"z{9 - int(k[1])}": 10 ** (4 * v - 5) for k, v in trial.params.items()}
        value = 7 + 3 * (trial.value or 0.0)
        return dataclasses.replace(trial, params=params, value=value, values=(value,))

    params = tuple(Parameter(f"z{i}", "float", 1e-5, 1e-1, log=True) for i in range(6, 10))
    space = Space(name="renamed", params=params)
    other = dataclasses.replace(study, space=space, trials=tuple(map(changed, study.trials)))
    assert verdicts(other) == before


def test_the_other_direction_turns_signs_only() -> None:
    study = drawn(plain_space(3), 50, lambda p, rng: p["x1"] + 0.1 * rng.normal())
    turned = tuple(
        dataclasses.replace(t, value=-(t.value or 0.0), values=(-t.values[0],))
        for t in study.trials
    )
    other = dataclasses.replace(study, direction="minimize", trials=turned)
    assert verdicts(other) == verdicts(study)


def test_a_seed_given_twice_and_a_setting_given_twice_are_one() -> None:
    params = {"x0": 0.5}
    one = Trial(0, params, 0.7, "complete", "random", (0.6, 0.8), (0, 1))
    same = Trial(1, params, 0.6, "complete", "random", (0.6,), (0,))
    other = Trial(2, {"x0": 0.1}, 0.2, "complete", "random", (0.2,), (0,))
    study = Study("s", "score", "maximize", plain_space(1), (one, same, other))
    rows = configurations(study)
    assert [(row.number, row.values) for row in rows] == [(0, (0.6, 0.8)), (2, (0.2,))]
    assert noise_variance(row.values for row in rows) == pytest.approx((0.02, 1))


def test_the_best_of_many_is_expected_to_score_less() -> None:
    rng = np.random.default_rng(0)
    promised, expected, truth = [], [], []
    for _ in range(60):
        true = rng.normal(size=40)
        trials = []
        for number, level in enumerate(true):
            values = tuple(level + rng.normal(size=2))
            mean = float(np.mean(values))
            trials.append(
                Trial(number, {"x0": number / 40}, mean, "complete", "random", values, (0, 1))
            )
        study = Study("s", "score", "maximize", plain_space(1), tuple(trials))
        found = winner(configurations(study))
        assert found is not None
        assert found.expected is not None
        promised.append(found.best.value)
        expected.append(found.expected)
        truth.append(true[found.best.number])
    assert np.mean(promised) - np.mean(truth) > 0.4
    assert abs(np.mean(expected) - np.mean(truth)) < 0.2


def test_one_class_alone_is_seen_and_so_is_what_moves_its_score() -> None:
    found = baseline(visual_study())
    assert found is not None
    assert (found.label, found.value, found.count) == ("S3", 0.2625, 10)
    assert found.moves == "batch_size"
    # 21 of 80 examples; batches of 32, 32 and 16, or 64 and 16, averaged as if equal in size.
    assert found.scores == ((16, 21 / 80), (32, 21 / 32 / 3), (64, 21 / 64 / 2))
