"""Classifiers that answer one class for everything, or no better than guessing."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from lab import numbers
from lab.diagnosis.curve import ENOUGH, VALIDATION, Curve, of
from lab.diagnosis.finding import DiagnosisFinding, Seen
from lab.diagnosis.samples import binomial_error, samples_of

SAME = 0.0005  # of accuracy: two shares that are equal but for rounding
ERRORS = 2.0  # standard errors within which an accuracy is not told from guessing
UNKNOWN = 0.02  # of accuracy, in place of those where the number of samples does not show
NEAR_LOSS = 0.02  # of ln(classes): a loss this near is that of equal probabilities
ALWAYS = 0.99  # of all answers: one class and hardly another

_MAJORITY = ("majority", "majority_accuracy", "majority_share", "majority_class")
_CLASSES = ("n_classes", "num_classes", "classes", "number_of_classes")
_SAMPLES = ("validation_size", "val_size", "n_val", "validation_samples", "val_samples")
_ANSWERED = ("predicted", "prediction_share", "answered")
_TESTED = (*VALIDATION, "test")
_DO_COLLAPSE = (
    "Weigh the classes by their rarity or sample them evenly, and lower the learning rate{now}; "
    "then see that one batch can be learned by heart."
)


def collapse(seen: Seen) -> list[DiagnosisFinding]:
    """One class is answered for everything, by whichever metric shows it."""
    for rule in (_by_recall, _by_answers, _by_majority, _by_constant):
        if found := rule(seen):
            return [found]
    return []


def _by_recall(seen: Seen) -> DiagnosisFinding | None:
    """Recall class by class: one is found always, every other one never."""
    for group in _groups(seen.curves, "recall"):
        last = {c.metric: c.last for c in group if c.last is not None}
        all_right = [name for name, value in last.items() if value >= ALWAYS]
        none_right = [name for name, value in last.items() if value <= 1 - ALWAYS]
        if len(all_right) == 1 and len(none_right) == len(last) - 1:
            text = (
                f"One class is answered for everything: {all_right[0]} is "
                f"{numbers.percent(last[all_right[0]])}, the recall of every other class is 0."
            )
            rule = f"recall of one class above {ALWAYS:.0%}, of all others below {1 - ALWAYS:.0%}"
            return _collapse(seen, text, rule, {"always": ALWAYS}, all_right[0], None)
    return None


def _by_answers(seen: Seen) -> DiagnosisFinding | None:
    """Shares of the answers: one class has them all."""
    for word in _ANSWERED:
        for group in _groups(seen.curves, word):
            top = max(group, key=lambda curve: curve.last if curve.last is not None else 0.0)
            if top.last is not None and ALWAYS <= top.last <= 1:
                text = f"{numbers.percent(top.last)} of all answers are one class ({top.metric})."
                rule = f"one class has {ALWAYS:.0%} of the answers or more"
                return _collapse(seen, text, rule, {"always": ALWAYS}, top.metric, None)
    return None


def _by_majority(seen: Seen) -> DiagnosisFinding | None:
    """Accuracy is the share of the largest class, to the last sample."""
    for curve in _accuracies(seen.curves):
        share = _majority(seen.curves, curve.split)
        if share is None or share >= 1 - SAME or curve.last is None:
            continue
        balanced = _balanced(seen.curves, curve.split)
        if balanced is not None and not _is_one_of(balanced):
            continue
        late = [value for _, value in curve.points[-ENOUGH:]]
        if all(abs(value - share) <= SAME for value in late):
            since = _same_since(curve, share)
            text = (
                f"{numbers.heading(curve.metric)} is exactly the share of the largest class "
                f"({numbers.percent(share)})"
            )
            text += "." if len(curve.points) == 1 else f" from {seen.word} {since} on."
            text += " One class is answered for everything."
            rule = (
                f"{curve.metric} within {100 * SAME:g} points of {curve.split}/majority in the "
                f"last {ENOUGH} values"
            )
            return _collapse(seen, text, rule, {"same": SAME}, curve.metric, since)
    return None


def _by_constant(seen: Seen) -> DiagnosisFinding | None:
    """Accuracy never moves, epoch after epoch, though far from perfect."""
    for curve in of(seen.curves, VALIDATION, ("accuracy", "acc", "balanced_accuracy")):
        if len(curve.finite) < ENOUGH:
            continue
        values = {value for _, value in curve.finite}
        value = curve.finite[-1][1]
        if len(values) > 1 or not 0 < value < 1 - 1 / ENOUGH or _learns(seen, value):
            continue
        text = (
            f"{numbers.heading(curve.metric)} is {numbers.percent(value)} in every {seen.word}, to "
            "the last sample, as when one class is answered for everything."
        )
        rule = f"one and the same accuracy in at least {ENOUGH} {seen.word}s, below 80%"
        limits = {"points": float(ENOUGH), "below": 1 - 1 / ENOUGH}
        return _collapse(seen, text, rule, limits, curve.metric, curve.finite[0][0])
    return None


def _learns(seen: Seen, held: float) -> bool:
    """Whether training accuracy has left the constant one behind: nothing has collapsed then."""
    train = of(seen.curves, ("train", "training"), ("accuracy", "acc"))
    return any((c.last or 0.0) > held + 0.1 for c in train)


def _collapse(
    seen: Seen, text: str, rule: str, limits: dict[str, float], metric: str, step: int | None
) -> DiagnosisFinding:
    do = _DO_COLLAPSE.format(now=seen.now("lr"))
    keys = ("class_weights", "lower_lr", "check_data")
    return DiagnosisFinding("collapse", text, rule, limits, do, metric, step, keys)


@dataclass(frozen=True)
class _Guess:
    """An accuracy that needs no model, and why it is known."""

    share: float
    name: str  # "always answering the largest class", "guessing among 10 classes"


def chance(seen: Seen) -> list[DiagnosisFinding]:
    """Accuracy within sampling noise of the largest class, or of one in so many classes."""
    if collapse(seen):
        return []
    for curve in _accuracies(seen.curves)[:1]:
        late = [value for _, value in curve.finite[-ENOUGH:]]
        if not late or not all(0 <= value <= 1 for value in late):
            continue
        value = statistics.fmean(late)
        for guess in _guesses(seen, curve):
            margin, how = _margin(seen, curve, guess.share)
            if value - guess.share <= margin:
                return [_chance(seen, curve, value, guess, margin, how, len(late))]
    return []


def _chance(
    seen: Seen, curve: Curve, value: float, guess: _Guess, margin: float, how: str, n: int
) -> DiagnosisFinding:
    over = f", the mean of its last {n} values," if n > 1 else ""
    text = (
        f"{numbers.heading(curve.metric)} of {numbers.percent(value)}{over} cannot be told from "
        f"{guess.name} ({numbers.percent(guess.share)})."
    )
    if value < guess.share - margin:
        text = text.replace("cannot be told from", "is below")
    rule = f"not above {numbers.percent(guess.share)} by more than {100 * margin:.1f} points: {how}"
    limits = {"share": guess.share, "margin": margin, "errors": ERRORS}
    do = (
        "Check that labels and inputs belong together and that the model can learn one batch by "
        f"heart; then another learning rate{seen.now('lr')}."
    )
    keys: tuple[str, ...] = ("check_data", "lower_lr")
    if _learns(seen, value):
        do = (
            "What is learned from the training data does not carry over: train on more data, or "
            "validate on more samples to see small gains."
        )
        keys = ("more_data", "larger_validation")
    return DiagnosisFinding("chance", text, rule, limits, do, curve.metric, curve.last_step, keys)


def _guesses(seen: Seen, curve: Curve) -> list[_Guess]:
    """What an accuracy may be no better than, where the run tells."""
    found = []
    share = _majority(seen.curves, curve.split)
    classes = _classes(seen, curve)
    balanced = _balanced(seen.curves, curve.split)
    if share is not None and not _separates(seen, curve.split, balanced, classes):
        found.append(_Guess(share, "always answering the largest class"))
    if classes is not None and balanced is None:
        found.append(_Guess(1 / classes, f"guessing among {classes} classes"))
    return found


def _separates(seen: Seen, split: str, balanced: float | None, classes: int | None) -> bool:
    """Whether another metric shows that a model below the majority knows the classes apart.

    One trained with class weights gives up accuracy on the largest class for the others.
    """
    area = next((c.last for c in seen.curves if c.metric == f"{split}/auroc"), None)
    if area is not None and area > 0.6:
        return True
    if balanced is None:
        return False
    return balanced > (1.5 / classes if classes else 0.6)


def _classes(seen: Seen, curve: Curve) -> int | None:
    """How many classes there are: as the run says, else as its loss does.

    Equal probabilities for k classes have the cross entropy ln(k); where the loss is that and the
    accuracy about 1 / k, k is the number of classes.
    """
    for source in (seen.params, seen.notes):
        for name in _CLASSES:
            value = source.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and value >= 2:
                return value
    loss = next((c.last for c in seen.curves if c.metric == f"{curve.split}/loss"), None)
    if loss is None or not math.isfinite(loss) or not 0.5 < loss < 7:
        return None
    k = round(math.exp(loss))
    near = k >= 2 and abs(loss - math.log(k)) <= NEAR_LOSS * math.log(k)
    return k if near else None


def _margin(seen: Seen, curve: Curve, share: float) -> tuple[float, str]:
    """How far above `share` an accuracy may lie by chance, and how that is known."""
    n = samples_of(curve) or _samples_said(seen, curve)
    if n is not None:
        return ERRORS * binomial_error(share, n), (f"{ERRORS:g} standard errors of {n} samples")
    error = next((c.last for c in seen.curves if c.metric == f"{curve.metric}_se"), None)
    if error is not None and math.isfinite(error):
        return ERRORS * error, f"{ERRORS:g} standard errors as logged"
    return UNKNOWN, "the number of samples is not known"


def _samples_said(seen: Seen, curve: Curve) -> int | None:
    """The number of validation samples as a parameter or a note says it."""
    if curve.split not in VALIDATION:
        return None
    for source in (seen.params, seen.notes):
        for name in _SAMPLES:
            value = source.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return value
    return None


def _accuracies(curves: Sequence[Curve]) -> list[Curve]:
    """Plain accuracies on validation, then on test."""
    found = of(curves, _TESTED, ("accuracy", "acc"))
    return sorted(found, key=lambda curve: curve.split == "test")


def _majority(curves: Sequence[Curve], split: str) -> float | None:
    found = of(curves, (split,), _MAJORITY)
    value = found[0].last if found else None
    return value if value is not None and 0 < value < 1 else None


def _balanced(curves: Sequence[Curve], split: str) -> float | None:
    found = of(curves, (split,), ("balanced_accuracy",))
    return found[0].last if found else None


def _is_one_of(balanced: float) -> bool:
    """Whether a balanced accuracy is 1 / k: one class always right, the others never."""
    k = round(1 / balanced) if balanced > 0 else 0
    return k >= 1 and abs(balanced - 1 / k) <= SAME


def _same_since(curve: Curve, share: float) -> int:
    since = curve.points[-1][0]
    for step, value in reversed(curve.points):
        if abs(value - share) > SAME:
            break
        since = step
    return since


def _groups(curves: Sequence[Curve], word: str) -> list[list[Curve]]:
    """Metrics of one split whose names hold `word`, one a class: val/recall_0, val/recall/cat."""
    splits = dict.fromkeys(curve.metric.split("/")[0] for curve in curves)
    groups = []
    for split in splits:
        if split not in _TESTED:
            continue
        named = [c for c in curves if c.metric.startswith(f"{split}/") and _is_of(c, word)]
        if len(named) >= 2 and all(c.last is not None for c in named):
            groups.append(named)
    return groups


def _is_of(curve: Curve, word: str) -> bool:
    rest = curve.metric.partition("/")[2]
    return rest.startswith(word) and rest != word
