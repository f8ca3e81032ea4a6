"""One metric over steps, and the few numbers that rules ask of it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab import numbers

ENOUGH = 5  # points; fewer make no curve
VALIDATION = ("val", "valid", "validation")
TRAINING = ("train", "training")

WIDE_FROM = 20  # points, from which 5 and not 3 are smoothed together


@dataclass(frozen=True)
class Curve:
    """Best, last and first of one metric; `points` are (step, value) in order."""

    metric: str
    goal: str  # "max" or "min"
    best: float | None
    best_step: int | None
    first: float | None
    last: float | None
    last_step: int | None
    points: tuple[tuple[int, float], ...] = field(repr=False)

    @property
    def split(self) -> str:
        return self.metric.rpartition("/")[0]

    @property
    def name(self) -> str:
        return self.metric.rpartition("/")[2]

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is."""
        return 1 if self.goal == "max" else -1

    @property
    def finite(self) -> list[tuple[int, float]]:
        return [point for point in self.points if math.isfinite(point[1])]

    @property
    def whole(self) -> bool:
        """Whether there are enough points for a shape, all of them finite."""
        return len(self.points) >= ENOUGH and len(self.finite) == len(self.points)


def curves_of(
    history: Sequence[Mapping[str, Any]], summary: Mapping[str, Any]
) -> tuple[Curve, ...]:
    """Every metric in the rows of a metrics.jsonl, in the order written."""
    from lab.record.metrics import goal_of

    points: dict[str, list[tuple[int, float]]] = {}
    for i, row in enumerate(history):
        step = row.get("step", i)
        for name, value in row.items():
            if "/" in name and isinstance(value, int | float):
                # A float stays the object it is: it may know which run it is of.
                point = value if isinstance(value, float) else float(value)
                points.setdefault(name, []).append((step, point))
    goals = {name: (summary.get(name) or {}).get("goal") for name in points}
    return tuple(
        _curve(name, found, str(goals[name] or goal_of(name))) for name, found in points.items()
    )


def _curve(metric: str, points: list[tuple[int, float]], goal: str) -> Curve:
    finite = [(step, value) for step, value in points if math.isfinite(value)]
    pick = max if goal == "max" else min
    best = pick(finite, key=lambda point: point[1], default=(None, None))
    return Curve(
        metric=metric,
        goal=goal,
        best=best[1],
        best_step=best[0],
        first=points[0][1],
        last=points[-1][1],
        last_step=points[-1][0],
        points=tuple(points),
    )


def of(
    curves: Sequence[Curve], splits: tuple[str, ...], names: tuple[str, ...] = ()
) -> list[Curve]:
    """Curves of these splits; with `names`, only those, in that order."""
    found = [curve for curve in curves if curve.split in splits]
    if not names:
        return found
    wanted = [curve for curve in found if curve.name in names]
    return sorted(wanted, key=lambda curve: names.index(curve.name))


def telling(curves: Sequence[Curve]) -> Curve | None:
    """The validation curve to judge the end of a run by: an accuracy first, a loss last."""
    found = [c for c in of(curves, VALIDATION) if c.whole and _is_quality(c)]
    order = sorted(found, key=lambda c: (not numbers.is_fraction(c.metric), c.name == "loss"))
    return order[0] if order else None


def _is_quality(curve: Curve) -> bool:
    """Whether a metric tells how good a model is, and not how its data are."""
    return not any(word in curve.name for word in ("majority", "_se", "share", "chance"))


def smoothed(values: Sequence[float], *, part: float = 0.0) -> list[float]:
    """Running median over 3 values, 5 where there are 20 or more: one odd epoch is no trend.

    With `part`, over that part of the curve where that is more.
    """
    half = half_width(len(values), part)
    return [statistics.median(values[max(0, i - half) : i + half + 1]) for i in range(len(values))]


def half_width(n: int, part: float = 0.0) -> int:
    """How many neighbours on each side `smoothed` takes in."""
    return max(1 if n < WIDE_FROM else 2, int(n * part / 2))


def noise(values: Sequence[float]) -> float:
    """The standard deviation of the scatter of a curve around its course.

    From second differences, in which a straight course vanishes and white noise has six times its
    variance; by their median, which single jumps do not move.
    """
    bends = [abs(a - 2 * b + c) for a, b, c in zip(values, values[1:], values[2:], strict=False)]
    return 1.4826 * statistics.median(bends) / math.sqrt(6) if bends else 0.0


def gain(curve: Curve, part: float) -> float:
    """Improvement, by the goal, of the smoothed curve over its last `part`."""
    smooth = smoothed([value for _, value in curve.points])
    start = smooth[-max(2, math.ceil(part * len(smooth)))]
    return (smooth[-1] - start) * curve.sign


def both_finite(a: float | None, b: float | None) -> bool:
    return a is not None and b is not None and math.isfinite(a) and math.isfinite(b)
