"""One thing seen in the curves of a run, and the next steps it asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab import numbers
from lab.diagnosis.curve import Curve

# Next steps by key: what an action item can say, whatever finding asks for it.
STEPS = {
    "early_stopping": "Stop early, at the best validation value",
    "regularise": "Regularise: weight decay, dropout or augmentation",
    "more_data": "Train on more data",
    "lower_lr": "Lower the learning rate",
    "clip_gradients": "Clip the gradients",
    "disable_amp": "Train in full precision",
    "longer": "Run longer",
    "change_model": "Change the learning rate, the model or the data; more epochs do not help",
    "class_weights": "Weigh the classes by their rarity, or sample them evenly",
    "check_data": "Check that labels and inputs belong together, and that one batch can be learned",
    "larger_validation": "Validate on more samples",
    "more_seeds": "Repeat with other seeds",
    "check_metric": "See how the metric is computed",
}

_HALF = ("16", "half", "amp", "mixed", "autocast")
_PRECISION = ("amp", "precision", "mixed_precision", "fp16", "bf16", "half", "autocast")


@dataclass(frozen=True)
class DiagnosisFinding:
    """One thing seen: in words, the rule and thresholds that made it, and what to do next.

    `keys` are the next steps of `do` in the words of STEPS, for whoever turns them into action
    items.
    """

    kind: str
    text: str
    rule: str
    thresholds: dict[str, float]
    do: str
    metric: str | None = None
    step: int | None = None
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class NextStep:
    """A next step by its key, in words, with the kinds of findings that ask for it."""

    key: str
    text: str
    because: tuple[str, ...]


@dataclass(frozen=True)
class Seen:
    """What the rules look at: the curves of a run and what is known about it."""

    curves: Sequence[Curve]
    word: str = "epoch"  # or "step"
    params: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)

    def now(self, name: str) -> str:
        """The value of a parameter as an aside, " (now 0.003)"; empty where it has none."""
        value = self.params.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return ""
        return f" (now {value:g})"

    @property
    def half_precision(self) -> bool:
        """Whether a parameter says that the run computes in half precision."""
        for name in _PRECISION:
            value = self.params.get(name)
            if value is True or any(word in str(value).lower() for word in _HALF):
                return True
        return False


def regularise(seen: Seen) -> str:
    """What to regularise with, naming what the run had."""
    names = {"weight_decay": "weight decay", "dropout": "dropout"}
    had = [f"{said}{seen.now(name)}" for name, said in names.items()]
    return f"regularise: {', '.join(had)} or augmentation"


def next_steps(findings: Sequence[DiagnosisFinding]) -> tuple[NextStep, ...]:
    """Each next step once, in the order in which findings ask for it."""
    because: dict[str, list[str]] = {}
    for found in findings:
        for key in found.keys:
            because.setdefault(key, []).append(found.kind)
    return tuple(NextStep(key, STEPS[key], tuple(kinds)) for key, kinds in because.items())


def ratio(value: float) -> str:
    """A threshold as percent, with no more digits than it has: "5%", "0.5%"."""
    return f"{100 * value:g}%"


def at(metric: str, value: float | None) -> str:
    """A value of `metric`, without its unit."""
    return numbers.amount(metric, value, with_unit=False)
