"""What a claim expects, as `attention>mean` or `a>b>=c`, read into steps of two arms."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lab.errors import InputError

_OPERATOR = re.compile(r">=|<=|==|=|>|<")
_TURNED = {"<": ">", "<=": ">="}
_READ = {">": "better than", ">=": "no worse than", "=": "as good as"}


@dataclass(frozen=True)
class Step:
    """One expectation of two arms: `first` is better than (>), no worse than (>=), as good as (=).

    Better is by the goal of the metric: of a loss the lower value is better.
    """

    first: str
    operator: str
    second: str

    @property
    def words(self) -> str:
        return f"`{self.first}` {_READ[self.operator]} `{self.second}`"


def read_expectation(text: str) -> tuple[Step, ...]:
    """The steps of an expectation; raises InputError where it has none.

    attention>mean       attention is better than mean
    attention >= mean    attention is no worse than mean, by the margin of the claim
    a=b                  a and b are as good, within the margin
    a>b>c                two steps, and both have to hold
    mean<attention       the same as the first
    """
    names = [name.strip().strip("'\"`") for name in _OPERATOR.split(text)]
    operators = ["=" if found == "==" else found for found in _OPERATOR.findall(text)]
    if not operators or not all(names):
        raise InputError(
            "Not an expectation",
            seen=text or "nothing",
            do="Write it as ARM>ARM, ARM>=ARM or A>B>C, in quotes, as in: "
            '--expect "attention>mean".',
        )
    steps = []
    for operator, first, second in zip(operators, names, names[1:], strict=False):
        if first == second:
            raise InputError("An arm is compared with itself", seen=text, do="Name two arms.")
        if operator in _TURNED:
            steps.append(Step(second, _TURNED[operator], first))
        else:
            steps.append(Step(first, operator, second))
    return tuple(steps)


def arms_of(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """The arms named, each once."""
    return tuple(dict.fromkeys(name for s in steps for name in (s.first, s.second)))


def written(steps: tuple[Step, ...]) -> str:
    """The steps in words: "`a` better than `b`, and `b` better than `c`"."""
    return ", and ".join(step.words for step in steps)
