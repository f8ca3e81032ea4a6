"""Importance: the shares of Optuna's own forest, known answers, and silence where it must be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sweep_helpers import drawn, plain_space

from lab.sweep import forest
from lab.sweep.association import winsorised
from lab.sweep.configuration import configurations, factors
from lab.sweep.importance import fanova, ped_anova
from lab.sweep.space import Parameter, Space
from lab.sweep.study import Study


def ranked(study: Study, **more: Any) -> Any:
    rows = configurations(study)
    return fanova(rows, factors(study, rows), **({"shuffled": 19, "resampled": 10} | more))


def test_shares_are_those_of_optunas_forest() -> None:
    from optuna.importance._fanova._fanova import _Fanova

    rng = np.random.default_rng(3)
    x = rng.random((50, 4))
    y = x[:, 0] + np.sin(6 * x[:, 1]) * x[:, 2] + 0.1 * rng.normal(size=50)
    known = _Fanova(
        n_trees=forest.TREES, max_depth=64, min_samples_split=2, min_samples_leaf=1,
        seed=forest.SEED,
    )  # fmt: skip
    known.fit(x, y, np.array([[0.0, 1.0]] * 4), [np.array([i]) for i in range(4)])
    columns = [forest.Column(None, ordered=True)] * 4
    found = forest.shares(forest.grown(x, y), columns)
    assert found == pytest.approx([known.get_importance(i)[0] for i in range(4)], abs=1e-9)


def test_a_choice_is_one_parameter_and_its_columns_are_never_two_at_once() -> None:
    rng = np.random.default_rng(4)
    choice = rng.integers(3, size=300)
    y = np.array([0.0, 1.0, 5.0])[choice]
    columns = [
        forest.Column((0.0, 1.0, 2.0), ordered=False),
        forest.Column(None, ordered=True),
    ]
    x = forest.encoded(np.column_stack([choice, rng.random(300)]), columns)
    assert forest.shares(forest.grown(x, y), columns) == pytest.approx([1.0, 0.0], abs=1e-6)


def test_a_pure_interaction_is_the_pairs_and_nobodys_own() -> None:
    rng = np.random.default_rng(5)
    x = rng.random((800, 2))
    y = np.sign(x[:, 0] - 0.5) * np.sign(x[:, 1] - 0.5)
    columns = [forest.Column(None, ordered=True)] * 2
    grown = forest.grown(x, y)
    assert forest.shares(grown, columns).max() < 0.1
    assert forest.pair_share(grown, columns, 0, 1) > 0.8


def test_shares_of_an_additive_objective_come_in_their_order() -> None:
    def objective(params: dict[str, Any], _: Any) -> float:
        return sum(math.sqrt(w) * params[f"x{i}"] for i, w in enumerate((0.6, 0.3, 0.1)))

    (found,) = ranked(drawn(plain_space(3), 100, objective))
    assert [row.name for row in found.rows] == ["x0", "x1", "x2"]
    assert found.rows[0].first == 1.0


def test_a_dip_on_a_log_scale_is_seen() -> None:
    space = Space(
        name="dip",
        direction="minimize",
        params=(
            Parameter("lr", "float", 1e-5, 1e-1, log=True),
            Parameter("x", "float", 0.0, 1.0),
        ),
    )

    def dip(lr: float) -> float:
        return -math.exp(-(((math.log10(lr) + 4.2) / 0.5) ** 2))

    grid = np.array([dip(10**e) for e in np.linspace(-5, -1, 4001)])
    truth = grid.var() / (grid.var() + 0.35**2 / 12)
    study = drawn(space, 80, lambda p, _: dip(p["lr"]) + 0.35 * p["x"])
    (found,) = ranked(study)
    assert found.of("lr").share == pytest.approx(truth, abs=0.1)


def test_noise_has_no_ranking() -> None:
    (found,) = ranked(drawn(plain_space(4), 60, lambda _, rng: rng.normal()))
    assert found.rows == ()
    assert "explains nothing" in found.refused


def test_trials_of_a_sampler_without_exploration_are_not_ranked() -> None:
    adaptive = drawn(plain_space(3), 60, lambda p, _: p["x0"], phase="adaptive")
    (found,) = ranked(adaptive)
    assert found.rows == ()
    assert found.refused.startswith("exploration too small for importance: 0 of 60")


def test_parameters_of_a_branch_are_ranked_among_its_own_trials() -> None:
    space = Space(
        name="sgd",
        params=(
            Parameter("optimizer", "categorical", choices=("adam", "sgd")),
            Parameter("momentum", "float", 0.0, 1.0, when={"optimizer": ("sgd",)}),
            Parameter("lr", "float", 0.0, 1.0),
        ),
    )

    def objective(params: dict[str, Any], rng: np.random.Generator) -> float:
        return (params["optimizer"] == "adam") + params["lr"] + 0.2 * rng.normal()

    shared, branch = ranked(drawn(space, 90, objective))
    assert {row.name for row in shared.rows} == {"optimizer", "lr"}
    assert branch.where == "optimizer=sgd"
    assert [row.name for row in branch.rows] == ["momentum"]
    assert not branch.rows[0].above


def test_ped_anova_needs_random_trials_and_finds_what_sets_the_best_apart() -> None:
    study = drawn(plain_space(3), 60, lambda p, rng: p["x1"] + 0.1 * rng.normal())
    rows = configurations(study)
    found = ped_anova(rows, factors(study, rows), shuffled=19)
    assert found.rows[0].name == "x1"
    assert found.rows[0].above
    few = rows[:30]
    assert "40 are needed" in (ped_anova(few, factors(study, few), shuffled=19).refused or "")


def test_one_diverged_run_is_pulled_in_and_a_lucky_one_is_not() -> None:
    scores = np.array([1.0, 2.0, 3.0, 4.0, 5.0, -1e9, 100.0])
    found = winsorised(scores)
    assert found[-1] == 100.0
    assert -20 < found[-2] < 1
    assert (found[:-2] == scores[:-2]).all()


def test_parameters_of_few_values_do_not_hide_what_sets_the_best_apart() -> None:
    space = Space(
        "few",
        (
            Parameter("model", "categorical", choices=("a", "b", "c")),
            Parameter("batch_size", "categorical", choices=(8, 16, 32)),
            Parameter("layers", "int", 1, 2, when={"model": ("b", "c")}),
            Parameter("x", "float", 0.0, 1.0),
        ),
    )
    study = drawn(space, 60, lambda p, rng: (p["model"] == "a") + 0.1 * rng.normal(), seed=7)
    rows = configurations(study)
    found = ped_anova(rows, factors(study, rows), shuffled=39)
    assert [row.name for row in found.rows if row.above] == ["model"]
