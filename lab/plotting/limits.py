"""The range of the vertical axis, and the bands that go on beyond it."""

from __future__ import annotations

from collections.abc import Iterable

from lab import numbers
from lab.plotting.curves import ArmCurve, CurvePlot, Panel, Point

_BAND_ROOM = 0.5  # of the range of means: how much of it wide bands may add to an axis
_LOG_FROM = 50.0  # a loss that spans this factor is drawn on a logarithmic axis
_NAMED = 3  # arms that are named; of more only their number is told


def is_logarithmic(panel: Panel, metric: str) -> bool:
    """Whether the means and values are drawn on a logarithmic axis."""
    low, high = _range(panel)
    return not numbers.is_fraction(metric) and low > 0 and high / low > _LOG_FROM


def limits(panel: Panel) -> tuple[float, float]:
    """What a linear axis shows: the means and values, with some room for wide bands."""
    low, high = _range(panel)
    room = _BAND_ROOM * (high - low)
    points = [point for arm in panel.arms for point in arm.points]
    lows = [p.low for p in points if p.low is not None]
    highs = [p.high for p in points if p.high is not None]
    bottom = max(min([low, *lows]), low - room) if high > low else min([low, *lows])
    top = min(max([high, *highs]), high + room) if high > low else max([high, *highs])
    pad = 0.06 * (top - bottom) or 0.05 * abs(top) or 0.05
    return bottom - pad, top + pad


def cut_bands(plot: CurvePlot) -> str:
    """The sentence on bands that are wider than the axis; empty where none is."""
    arms = dict.fromkeys(
        arm.name for panel in plot.panels for arm in panel.arms if _is_cut(arm, panel, plot)
    )
    if not arms:
        return ""
    names = list(arms)
    one, many = ("bar", "bars") if plot.single else ("band", "bands")
    if len(names) == 1:
        return f"The {one} of {names[0]} is cut at the axis."
    if len(names) > _NAMED:
        return f"The {many} of {len(names)} arms are cut at the axis."
    return f"The {many} of {', '.join(names[:-1])} and {names[-1]} are cut at the axis."


def _is_cut(arm: ArmCurve, panel: Panel, plot: CurvePlot) -> bool:
    # A logarithmic axis ends somewhere above zero.
    logarithmic = is_logarithmic(panel, plot.metric)
    bottom, top = (0.0, float("inf")) if logarithmic else limits(panel)
    return any(
        low is not None and high is not None and (low < bottom or high > top)
        for low, high in ((p.low, p.high) for p in _banded(arm, plot))
    )


def _banded(arm: ArmCurve, plot: CurvePlot) -> Iterable[Point]:
    """The points whose band is drawn: those that all runs of the arm reached."""
    return arm.points if plot.single else (p for p in arm.points if p.n == arm.n)


def _range(panel: Panel) -> tuple[float, float]:
    means = [p.mean for arm in panel.arms for p in arm.points]
    means += [value for arm in panel.arms for value in arm.values]
    return min(means, default=0.0), max(means, default=1.0)
