"""Curves of a run as inline SVG: one chart a quantity, one line a split."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from lab import numbers
from lab.diagnosis import Curve
from lab.record.metrics import is_bookkeeping

_WIDTH, _HEIGHT = 400, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 10, 8, 26
_LETTERS = 6  # that fit on the left
_MOST = 400  # points drawn of a line; more would not be told apart
_SPLITS = {"train": 0, "val": 1, "valid": 1, "validation": 1, "test": 2}
_FIRST = ("loss", "accuracy")


@dataclass(frozen=True)
class Line:
    """One split of a quantity; `points` are (step, value), `lost` the first step not finite."""

    metric: str
    colour: int
    points: tuple[tuple[int, float], ...]
    best: tuple[int, float] | None  # the last of a learning rate or a time
    lost: int | None

    @property
    def split(self) -> str:
        return _split_of(self.metric)

    @property
    def told(self) -> str:
        """Its best value and where, the last of what has no best, or the only one."""
        if self.best is None:
            return "not finite"
        value = numbers.amount(self.metric, self.best[1], with_unit=False)
        if len(self.points) <= 1:
            return value
        return f"last {value}" if is_bookkeeping(self.metric) else f"best {value} at {self.best[0]}"


@dataclass(frozen=True)
class Chart:
    """One quantity over steps."""

    name: str
    percent: bool
    step_word: str
    lines: tuple[Line, ...]


def charts_of(curves: Iterable[Curve], step_word: str) -> list[Chart]:
    """A chart for every quantity that has more than one value, losses and accuracies first."""
    groups: dict[str, list[Curve]] = {}
    for curve in curves:
        # One of a class has a chart of its own, as any of a split: `accuracy/cat`.
        groups.setdefault(curve.metric.partition("/")[2] or curve.metric, []).append(curve)
    found = [
        Chart(name, numbers.is_fraction(group[0].metric), step_word, tuple(_lines(group)))
        for name, group in groups.items()
        if any(len(curve.points) > 1 for curve in group)
    ]
    return sorted(found, key=lambda c: _FIRST.index(c.name) if c.name in _FIRST else len(_FIRST))


def _split_of(metric: str) -> str:
    """ "val" of "val/accuracy" and of "val/accuracy/cat"."""
    return metric.partition("/")[0] if "/" in metric else ""


def _lines(curves: Sequence[Curve]) -> Iterable[Line]:
    free = 3
    for curve in curves:
        colour = _SPLITS.get(_split_of(curve.metric), free)
        free += colour == free
        finite = [(step, value) for step, value in curve.points if math.isfinite(value)]
        lost = next((step for step, value in curve.points if not math.isfinite(value)), None)
        best = None
        if curve.best is not None and curve.best_step is not None and finite:
            best = (curve.best_step, curve.best)
            best = finite[-1] if is_bookkeeping(curve.metric) else best
        yield Line(curve.metric, colour % 6, _thinned(finite), best, lost)


def _thinned(points: Sequence[tuple[int, float]]) -> tuple[tuple[int, float], ...]:
    """At most `_MOST` points: of each stretch the lowest and the highest, so that no peak goes."""
    if len(points) <= _MOST:
        return tuple(points)
    size = 2 * len(points) / _MOST
    kept: dict[tuple[int, float], None] = {points[0]: None}
    for i in range(_MOST // 2):
        part = points[round(i * size) : round((i + 1) * size)]
        if part:
            ends = {min(part, key=lambda p: p[1]), max(part, key=lambda p: p[1])}
            kept.update(dict.fromkeys(sorted(ends)))
    kept[points[-1]] = None
    return tuple(kept)


def svg(chart: Chart) -> Markup:
    """The chart; its lines carry their values, for the readout that follows the pointer."""
    points = [point for line in chart.lines for point in line.points]
    if not points:
        return Markup("")
    frame = _Frame.around(points)
    lost = sorted({line.lost for line in chart.lines if line.lost is not None})
    parts = [
        *_axes(chart, frame),
        *(_drawn(line, frame) for line in chart.lines),
        *(_cross(frame, step) for step in lost if frame.low_x <= step <= frame.high_x),
        f'<line class="cursor" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>',
    ]
    ends = (frame.low_x, frame.high_x, _LEFT, _WIDTH - _RIGHT)
    head = (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(chart.name)} over {escape(chart.step_word)}s" '
        f'data-x="{" ".join(f"{end:.17g}" for end in ends)}" '
        f'data-word="{escape(chart.step_word)}" data-percent="{int(chart.percent)}">'
    )
    return Markup(f"{head}{''.join(parts)}</svg>")


@dataclass(frozen=True)
class _Frame:
    """From values to places in the drawing."""

    low_x: float
    high_x: float
    low_y: float
    high_y: float

    @classmethod
    def around(cls, points: Sequence[tuple[int, float]]) -> _Frame:
        xs, ys = [x for x, _ in points], [y for _, y in points]
        low, high = min(ys), max(ys)
        margin = (high - low) * 0.05 or abs(high) * 0.05 or 0.5
        floor = 0.0 if low >= 0 and low - margin < 0 else low - margin
        # Values at the ends of what floats hold would make the frame infinite.
        big = 1e300
        return cls(
            float(min(xs)),
            float(max(xs)) if max(xs) > min(xs) else min(xs) + 1.0,
            max(floor, -big),
            min(high + margin, big),
        )

    def x(self, step: float) -> float:
        part = (step - self.low_x) / (self.high_x - self.low_x)
        return round(_LEFT + part * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        part = (value / 2 - self.low_y / 2) / (self.high_y / 2 - self.low_y / 2)
        return round(_HEIGHT - _BOTTOM - part * (_HEIGHT - _TOP - _BOTTOM), 1)


def _axes(chart: Chart, frame: _Frame) -> Iterable[str]:
    for value in ticks(frame.low_y, frame.high_y, 4):
        y = frame.y(value)
        yield f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'
        text = f"{100 * value:g}%" if chart.percent else _short(value)
        yield f'<text class="y" x="{_LEFT - 7}" y="{y + 4:g}">{text}</text>'
    for value in ticks(frame.low_x, frame.high_x, 6):
        if value == round(value):
            yield f'<text class="x" x="{frame.x(value)}" y="{_HEIGHT - 7}">{value:g}</text>'


def _short(value: float) -> str:
    """A value in few letters, which is all that fits beside a chart: 0.00077 is "7.7e-4"."""
    text = f"{value:g}"
    if len(text) <= _LETTERS and "e" not in text:
        return text
    digits, power = f"{value:.4e}".split("e")
    written = f"{float(digits):g}e{int(power)}"
    return written if len(written) <= len(text) else text


def _drawn(line: Line, frame: _Frame) -> str:
    places = " ".join(f"{frame.x(x):g},{frame.y(y):g}" for x, y in line.points)
    data = " ".join(f"{x}:{y:.6g}" for x, y in line.points)
    shape = (
        f'<polyline class="line s{line.colour}" points="{places}" '
        f'data-name="{escape(line.metric)}" data-v="{data}"/>'
    )
    dots = [line.best] if line.best and len(line.points) > 1 else list(line.points[:1])
    for x, y in dots:
        if frame.low_x <= x <= frame.high_x:
            shape += (
                f'<circle class="dot s{line.colour}" cx="{frame.x(x)}" cy="{frame.y(y)}" r="3.2"/>'
            )
    return shape


def _cross(frame: _Frame, step: int) -> str:
    """A mark at the first step whose value was not finite."""
    place = f"M{frame.x(step) - 4:g} {_TOP + 2}l8 8m0 -8l-8 8"
    return f'<path class="lost" d="{place}"><title>not finite at {step}</title></path>'


def ticks(low: float, high: float, about: int) -> list[float]:
    """Round values between two ends, roughly so many.

    ticks(0, 1, 4)  # [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    rough = (high / about) - (low / about)
    if not (rough > 0 and math.isfinite(rough)):
        return [low]
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.7), 10 * power)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [float(f"{i * step:.12g}") for i in range(first, min(last, first + 20) + 1)]
