"""Training on grid tasks comes to a known bound, and says beside it what a constant comes to."""

from __future__ import annotations

import pytest

import cvkan


def outcome(config: cvkan.TrainingConfig) -> dict[str, float]:
    try:
        splits = cvkan.load(config)
    except cvkan.CvkanError as error:
        pytest.skip(str(error))
    return cvkan.fit(cvkan.build(config, splits.info), splits, config).test


@pytest.mark.parametrize("model", ["cvkan", "cnn"])
def test_the_rules_are_learned_in_seconds(model: str) -> None:
    test = outcome(cvkan.config_for("grid", model=model, epochs=3))
    assert test["test/accuracy"] > 0.5  # chance: 1 in 9
    assert test["test/majority"] == pytest.approx(1 / 9)
    assert test["test/accuracy_se"] < 0.04


@pytest.mark.slow
def test_arc_is_above_its_majority_class() -> None:
    tests = [outcome(cvkan.preset("grid", seed=seed, data_seed=seed)) for seed in range(3)]
    mean, majority = (
        sum(test[f"test/{name}"] for test in tests) / 3 for name in ("accuracy", "majority")
    )
    assert mean > majority
