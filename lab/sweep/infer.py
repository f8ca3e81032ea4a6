"""A search space told from trials: types, ranges and which parameter depends on which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lab.sweep.space import Parameter

LOG_SPAN = 100  # a positive range this many times as high as low is taken for logarithmic
FEW = 12  # whole numbers that leave gaps are choices if they are this few

Row = Mapping[str, Any]


def infer_parameters(
    rows: Sequence[Row],
    names: Sequence[str],
    declared: Mapping[str, Parameter] | None = None,
    whole: Sequence[Row] | None = None,
) -> tuple[Parameter, ...]:
    """The parameters of trials, each row the active values of one.

    Numbers get the range that was seen; whole numbers that leave gaps become choices. A parameter
    that is missing in some rows depends on the first one whose value tells exactly when. `declared`
    are ranges that are known; `whole` are the rows that lack nothing but what a condition leaves
    out, by default all.
    """
    known = declared or {}
    plain = [
        known.get(name) or _of_values(name, [row[name] for row in rows if name in row])
        for name in names
    ]
    return tuple(
        Parameter(**{**vars(parameter), "when": _condition(whole or rows, parameter.name, plain)})
        for parameter in plain
    )


def _of_values(name: str, values: Sequence[Any]) -> Parameter:
    if any(isinstance(v, bool | str) or v is None for v in values):
        return Parameter(name, "categorical", choices=_distinct(values))
    whole = all(float(value).is_integer() for value in values)
    low, high = min(values), max(values)
    if whole:
        distinct = sorted({int(value) for value in values})
        dense = high - low + 1 <= 2 * len(distinct)
        if not dense and len(distinct) <= FEW:
            return Parameter(name, "categorical", choices=tuple(distinct))
        return Parameter(name, "int", low=int(low), high=int(high))
    log = low > 0 and high / low >= LOG_SPAN
    return Parameter(name, "float", low=float(low), high=float(high), log=log)


def _distinct(values: Sequence[Any]) -> tuple[Any, ...]:
    found: list[Any] = []
    for value in values:
        if not any(type(value) is type(known) and value == known for known in found):
            found.append(value)
    return tuple(sorted(found, key=lambda v: (str(type(v)), v)) if None not in found else found)


def _condition(
    rows: Sequence[Row], name: str, parameters: Sequence[Parameter]
) -> dict[str, tuple[Any, ...]]:
    """The condition under which `name` is there in every row and else in none; {} if none is."""
    if all(name in row for row in rows):
        return {}
    # One that is always there explains more than one that is itself conditional.
    parents = sorted(
        (p for p in parameters if p.kind == "categorical" and p.name != name),
        key=lambda p: sum(p.name not in row for row in rows) > 0,
    )
    for parent in parents:
        having = [row for row in rows if name in row]
        if any(parent.name not in row for row in having):
            continue
        values = _distinct([row[parent.name] for row in having])
        if len(values) < len(parent.choices) and all(
            (name in row) == (row.get(parent.name) in values) for row in rows
        ):
            return {parent.name: values}
    return {}
