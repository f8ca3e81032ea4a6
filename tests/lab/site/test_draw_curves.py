"""Curves against the values they were made of."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import pytest
from helpers import write_run

from lab.diagnosis import diagnose
from lab.record.run import Run
from lab.site.charts import Chart, charts_of, svg, ticks
from lab.workspace import Workspace


def drawn(folder: Path) -> list[Chart]:
    diagnosis = diagnose(Run.read(folder))
    return charts_of(diagnosis.curves, diagnosis.step_word)


def test_a_chart_a_quantity_and_a_line_a_split(workspace: Workspace) -> None:
    curves = {
        "time/epoch_seconds": [1.0, 2.0],
        "val/accuracy": [0.5, 0.75],
        "train/loss": [2.0, 1.0],
        "val/loss": [2.5, 1.5],
        "test/loss": {2: 1.25},
        "test/f1": {2: 0.5},
    }
    charts = drawn(write_run(workspace.runs, "20260120_100000", curves=curves))
    # One value makes no curve of its own.
    assert [chart.name for chart in charts] == ["loss", "accuracy", "epoch_seconds"]
    assert [line.metric for line in charts[0].lines] == ["train/loss", "val/loss", "test/loss"]
    assert [line.told for line in charts[0].lines] == ["best 1.00 at 2", "best 1.50 at 2", "1.25"]
    assert [line.told for line in charts[2].lines] == ["last 2.00"]
    assert charts[1].percent
    assert len({line.colour for line in charts[0].lines}) == 3


def test_places_are_proportional_to_values(workspace: Workspace) -> None:
    values = [3.0, 1.0, 2.0, 5.0]
    run = write_run(workspace.runs, "20260120_100000", curves={"val/x": values})
    picture = svg(drawn(run)[0])
    places = re.search(r'points="([^"]+)"', picture)
    assert places is not None
    pairs = [tuple(map(float, pair.split(","))) for pair in places[1].split()]
    xs, ys = [x for x, _ in pairs], [y for _, y in pairs]
    assert xs == pytest.approx([xs[0] + i * (xs[3] - xs[0]) / 3 for i in range(4)], abs=0.1)
    slope = (ys[3] - ys[1]) / (values[3] - values[1])
    assert slope < 0  # up is more
    assert ys == pytest.approx([ys[1] + slope * (v - values[1]) for v in values], abs=0.1)
    assert 'data-v="1:3 2:1 3:2 4:5"' in picture


def test_many_points_keep_their_peaks(workspace: Workspace) -> None:
    values = [math.sin(i / 50) for i in range(10_000)]
    values[4321], values[8765] = 9.0, -9.0
    run = write_run(workspace.runs, "20260120_100000", curves={"val/x": values})
    line = drawn(run)[0].lines[0]
    assert len(line.points) <= 402
    assert (4322, 9.0) in line.points
    assert (8766, -9.0) in line.points
    assert line.points[0] == (1, 0.0)
    assert line.points[-1] == (10_000, values[-1])
    assert list(line.points) == sorted(line.points)


def test_what_is_not_finite_is_marked_and_not_drawn(workspace: Workspace) -> None:
    curves = {"train/loss": [1.0, 2.0, math.inf, math.nan], "val/loss": [math.nan] * 4}
    picture = svg(drawn(write_run(workspace.runs, "20260120_100000", curves=curves))[0])
    assert "not finite at 1" in picture
    assert not re.search(r"(points|cx|cy|x1|y1)=\"[^\"]*(nan|inf)", picture)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.31, 0.44, [0.325, 0.35, 0.375, 0.4, 0.425]),
        (1, 60, [20, 40, 60]),
        (-1e300, 1e300, [-1e300, -5e299, 0, 5e299, 1e300]),
        (2, 2, [2]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high, 4) == pytest.approx(expected)


def test_classes_have_charts_of_their_own(workspace: Workspace) -> None:
    named = ("val/accuracy/cat", "test/accuracy/cat", "test/samples/cat")
    curves = {name: [0.5, 0.75] for name in named}
    charts = drawn(write_run(workspace.runs, "20260120_100000", curves=curves))
    assert {c.name: (c.percent, [line.metric for line in c.lines]) for c in charts} == {
        "accuracy/cat": (True, ["val/accuracy/cat", "test/accuracy/cat"]),
        "samples/cat": (False, ["test/samples/cat"]),
    }
    assert [line.colour for line in charts[0].lines] == [1, 2]


@pytest.mark.parametrize(
    ("low", "high"), [(7.4e-4, 7.75e-4), (1e-9, 3e-9), (1.2e6, 1.9e6), (-4e-5, 4e-5), (0, 1)]
)
def test_labels_fit_beside_the_chart(workspace: Workspace, low: float, high: float) -> None:
    run = write_run(workspace.runs, "20260120_100000", curves={"train/lr": [low, high]})
    labels = re.findall(r'<text class="y"[^>]*>([^<]+)</text>', svg(drawn(run)[0]))
    assert len(labels) >= 3
    assert all(len(label) <= 7 for label in labels)
    values = [float(label) for label in labels]
    steps = [b - a for a, b in itertools.pairwise(values)]
    assert steps == pytest.approx([steps[0]] * len(steps), rel=1e-3)
    assert all(low - (high - low) <= value <= high + (high - low) for value in values)
