"""Numbers that remember their source, and texts that remember their numbers."""

from __future__ import annotations

import copy
import json
import math
import pickle

import pytest

from lab import numbers
from lab.duration import show_duration
from lab.provenance import Count, Quantity, Source, clipped, known, mean, telling, told

A = Source(("run_a",), "val/loss.best", "value of the run")
B = Source(("run_b",), "val/loss.best", "value of the run")


def quantity(value: float, source: Source = A) -> Quantity:
    return Quantity(value, source)


def test_a_quantity_is_a_float_to_everyone_else() -> None:
    x = quantity(0.25)
    assert isinstance(x, float)
    assert x == 0.25
    assert hash(x) == hash(0.25)
    assert math.sqrt(x) == 0.5
    assert json.dumps([x, Count(3, A)]) == "[0.25, 3]"
    assert f"{x:.1%} {x} {Count(3, A):03d}" == "25.0% 0.25 003"
    assert repr(x) == "0.25"
    assert type(copy.deepcopy(x)) is float
    assert type(pickle.loads(pickle.dumps(Count(3, A)))) is int


def test_arithmetic_keeps_the_source() -> None:
    a, b = quantity(0.5), quantity(0.25, B)
    for made, value in ((a - b, 0.25), (-a, -0.5), (100 * a, 50.0), (abs(-a), 0.5), (1 - a, 0.5)):
        assert made == value
        assert made.source.field == "val/loss.best"
    assert (a - b).source.runs == ("run_a", "run_b")
    assert (a - b).source.aggregation == "difference"
    assert sum([a, b]).source.aggregation == "sum of 2 values"
    assert (sum([a, b]) / 2).source.aggregation == "mean of 2 values"
    assert mean([a, b]).source == Source(("run_a", "run_b"), "val/loss.best", "mean over 2 runs")
    assert mean([a, 0.25]) == 0.375
    assert not hasattr(mean([a, 0.25]), "source")
    assert clipped(quantity(1.2), 0.0, 1.0).source == A
    assert known(True, A) is True


@pytest.mark.parametrize(
    ("said", "text", "rounding"),
    [
        (lambda x: numbers.percent(x), "25.0%", "percent, 1 decimal"),
        (lambda x: numbers.figure(x), "0.250", "3 significant digits"),
        (lambda x: numbers.points(x), "+25.0", "percentage points, 1 decimal"),
        (lambda x: numbers.amount("val/mse", x), "0.250", "3 significant digits"),
        (lambda x: numbers.delta("val/mse", x, like=0.5), "+0.250", "3 decimals"),
        (lambda x: numbers.size("val/accuracy", -x), "25.0", "percentage points, 1 decimal"),
        (lambda x: numbers.spread("val/accuracy", x), "25.0", "percentage points, 1 decimal"),
        (lambda x: show_duration(x), "0.2s", "duration in two units at most"),
        (lambda x: f"{x:.2f}", "0.25", "2 decimals"),
        (lambda x: str(x), "0.25", "as recorded"),
    ],
)
def test_what_is_said_is_marked_and_found_again(said: object, text: str, rounding: str) -> None:
    plain = f"é| {said(0.25)} and"  # type: ignore[operator]
    with telling() as ledger:
        marked = f"above\n{plain[:3]}{said(quantity(0.25))} and"  # type: ignore[operator]
    assert marked != plain
    back, (number,) = ledger.read(marked)
    assert back == f"above\n{plain}"
    assert (number.text, number.rounding, number.line) == (text, rounding, 1)
    assert back.split("\n")[1][number.start : number.end] == text
    assert number.source == A


def test_nothing_is_marked_outside() -> None:
    assert numbers.percent(quantity(0.25)) == "25.0%"
    assert told(quantity(0.25), "x", "") == "x"


def test_equal_numbers_are_marked_alike() -> None:
    with telling():
        one, two = numbers.percent(quantity(0.25)), numbers.percent(quantity(0.25))
        other = numbers.percent(quantity(0.25, B))
    assert one == two
    assert one != other
