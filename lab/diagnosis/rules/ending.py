"""How the validation metric moved at the end: still better, hardly at all, or beyond telling."""

from __future__ import annotations

import math

from lab import numbers
from lab.diagnosis.curve import ENOUGH, Curve, gain, of, telling
from lab.diagnosis.finding import DiagnosisFinding, Seen, at, ratio
from lab.diagnosis.rules.broken import diverged
from lab.diagnosis.rules.overfit import overfit
from lab.diagnosis.trend import Trend, trend_of

GAIN = 0.01  # over the last quarter, of the metric's whole gain and of its value
FLAT = 0.005  # over the last third, of the metric's value
COARSE = 0.05  # a margin of the trend over the last third, of the metric's value
COARSE_POINTS = 0.03  # the same of accuracies, absolute
_COOLED = 0.02  # of its highest: a learning rate that has come to its end


def improving(seen: Seen) -> list[DiagnosisFinding]:
    """The validation metric was still gaining, beyond its noise, when the run ended."""
    curve = telling(seen.curves)
    if curve is None:
        return []
    late, whole, trend = gain(curve, 0.25), gain(curve, 1.0), end_of(curve)
    small = late <= 0 or late < GAIN * max(abs(curve.last or 0.0), whole)
    if small or not _ends_best(curve) or not (trend.certain and trend.change > 0):
        return []
    text = (
        f"{numbers.heading(curve.metric)} was still improving at {seen.word} "
        f"{curve.last_step} ({numbers.amount(curve.metric, curve.last)})."
    )
    rule = f"gain over the last quarter above {ratio(GAIN)} and its noise, best in the last tenth"
    if overfit(seen):
        do = "Its loss is overfitting all the same, so regularise before training longer."
        keys: tuple[str, ...] = ("regularise",)
    else:
        longer = f"about {2 * len(curve.points)} {seen.word}s"
        do = f"Run longer: {longer}{_schedule(seen)}."
        keys = ("longer",)
    return [
        DiagnosisFinding(
            "improving", text, rule, {"gain": GAIN}, do, curve.metric, curve.last_step, keys
        )
    ]


def plateau(seen: Seen) -> list[DiagnosisFinding]:
    """The validation metric gained next to nothing over the last third of a run."""
    found = _settled(seen)
    if found is None:
        return []
    curve, trend = found
    if not _still(curve, trend) and (trend.certain or trend.margin > _coarse(curve)):
        return []
    since = curve.points[-_third(curve)][0]
    text = (
        f"{numbers.heading(curve.metric)} has hardly moved since {seen.word} {since} "
        f"({numbers.amount(curve.metric, curve.last)})."
    )
    rule = (
        f"change over the last third below {ratio(FLAT)} of the value, or within its noise where "
        f"that hides less than {_coarse_said(curve)}"
    )
    do = "More epochs will not help; change the learning rate, the width or the data."
    limits = {"flat": FLAT, "coarse": _coarse(curve)}
    return [
        DiagnosisFinding("plateau", text, rule, limits, do, curve.metric, since, ("change_model",))
    ]


def noisy(seen: Seen) -> list[DiagnosisFinding]:
    """The validation metric scatters so much that neither a gain nor its end can be seen."""
    found = _settled(seen)
    if found is None:
        return []
    curve, trend = found
    if trend.certain or trend.margin <= _coarse(curve) or _still(curve, trend):
        return []
    since = curve.points[-_third(curve)][0]
    change = numbers.delta(curve.metric, trend.change * curve.sign, like=curve.last)
    margin = numbers.size(curve.metric, trend.margin, like=curve.last)
    text = (
        f"{numbers.heading(curve.metric)} is too noisy to call: since {seen.word} {since} it "
        f"changed by {change.removesuffix(' points')} ± {margin}."
    )
    rule = (
        f"change over the last third within its noise, which hides more than {_coarse_said(curve)}"
    )
    do = "Validate on more samples, or judge the mean over several seeds."
    keys = ("larger_validation", "more_seeds")
    return [
        DiagnosisFinding(
            "too noisy", text, rule, {"coarse": _coarse(curve)}, do, curve.metric, since, keys
        )
    ]


def too_short(seen: Seen) -> list[DiagnosisFinding]:
    """No curve has enough points to have a shape."""
    longest = max((len(curve.points) for curve in seen.curves), default=0)
    if longest >= ENOUGH:
        return []
    logged = numbers.counted(longest, seen.word)
    text = f"{logged.capitalize()} logged; a curve has a shape from {ENOUGH} on."
    rule = f"fewer than {ENOUGH} points"
    do = f"Run at least {ENOUGH} {seen.word}s to judge a curve."
    return [
        DiagnosisFinding("too short", text, rule, {"points": float(ENOUGH)}, do, keys=("longer",))
    ]


def _settled(seen: Seen) -> tuple[Curve, Trend] | None:
    """The curve to judge and its end, where nothing stronger has been said of it."""
    curve = telling(seen.curves)
    if curve is None or len(curve.points) < 2 * ENOUGH:
        return None
    if overfit(seen) or improving(seen) or diverged(seen):
        return None
    return curve, end_of(curve)


def _still(curve: Curve, trend: Trend) -> bool:
    return abs(trend.change) <= FLAT * abs(curve.last or 0.0)


def _coarse(curve: Curve) -> float:
    """The margin from which on the end of a curve is too noisy to call."""
    return COARSE_POINTS if numbers.is_fraction(curve.metric) else COARSE * abs(curve.last or 0.0)


def _coarse_said(curve: Curve) -> str:
    if numbers.is_fraction(curve.metric):
        return f"{100 * COARSE_POINTS:g} points"
    return f"{ratio(COARSE)} of the value"


def end_of(curve: Curve) -> Trend:
    """The trend of the last third of a curve, of five points at least; a gain is positive."""
    return trend_of([curve.sign * value for _, value in curve.points[-_third(curve) :]])


def _third(curve: Curve) -> int:
    return max(ENOUGH, math.ceil(len(curve.points) / 3))


def _ends_best(curve: Curve) -> bool:
    late = curve.points[-max(2, len(curve.points) // 10) :]
    return curve.best_step is not None and curve.best_step >= late[0][0]


def _schedule(seen: Seen) -> str:
    """What else has to grow: a learning rate that ended near zero ended the learning too."""
    for curve in of(seen.curves, ("train", "lr", "optimizer"), ("lr", "learning_rate")):
        highest = max((value for _, value in curve.finite), default=0.0)
        if curve.last is not None and curve.last <= _COOLED * highest:
            return (
                f", with a schedule as long ({curve.metric} had come down to "
                f"{at(curve.metric, curve.last)})"
            )
    return ""
