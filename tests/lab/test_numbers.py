"""How numbers are said."""

from __future__ import annotations

import math

import pytest

from lab import numbers


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.92, "0.920"),
        (1.2370794, "1.24"),
        (12.3456, "12.3"),
        (1234.5, "1230"),
        (0.00012345, "0.000123"),
        (2.5e-7, "2.50e-07"),
        (1.5e9, "1.50e+09"),
        (0.9996, "1.00"),
        (-0.5, "-0.500"),
        (0.0, "0"),
        (None, "–"),
        (math.nan, "NaN"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
    ],
)
def test_figure(value: float | None, said: str) -> None:
    assert numbers.figure(value) == said


@pytest.mark.parametrize(
    ("metric", "value", "said"),
    [
        ("val/accuracy", 0.4821, "48.2%"),
        ("test/top5_acc", 1.0, "100.0%"),
        ("val/mse", 0.92, "0.920 MSE"),
        ("train/loss", 1.5, "1.50 loss"),
        ("val/auroc", 0.6633, "0.663 AUROC"),
        ("val/balanced_accuracy", 0.5, "50.0%"),
        ("val/accuracy/S1", 0.5, "50.0%"),
        ("val_acc", 0.5, "50.0%"),
        ("val/recall/S1", 0.5, "0.500 recall S1"),
        ("val/accuracy", math.nan, "NaN"),
        ("val/mse", None, "–"),
    ],
)
def test_amount(metric: str, value: float | None, said: str) -> None:
    assert numbers.amount(metric, value) == said


@pytest.mark.parametrize(
    ("metric", "value", "like", "said"),
    [
        ("val/accuracy", 0.014, None, "+1.4 points"),
        ("val/accuracy", -0.014, None, "-1.4 points"),
        ("val/accuracy", 0.0, None, "0.0 points"),
        ("val/accuracy", -0.0001, None, "0.0 points"),
        ("val/mse", -0.0123, 0.92, "-0.012"),
        ("val/mse", 0.0, 0.92, "0.000"),
        ("val/mse", 0.00004, 0.92, "+4e-05"),
        ("val/mse", None, None, "–"),
        ("val/perplexity", 130.0, 1230.0, "+130"),
    ],
)
def test_delta(metric: str, value: float | None, like: float | None, said: str) -> None:
    assert numbers.delta(metric, value, like=like) == said


@pytest.mark.parametrize(
    ("metric", "one", "other", "said"),
    [
        ("val/accuracy", 0.76, 0.71, "76.0% against 71.0%"),
        ("val/accuracy", 0.3034, 0.3027, "30.34% against 30.27%"),
        ("val/accuracy", 0.30311, 0.30294, "30.31% against 30.29%"),
        ("val/accuracy", 0.5, 0.5, "50.0% against 50.0%"),
        ("test/mse", 0.3681, 0.3679, "0.3681 MSE against 0.3679 MSE"),
        ("test/mse", 0.3684, 0.3686, "0.3684 MSE against 0.3686 MSE"),
        ("test/mse", 0.36801, 0.36794, "0.3680 MSE against 0.3679 MSE"),
        ("test/mse", 0.38, 1.02, "0.380 MSE against 1.02 MSE"),
        ("test/mse", 1234.0, 1236.0, "1234 MSE against 1236 MSE"),
        ("test/mse", 2.5e-7, 2.5001e-7, "2.5000e-07 MSE against 2.5001e-07 MSE"),
        ("test/mse", 0.38, None, "0.380 MSE against –"),
        ("test/mse", 0.38, math.nan, "0.380 MSE against NaN MSE"),
    ],
)
def test_values_against_each_other_show_how_they_differ(
    metric: str, one: float, other: float | None, said: str
) -> None:
    assert numbers.against(metric, one, other) == said


def test_spoken() -> None:
    assert numbers.spoken("val/accuracy") == "validation accuracy"
    assert numbers.spoken("test/mse") == "test MSE"
    assert numbers.spoken("val/accuracy/S1") == "validation accuracy S1"
    assert numbers.spoken("reward") == "reward"


@pytest.mark.parametrize(("n", "said"), [(0, "no seed"), (1, "one seed"), (3, "3 seeds")])
def test_counted(n: int, said: str) -> None:
    assert numbers.counted(n, "seed") == said


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("pooling", "Pooling"),
        ("d_complex", "d_complex"),
        ("lr", "lr"),
        ("suite.arm", "Arm"),
        ("", ""),
    ],
)
def test_a_parameter_that_is_no_word_is_told_as_it_is_written(name: str, told: str) -> None:
    assert numbers.titled(name) == told
