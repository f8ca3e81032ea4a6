"""The learning rate of every step, against values worked out by hand."""

from __future__ import annotations

import math

import pytest

import cvkan
from cvkan.training.schedules import LearningRate


def rate(**values: object) -> LearningRate:
    """Ten steps an epoch, peak 1."""
    return LearningRate(cvkan.config_for("image", lr=1.0, **values), steps_per_epoch=10)


def test_constant_stays() -> None:
    schedule = rate(schedule="constant", epochs=3)
    assert {schedule.at(step) for step in range(30)} == {1.0}


def test_warmup_is_linear_and_ends_at_the_peak() -> None:
    schedule = rate(schedule="constant", epochs=3, warmup=0.5)
    assert [schedule.at(step) for step in range(6)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 1])


def test_cosine_falls_from_the_peak_to_nearly_zero() -> None:
    schedule = rate(schedule="cosine", epochs=4)
    expected = {0: 1.0, 10: 0.5 + math.sqrt(0.5) / 2, 20: 0.5, 30: 0.5 - math.sqrt(0.5) / 2}
    assert {step: schedule.at(step) for step in expected} == pytest.approx(expected)
    assert schedule.at(39) == pytest.approx((1 - math.cos(math.pi / 40)) / 2)


def test_cosine_begins_where_the_warmup_ends() -> None:
    schedule = rate(schedule="cosine", epochs=3, warmup=1)
    assert schedule.at(9) == schedule.at(10) == 1.0
    assert schedule.at(20) == pytest.approx(0.5)


def test_plateau_halves_after_its_patience_and_starts_counting_again() -> None:
    schedule = rate(schedule="plateau", epochs=9, plateau_patience=2)
    seen = []
    for improved in (True, False, False, False, True, False, False, False, False):
        seen.append(schedule.at(0))
        schedule.epoch_ended(improved=improved)
    assert seen == [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25]
    assert schedule.at(0) == 0.125


def test_only_plateau_heeds_validation() -> None:
    schedule = rate(schedule="constant")
    for _ in range(9):
        schedule.epoch_ended(improved=False)
    assert schedule.at(0) == 1.0
