"""What an accuracy is worth: the score of always naming one class, where the trials show it.

Trials whose runs say how many samples each class has give it outright. So do trials that report an
accuracy per class: with every sample of one class right and none of any other, the model named that
class whatever it saw. Such trials must all score that class's share. Where they do not, the
objective measures something else beside the model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab import numbers
from lab.sweep.configuration import shown
from lab.sweep.measured import SAMPLES
from lab.sweep.study import Study
from lab.sweep.trial import Trial

_SAME = 1e-6
_LEAST_CLASSES = 2


@dataclass(frozen=True)
class Baseline:
    """The score of naming the same class always: `value`, and `label` that class.

    `samples` is how many of how many samples are of it, where that is known. `trials` are those
    that named one class only, their numbers by class. `moves` is a parameter that their score goes
    with, one score for each of its values, although none of them looked at its input; `scores` are
    those, and None where the scores agree or no parameter tells them apart.
    """

    value: float
    label: str
    samples: tuple[int, int] | None
    trials: Mapping[str, tuple[int, ...]]
    moves: str | None
    scores: tuple[tuple[Any, float], ...]

    @property
    def count(self) -> int:
        return sum(map(len, self.trials.values()))


def baseline(study: Study) -> Baseline | None:
    """The score of one class only; None where neither samples nor trials tell it."""
    if not numbers.is_fraction(study.objective):
        return None
    found: dict[str, list[Trial]] = {}
    for trial in study.complete:
        only = _only_class(trial, study.objective)
        if only is not None:
            found.setdefault(only, []).append(trial)
    samples = samples_of(study)
    if not found and not samples:
        return None
    scores = [(trial.value or 0.0, label) for label, ts in found.items() for trial in ts]
    if samples:
        # The largest class is the one that is worth naming, whoever did so.
        label = min(samples, key=lambda name: (-samples[name], name))
        of = samples[label], sum(samples.values())
        scores = [(of[0] / of[1], label)]
    score, label = max(scores)
    name, moving = _moving(max(found.values(), key=len), study) if found else (None, ())
    told = {label: tuple(t.number for t in trials) for label, trials in sorted(found.items())}
    return Baseline(score, label, of if samples else None, told, name, moving)


def samples_of(study: Study) -> dict[str, int]:
    """The samples of each class in the split of the objective, as the first trial's runs tell."""
    key = study.objective.partition("/")[0] + SAMPLES
    told: dict[str, Any] = next(
        (t.extra[key] for t in study.complete if isinstance(t.extra.get(key), dict)), {}
    )
    counts = {str(name): int(n) for name, n in told.items() if isinstance(n, int)}
    return counts if sum(counts.values()) else {}


def per_class(extra: Mapping[str, Any], objective: str) -> dict[str, float]:
    """The accuracy of each class that a trial reports: `val_acc_S3`, `val/accuracy/cat`."""
    name = re.compile(re.escape(objective) + r"[_/.](.+)")
    matched = ((name.fullmatch(key), value) for key, value in extra.items())
    return {
        match[1]: float(value)
        for match, value in matched
        if match and isinstance(value, int | float) and not isinstance(value, bool)
    }


def _only_class(trial: Trial, objective: str) -> str | None:
    classes = per_class(trial.extra, objective)
    right = [label for label, value in classes.items() if abs(value - 1) < _SAME]
    wrong = [label for label, value in classes.items() if abs(value) < _SAME]
    one = len(right) == 1 and len(right) + len(wrong) == len(classes) >= _LEAST_CLASSES
    return right[0] if one else None


def _moving(trials: list[Trial], study: Study) -> tuple[str | None, tuple[tuple[Any, float], ...]]:
    """The parameter that alone tells the scores of trials apart that should be equal."""
    values = [trial.value or 0.0 for trial in trials]
    if max(values) - min(values) < _SAME:
        return None, ()
    for parameter in study.space.params:
        by_value: dict[Any, list[float]] = {}
        for trial in trials:
            by_value.setdefault(trial.params.get(parameter.name), []).append(trial.value or 0.0)
        agree = all(max(v) - min(v) < _SAME for v in by_value.values())
        # A parameter with a value of its own for each trial would tell anything apart.
        if agree and None not in by_value and 2 <= len(by_value) < len(trials):
            return parameter.name, tuple(sorted((v, s[0]) for v, s in by_value.items()))
    return None, ()


def told(found: Baseline, objective: str) -> list[str]:
    """The baseline as sentences for a reader."""
    always = f"always answering `{found.label}` scores {numbers.amount(objective, found.value)}"
    if found.samples:
        always += f" ({found.samples[0]} of {found.samples[1]} samples)"
    named = f"{numbers.counted(found.count, 'trial')} named one class only"
    line = f"{named}; {always}." if found.count else f"{always}."
    lines = [line[:1].upper() + line[1:]]
    if found.moves:
        each = ", ".join(
            f"{numbers.amount(objective, score)} at {shown(value)}" for value, score in found.scores
        )
        lines.append(
            f"Among these trials the objective follows `{found.moves}` alone ({each}), although "
            f"the same answer to the same data scores the same: the objective is not comparable "
            f"across `{found.moves}`. Averaging over batches of unequal size does this. Every "
            f"effect of `{found.moves}` here is suspect until the metric is mended."
        )
    return lines
