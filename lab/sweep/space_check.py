"""Whether a space makes sense: its ranges, its conditions, and the notebook it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.annotation import Misfit
from lab.errors import LabError, SweepError, nearest
from lab.sweep.space import Parameter, Space, value_text
from lab.yamlfile import Location, YamlFile

if TYPE_CHECKING:
    from lab.schema import Schema
    from lab.workspace import Workspace

MAX_SWITCH = 50  # values of a parameter that conditions may name


def check_space(file: YamlFile, space: Space) -> None:
    """Raise SweepError for the first thing in `space` that means nothing, naming its line."""
    for parameter in space.params:
        if parameter.name in space.fixed:
            raise _wrong(
                file,
                ("fixed", parameter.name),
                f"{parameter.name} is fixed and searched",
                "in `fixed` and in `param_ranges`",
                "Keep one of the two.",
            )
        if parameter.kind == "categorical":
            _check_choices(file, parameter)
        else:
            _check_range(file, parameter)
    for parameter in space.params:
        _check_condition(file, space, parameter)
    _check_circles(file, space)
    _check_reachable(file, space)


def check_notebook(file: YamlFile, space: Space, workspace: Workspace) -> None:
    """Raise SweepError where the notebook lacks a parameter or its annotation says otherwise."""
    from lab.notebook.contract import read_schema

    if space.notebook is None:
        raise _wrong(file, (), "The space names no notebook", None, "Add `notebook:`.")
    try:
        schema = read_schema(workspace.root / space.notebook, workspace)
    except LabError as problem:
        line = file.line(("notebook",))
        raise SweepError(
            f"{file.path}:{line} {problem.what}", seen=problem.seen, do=problem.do
        ) from None
    for name, value in space.fixed.items():
        _check_value(file, schema, name, value, ("fixed", name))
    for parameter in space.params:
        at: Location = ("param_ranges", parameter.name)
        for index, choice in enumerate(parameter.choices):
            _check_value(file, schema, parameter.name, choice, (*at, "choices", index))
        if parameter.numeric:
            _check_value(file, schema, parameter.name, parameter.low, (*at, "low"))
            _check_value(file, schema, parameter.name, parameter.high, (*at, "high"))
            _check_between(file, schema, parameter)
    if space.seeds:
        _check_value(file, schema, "seed", space.seeds[0], ("seeds",))
    if ("confirm",) in file.lines and space.confirm["top"]:
        _check_value(file, schema, "seed", 0, ("confirm",))


def _check_range(file: YamlFile, parameter: Parameter) -> None:
    at: Location = ("param_ranges", parameter.name)
    low, high = parameter.low or 0, parameter.high or 0
    name = parameter.name
    if low > high:
        raise _wrong(
            file, (*at, "low"), f"{name}: low is above high", f"{low} > {high}", "Exchange them."
        )
    if parameter.log and low <= 0:
        raise _wrong(
            file,
            (*at, "low"),
            f"{name}: a log range cannot reach {low}",
            f"low {low}, log true",
            "Start above zero, as 1.0e-6, or leave `log` out.",
        )
    if parameter.step is not None and parameter.step <= 0:
        raise _wrong(
            file, (*at, "step"), f"{name}: step has to be above zero", parameter.step, "Raise it."
        )
    steps = parameter.step is not None and (parameter.kind, parameter.step) != ("int", 1)
    if parameter.log and steps:
        raise _wrong(
            file,
            (*at, "step"),
            f"{name}: a log range has no step",
            parameter.step,
            "Leave out `step` or `log`.",
        )
    if parameter.hard_low is not None and low < parameter.hard_low:
        raise _wrong(
            file,
            (*at, "low"),
            f"{name}: low is below its hard limit",
            f"{low} < {parameter.hard_low}",
            "Move `low` or `hard_low`.",
        )
    if parameter.hard_high is not None and high > parameter.hard_high:
        raise _wrong(
            file,
            (*at, "high"),
            f"{name}: high is above its hard limit",
            f"{high} > {parameter.hard_high}",
            "Move `high` or `hard_high`.",
        )


def _check_choices(file: YamlFile, parameter: Parameter) -> None:
    at: Location = ("param_ranges", parameter.name, "choices")
    name = parameter.name
    if not parameter.choices:
        raise _wrong(file, at, f"{name} has no choices", None, "Write at least one.")
    for index, choice in enumerate(parameter.choices):
        if not isinstance(choice, str | int | float | None):
            raise _wrong(
                file,
                (*at, index),
                f"{name}: a choice is text, a number, true, false or null",
                repr(choice),
                "Name a value of the notebook's parameter.",
            )
        if any(type(choice) is type(c) and choice == c for c in parameter.choices[:index]):
            raise _wrong(
                file, (*at, index), f"{name} has a choice twice", repr(choice), "Keep one."
            )


def _check_condition(file: YamlFile, space: Space, parameter: Parameter) -> None:
    for name, values in parameter.when.items():
        at = _condition_place(file, parameter, name)
        if name in space.fixed:
            if space.fixed[name] not in values:
                raise _never(file, at, parameter, f"{name} is fixed at {space.fixed[name]!r}")
            continue
        if name not in space.names:
            raise _wrong(
                file,
                at,
                f"{parameter.name} depends on a parameter that is not searched",
                name,
                nearest(name, [n for n in space.names if n != parameter.name]),
            )
        parent = space.parameter(name)
        if parent.values is None or len(parent.values) > MAX_SWITCH:
            raise _wrong(
                file,
                at,
                f"{parameter.name} depends on a range",
                f"{name}: {parent.describe()}",
                "A condition names values of a categorical or of a short int range.",
            )
        for value in values:
            if not any(type(value) is type(v) and value == v for v in parent.values):
                allowed = ", ".join(value_text(v) for v in parent.values)
                raise _never(file, at, parameter, f"{name} is never {value!r} ({allowed})")


def _check_circles(file: YamlFile, space: Space) -> None:
    for parameter in space.params:
        above, fresh = set[str](), set(parameter.when)
        while fresh:
            above |= fresh
            fresh = {
                up for name in fresh if name in space.names for up in space.parameter(name).when
            } - above
        if parameter.name in above:
            at = _condition_place(file, parameter, next(iter(parameter.when)))
            raise _never(file, at, parameter, f"{parameter.name} depends on itself")


def _check_reachable(file: YamlFile, space: Space) -> None:
    reached = {name for branch in space.branches() for name in branch.active}
    for parameter in space.params:
        if parameter.name not in reached:
            at = _condition_place(file, parameter, next(iter(parameter.when)))
            told = " and ".join(
                f"{n} in {[value_text(v) for v in vs]}" for n, vs in parameter.when.items()
            )
            raise _never(file, at, parameter, f"{told} never meet")


def _condition_place(file: YamlFile, parameter: Parameter, name: str) -> Location:
    at: Location = ("param_ranges", parameter.name)
    old = (*at, "condition", "equals", name)
    return old if old in file.lines else (*at, "when", name)


def _check_value(file: YamlFile, schema: Schema, name: str, value: Any, at: Location) -> None:
    known = {parameter.name: parameter for parameter in schema.parameters}
    if name not in known:
        raise _wrong(
            file, at[:2], f"{schema.where} has no such parameter", name, nearest(name, known)
        )
    try:
        known[name].kind.fit(value, text=False)
    except Misfit as misfit:
        raise _wrong(
            file,
            at,
            f"{name} of {schema.where} is {known[name].annotation}",
            repr(value),
            str(misfit),
        ) from None


def _check_between(file: YamlFile, schema: Schema, parameter: Parameter) -> None:
    """A range reaches values between its ends, which the annotation has to allow as well."""
    kind = next(p for p in schema.parameters if p.name == parameter.name)
    values = parameter.values
    inner = [parameter.unscaled(0.4142)] if values is None else list(values[:MAX_SWITCH])
    for value in inner:
        try:
            kind.kind.fit(value, text=False)
        except Misfit:
            raise _wrong(
                file,
                ("param_ranges", parameter.name, "type"),
                f"{parameter.name} of {schema.where} is {kind.annotation}",
                f"a {parameter.kind} range, which reaches {value:.6g}",
                "Use `type: int`, or `type: categorical` with the values it allows.",
            ) from None


def _never(file: YamlFile, at: Location, parameter: Parameter, why: str) -> SweepError:
    return _wrong(
        file, at, f"The condition of {parameter.name} can never hold", why, "Mend or drop it."
    )


def _wrong(file: YamlFile, at: Location, what: str, seen: object, do: str) -> SweepError:
    return SweepError(f"{file.path}:{file.line(at)} {what}", seen=seen, do=do)
