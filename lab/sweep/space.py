"""A search space: which parameters of a notebook a study varies, where, on what condition."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from lab.workspace import Workspace

Kind = Literal["float", "int", "categorical"]
Direction = Literal["maximize", "minimize"]

MIN_RANDOM = 20  # trials of the random phase, at least
RANDOM_PER_PARAMETER = 3

# How many of the best are run again, with how many fresh seeds each, and how many in all the best
# two of those get.
CONFIRM = {"top": 5, "seeds": 3, "final_seeds": 5}


@dataclass(frozen=True)
class Parameter:
    """One parameter that is searched.

    `low` and `high` belong to the range; `choices` are those of a categorical. It is active only
    where each parameter that `when` names has one of the values given there. `hard_low` and
    `hard_high` are limits that no later space may pass.
    """

    name: str
    kind: Kind
    low: float | int | None = None
    high: float | int | None = None
    log: bool = False
    step: float | int | None = None
    choices: tuple[Any, ...] = ()
    when: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    hard_low: float | int | None = None
    hard_high: float | int | None = None
    note: str = ""

    @property
    def numeric(self) -> bool:
        """Whether it has a range; a categorical has none, even of numbers."""
        return self.kind != "categorical"

    @property
    def ordered(self) -> bool:
        """Whether its values have an order: a range, or choices that are all numbers."""
        return self.numeric or all(
            isinstance(c, int | float) and not isinstance(c, bool) for c in self.choices
        )

    @property
    def values(self) -> tuple[Any, ...] | None:
        """Every value it can take, in order; None for a continuous range."""
        if self.kind == "categorical":
            return self.choices
        if self.kind == "float" and self.step is None:
            return None
        low, high, step = self.low or 0, self.high or 0, self.step or 1
        count = math.floor((high - low) / step + 1e-9) + 1
        return tuple(low + index * step for index in range(count))

    def scaled(self, value: Any) -> float:
        """Where `value` lies in the scale it is sampled in: 0 at `low`, 1 at `high`.

        Logarithmic where the range is; by rank for choices that are numbers. Values outside the
        range are below 0 or above 1. Raises TypeError for choices without an order.
        """
        if self.kind == "categorical":
            if not self.ordered:
                raise TypeError(f"{self.name} has no order")
            ranked = sorted(self.choices)
            return ranked.index(value) / max(1, len(ranked) - 1)
        low, high, at = float(self.low or 0), float(self.high or 0), float(value)
        if self.log:
            if at <= 0:
                return -math.inf
            low, high, at = math.log(low), math.log(high), math.log(at)
        return 0.0 if high == low else (at - low) / (high - low)

    def unscaled(self, share: float) -> float:
        """The value at `share` (0 to 1) of the sampling scale of a range; not rounded to a step."""
        low, high = float(self.low or 0), float(self.high or 0)
        if self.log:
            return math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
        return low + share * (high - low)

    def contains(self, value: Any) -> bool:
        """Whether `value` can be sampled, steps aside."""
        if self.kind == "categorical":
            return any(type(value) is type(c) and value == c for c in self.choices)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return float(self.low or 0) <= value <= float(self.high or 0)

    def describe(self) -> str:
        """Its range or choices as text: `5e-05 to 0.01`, `["cnn", "context"]`."""
        if self.kind == "categorical":
            return f"[{', '.join(value_text(choice) for choice in self.choices)}]"
        text = f"{number_text(self.low)} to {number_text(self.high)}"
        plain_step = self.step is None or (self.kind == "int" and self.step == 1)
        return text if plain_step else f"{text} in steps of {number_text(self.step)}"

    @property
    def type_text(self) -> str:
        """`float (log)`, `int`, `categorical`."""
        return f"{self.kind} (log)" if self.log else self.kind


@dataclass(frozen=True)
class Branch:
    """One way the conditions of a space can turn out, and the parameters active then."""

    name: str
    values: dict[str, Any]
    active: tuple[str, ...]

    def holds(self, params: Mapping[str, Any]) -> bool:
        """Whether a trial with these parameters belongs here."""
        return all(name in params and params[name] == v for name, v in self.values.items())


@dataclass(frozen=True)
class Space:
    """A search space as written in its file."""

    name: str
    params: tuple[Parameter, ...]
    notebook: str | None = None
    objective: str = "objective/value"
    direction: Direction = "maximize"
    n_trials: int = 100
    sampler: dict[str, Any] = field(default_factory=lambda: {"name": "tpe"})
    pruner: dict[str, Any] = field(default_factory=lambda: {"name": "none"})
    fixed: dict[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()  # each configuration is run once with each; empty: once
    confirm: dict[str, int] = field(default_factory=lambda: dict(CONFIRM))
    slurm: dict[str, Any] = field(default_factory=dict)  # what a run asks of it with --on slurm
    parent: str | None = None  # file or study that this one follows
    carry_over: str | None = None  # study whose trials inside this space are observations of it
    carry_ignoring: tuple[str, ...] = ()  # parameters in which those may lie outside
    notes: str = ""
    rationale: str = ""

    @classmethod
    def read(cls, path: Path | str, *, workspace: Workspace | None = None) -> Space:
        """The space of a YAML file, checked whole; with `workspace` against its notebook too.

        Raises SweepError naming the file and the line.
        """
        from lab.sweep.space_file import read_space

        return read_space(Path(path), workspace)

    def parameter(self, name: str) -> Parameter:
        """The parameter of that name; KeyError if there is none."""
        for parameter in self.params:
            if parameter.name == name:
                return parameter
        raise KeyError(name)

    @property
    def names(self) -> list[str]:
        return [parameter.name for parameter in self.params]

    @property
    def n_random(self) -> int:
        """Trials of the random phase: max(20, 3 x parameters), never more than the study has."""
        told = self.sampler.get("n_startup_trials")
        least = max(MIN_RANDOM, RANDOM_PER_PARAMETER * len(self.params)) if told is None else told
        return self.n_trials if self.sampler["name"] == "random" else min(least, self.n_trials)

    def is_active(self, parameter: Parameter, params: Mapping[str, Any]) -> bool:
        """Whether a parameter is asked for, given the values of those it depends on."""
        known = {**self.fixed, **params}
        return all(
            name in known and any(known[name] == value for value in allowed)
            for name, allowed in parameter.when.items()
        )

    def active(self, params: Mapping[str, Any]) -> list[str]:
        """Names of the parameters that are active with these values, in the order of the space."""
        found: dict[str, Any] = {}
        names = set()
        for parameter in self.in_order():
            if self.is_active(parameter, found):
                names.add(parameter.name)
                if parameter.name in params:
                    found[parameter.name] = params[parameter.name]
        return [name for name in self.names if name in names]

    def in_order(self) -> list[Parameter]:
        """The parameters, each after those that its condition names."""
        left, done = list(self.params), set(self.fixed)
        ordered: list[Parameter] = []
        while left:
            ready = [p for p in left if done >= p.when.keys()]
            if not ready:  # a condition names itself in a circle; reading a file refuses that
                return ordered + left
            ordered += ready
            done |= {p.name for p in ready}
            left = [p for p in left if p.name not in done]
        return ordered

    @property
    def switches(self) -> list[Parameter]:
        """The parameters that conditions name, in the order of the space."""
        named = {name for parameter in self.params for name in parameter.when}
        return [parameter for parameter in self.in_order() if parameter.name in named]

    def branches(self) -> list[Branch]:
        """Every way the conditions can turn out: the product of the values of `switches`.

        A switch that is itself inactive in a branch has no value there. A space without
        conditions has one branch, named `all`.
        """
        found: list[dict[str, Any]] = [{}]
        for switch in self.switches:
            grown: list[dict[str, Any]] = []
            for values in found:
                if self.is_active(switch, values):
                    grown += [values | {switch.name: value} for value in switch.values or ()]
                else:
                    grown.append(values)
            found = grown
        return [Branch(_branch_name(v), v, tuple(self.active(v))) for v in found]

    def combinations(self, branch: Branch) -> int:
        """Exact number of combinations of the discrete parameters of a branch."""
        free = [self.parameter(n) for n in branch.active if n not in branch.values]
        return math.prod(len(p.values) for p in free if p.values is not None)

    def grid(self, branch: Branch) -> list[tuple[Any, ...]]:
        """Those combinations themselves, in the order of the active parameters."""
        free = [self.parameter(n) for n in branch.active if n not in branch.values]
        return list(itertools.product(*(p.values for p in free if p.values is not None)))

    def to_yaml(self, reasons: Mapping[tuple[str, str], str] | None = None) -> str:
        """The text of a file that `Space.read` reads back as this space.

        `reasons` are comments beside lines: of ("lr", "low"), or of ("lr", "fixed") where it is.
        """
        from lab.sweep.space_file import space_text

        return space_text(self, reasons or {})


def value_text(value: Any) -> str:
    """A value as YAML and JSON write it: `true`, `"cnn"`, `0.01`."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return f'"{value}"' if isinstance(value, str) else number_text(value)


def number_text(value: Any) -> str:
    """A number in few characters and nothing lost that a person would miss: `5e-05`, `0.1`."""
    if isinstance(value, float):
        return f"{value:.1f}" if value.is_integer() and abs(value) < 1e6 else f"{value:.6g}"
    return str(value)


def _branch_name(values: Mapping[str, Any]) -> str:
    parts = (f"{n}={v if isinstance(v, str) else value_text(v)}" for n, v in values.items())
    return ", ".join(parts) or "all"
