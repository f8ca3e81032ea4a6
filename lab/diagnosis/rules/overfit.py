"""Training that goes on while validation gets worse, and how far apart the two end."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lab import numbers
from lab.diagnosis.course import wander_error
from lab.diagnosis.curve import (
    ENOUGH,
    TRAINING,
    VALIDATION,
    WIDE_FROM,
    Curve,
    both_finite,
    half_width,
    noise,
    of,
    smoothed,
)
from lab.diagnosis.finding import DiagnosisFinding, Seen, at, ratio, regularise
from lab.diagnosis.samples import accuracy_error

RISE = 0.05  # of the best validation loss
RISE_OF_START = 0.01  # of the first one: rises near zero loss mean nothing
FALL = 0.02  # of accuracy, where no loss is logged
WINDOW = 0.2  # of the curve, smoothed together: slow wander is no rise
NOISE = 3.0  # standard deviations of the scatter, of a mean of five values
NOISE_FEW = 5.0  # the same where there are too few values to know the scatter well
WANDER = 5.5  # standard errors of a smoothed value under noise that hangs together
WANDER_FROM = 10  # values, below which no such noise can be known
GAP = 0.10  # of accuracy
GAP_ERRORS = 2.0  # standard errors of the validation accuracy

_LOSSES = ("loss", "mse", "rmse", "mae", "perplexity", "error")


def overfit(seen: Seen) -> list[DiagnosisFinding]:
    """The validation loss, or accuracy where no loss is logged, is worse than at its best."""
    losses = of(seen.curves, VALIDATION, _LOSSES)
    curves = losses or of(seen.curves, VALIDATION, ("accuracy", "acc"))
    for curve in curves:
        if len(curve.finite) >= ENOUGH and curve.best_step is not None and _worse(curve):
            train = next(iter(of(seen.curves, TRAINING, (curve.name, "loss"))), None)
            if train is None or _went_on(train, curve.best_step):
                return [_overfit(seen, curve, train)]
    return []


def _worse(curve: Curve) -> bool:
    """Whether the smoothed curve ends worse than it was, beyond its noise."""
    values = [curve.sign * value for _, value in curve.finite]
    smooth = smoothed(values, part=WINDOW)
    loss = max(smooth) - smooth[-1]
    if numbers.is_fraction(curve.metric):
        limit = FALL
    else:
        limit = max(RISE * abs(max(smooth)), RISE_OF_START * abs(values[0]))
    later = [step for step, _ in curve.finite if step > (curve.best_step or 0)]
    return len(later) >= 2 and loss > max(limit, _scatter(values), _wander(values, smooth))


def _scatter(values: Sequence[float]) -> float:
    """How much worse than its best a smoothed curve may end by noise alone.

    The best of many is good by chance. In simulations of flat curves under white noise, up to 10%
    of the value, these multiples leave about 5% (under 20 points) and 2% (above) called worse.
    """
    n = len(values)
    if n < WIDE_FROM:  # the early descent of a short curve would pass for noise
        return NOISE_FEW * noise(values[-max(ENOUGH, n // 2) :])
    return NOISE * noise(values) * math.sqrt(5 / (2 * half_width(n, WINDOW) + 1))


def _wander(values: Sequence[float], smooth: Sequence[float]) -> float:
    """The same by noise that hangs together over epochs.

    In simulations of flat curves whose neighbours have a correlation of 0.8 and a spread of 3%,
    this leaves up to 7% called worse, instead of 10% (10 points) to 25% (100 points).
    """
    if len(values) < WANDER_FROM:
        return 0.0
    window = 2 * half_width(len(values), WINDOW) + 1
    return WANDER * wander_error(values, smooth.index(max(smooth)), window)


def _went_on(train: Curve, since: int) -> bool:
    """Whether training still got better after step `since`."""
    until = [train.sign * value for step, value in train.finite if step <= since]
    after = [train.sign * value for step, value in train.finite if step > since]
    if not until or not after:
        return False
    return smoothed(after)[-1] > until[-1]


def _overfit(seen: Seen, curve: Curve, train: Curve | None) -> DiagnosisFinding:
    word, fraction = seen.word, numbers.is_fraction(curve.metric)
    digits = at if fraction else lambda _, value: numbers.figure(value, digits=4)
    moved = "fallen" if fraction else "risen"
    text = (
        f"{numbers.heading(curve.metric)} was best at {word} {curve.best_step} "
        f"({digits(curve.metric, curve.best)}) and has {moved} to "
        f"{digits(curve.metric, curve.finite[-1][1])} since"
    )
    if train is None:
        text += "."
    else:
        way = "falling" if train.goal == "min" else "rising"
        text += f", while training {numbers.unit(train.metric)} went on {way}."
    do = f"Stop around {word} {curve.best_step} (early stopping) and {regularise(seen)}."
    limits = {"fall": FALL} if fraction else {"rise": RISE, "rise_of_start": RISE_OF_START}
    side = f"{100 * FALL:g} points below" if fraction else f"{ratio(RISE)} above"
    factor = NOISE if len(curve.finite) >= WIDE_FROM else NOISE_FEW
    limits["noise"] = factor
    rule = f"smoothed {curve.metric} more than {side} its best, and than {factor:g} times its noise"
    if len(curve.finite) >= WANDER_FROM:
        limits["wander"] = WANDER
        rule += f" and {WANDER:g} standard errors of its slow wander"
    keys = ("early_stopping", "regularise")
    return DiagnosisFinding("overfit", text, rule, limits, do, curve.metric, curve.best_step, keys)


def gap(seen: Seen) -> list[DiagnosisFinding]:
    """Training accuracy ends far above validation accuracy."""
    for train in of(seen.curves, TRAINING):
        if not numbers.is_fraction(train.metric):
            continue
        for held in of(seen.curves, VALIDATION, (train.name,)):
            if not both_finite(train.last, held.last):
                continue
            error = accuracy_error(held, seen.curves)
            size = (train.last or 0.0) - (held.last or 0.0)
            if size >= max(GAP, GAP_ERRORS * (error or 0.0)):
                return [_gap(seen, train, held, size)]
    return []


def _gap(seen: Seen, train: Curve, held: Curve, size: float) -> DiagnosisFinding:
    text = (
        f"Training ends {100 * size:.1f} points above validation "
        f"({numbers.percent(train.last)} against {numbers.percent(held.last)})"
    )
    before = halfway(train, held)
    if before is not None:
        text += f"; at {seen.word} {before[0]} it was {100 * before[1]:.1f} points"
    do = f"{regularise(seen).capitalize()}, or add data."
    rule = (
        f"last {train.metric} minus last {held.metric} of {100 * GAP:.0f} points or more, and of "
        f"{GAP_ERRORS:g} standard errors where the number of samples shows"
    )
    limits = {"gap": GAP, "errors": GAP_ERRORS}
    keys = ("regularise", "more_data")
    return DiagnosisFinding("gap", f"{text}.", rule, limits, do, held.metric, held.last_step, keys)


def halfway(train: Curve, held: Curve) -> tuple[int, float] | None:
    """Half-way through a run of enough points: the step, and how far training was ahead."""
    ours = dict(train.finite)
    shared = [(step, ours[step], value) for step, value in held.finite if step in ours]
    if len(shared) < ENOUGH:
        return None
    middle = (len(shared) - 1) // 2
    apart = smoothed([(a - b) * held.sign for _, a, b in shared])[middle]
    return (shared[middle][0], apart) if math.isfinite(apart) else None
