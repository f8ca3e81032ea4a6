"""Losses that left the numbers, or ended above where they began."""

from __future__ import annotations

import math

from lab import numbers
from lab.diagnosis.curve import ENOUGH, TRAINING, Curve, of, smoothed
from lab.diagnosis.finding import DiagnosisFinding, Seen

TIMES_BEST = 2.0  # how far above its best a diverged training loss ends


def diverged(seen: Seen) -> list[DiagnosisFinding]:
    """A loss or gradient that is not finite; else a training loss that ended far above its best."""
    return _not_finite_loss(seen) or _exploded(seen)


def not_finite(seen: Seen) -> list[DiagnosisFinding]:
    """Metrics that are not finite although the losses are: most often a metric that is undefined
    on the data at hand."""
    if _not_finite_loss(seen):
        return []
    found = []
    for curve in seen.curves:
        bad = _bad(curve)
        if not bad:
            continue
        text = f"{curve.metric} is {_when(curve, seen.word)}, while the losses are finite."
        do = "See how it is computed: it may be undefined on these data."
        rule = "a metric other than a loss is not finite"
        found.append(
            DiagnosisFinding(
                "not finite", text, rule, {}, do, curve.metric, bad[0][0], ("check_metric",)
            )
        )
    return found


def _not_finite_loss(seen: Seen) -> list[DiagnosisFinding]:
    bad = [(_bad(c)[0][0], i) for i, c in enumerate(seen.curves) if _is_loss(c) and _bad(c)]
    if not bad:
        return []
    step, index = min(bad)
    curve = seen.curves[index]
    text = f"{curve.metric} is {_when(curve, seen.word)}."
    return [_divergence(seen, text, "first value of a loss that is not finite", {}, curve, step)]


def _exploded(seen: Seen) -> list[DiagnosisFinding]:
    for curve in of(seen.curves, TRAINING, ("loss", "mse")):
        if len(curve.points) < ENOUGH or curve.best is None:
            continue
        smooth = smoothed([value for _, value in curve.points])
        if not smooth[-1] > max(curve.first or 0.0, TIMES_BEST * abs(curve.best)):
            continue
        text = (
            f"{curve.metric} ends at {numbers.figure(curve.last)}, above its first value "
            f"{numbers.figure(curve.first)} and its best {numbers.figure(curve.best)}."
        )
        rule = (
            f"smoothed training loss ends above its first value and {TIMES_BEST:g} times its best"
        )
        limits = {"times_best": TIMES_BEST}
        return [_divergence(seen, text, rule, limits, curve, curve.best_step)]
    return []


def _divergence(
    seen: Seen, text: str, rule: str, limits: dict[str, float], curve: Curve, step: int | None
) -> DiagnosisFinding:
    keys = ["lower_lr", "clip_gradients"]
    do = (
        f"Lower the learning rate{seen.now('lr')} or clip gradients, and look at the batch where "
        "it happens."
    )
    if seen.half_precision:
        keys.insert(0, "disable_amp")
        do = f"Train in full precision first: half precision overflows early. {do}"
    return DiagnosisFinding("diverged", text, rule, limits, do, curve.metric, step, tuple(keys))


def _is_loss(curve: Curve) -> bool:
    return curve.goal == "min" or "grad" in curve.metric


def _bad(curve: Curve) -> list[tuple[int, float]]:
    return [point for point in curve.points if not math.isfinite(point[1])]


def _when(curve: Curve, word: str) -> str:
    bad = _bad(curve)
    said = numbers.figure(bad[0][1])
    if len(bad) == len(curve.points):
        return f"{said} in every {word}"
    since = sum(step >= bad[0][0] for step, _ in curve.points)
    if len(bad) == since:
        return f"{said} from {word} {bad[0][0]} on"
    return f"{said} first at {word} {bad[0][0]}, in {len(bad)} of {len(curve.points)} {word}s"
