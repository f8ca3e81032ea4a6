"""Studies made elsewhere: a table of trials, or an Optuna storage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.errors import SweepError
from lab.numbers import counted
from lab.sweep.from_csv import read_csv
from lab.sweep.from_optuna import read_storage
from lab.sweep.infer import infer_parameters
from lab.sweep.quiet import quiet_optuna
from lab.sweep.space import Direction, Parameter, Space, value_text
from lab.sweep.storage import OURS, create_folder, distribution, open_study, read_study
from lab.sweep.study import Study
from lab.sweep.table import Row, Table
from lab.workspace import Workspace

if TYPE_CHECKING:
    import optuna


@dataclass(frozen=True)
class Imported:
    """An imported study, and what had to be assumed about it."""

    study: Study
    notes: tuple[str, ...]


def import_study(
    source: str | Path,
    *,
    objective: str | None = None,
    space: Path | str | None = None,
    name: str | None = None,
    direction: Direction | None = None,
    study: str | None = None,
    workspace: Workspace | None = None,
) -> Imported:
    """Bring the trials of a CSV file or an Optuna storage into runs/studies.

    `objective` is a column of the table; a storage knows its own values, and `objective` only
    names them. `study` says which study of a storage. Without a `space` file types, ranges and
    conditions are inferred; `notes` of the result say what was. Raises SweepError before anything
    is written.
    """
    place = workspace or Workspace.find()
    given = Space.read(space) if space is not None else None
    text = str(source)
    if text.endswith((".csv", ".tsv")):
        table = read_csv(Path(source), objective, direction, given)
        default = Path(source).stem
    else:
        table, default = read_storage(text, study, objective)
    known = _space_of(table, given, name or (given.name if given else default))
    trials = [frozen_trial(row, known) for row in table.rows]
    folder = create_folder(
        place, known, source=table.source, inferred=given is None, sampler="unknown"
    )
    with quiet_optuna():
        open_study(folder).add_trials(trials)
    return Imported(read_study(known.name, place), tuple(table.notes))


def _space_of(table: Table, given: Space | None, name: str) -> Space:
    """The space of the new study: the given one, or what the trials tell."""
    if given is not None:
        return replace(given, name=name, objective=table.objective, direction=table.direction)
    everything = [row.params for row in table.rows if row.params]
    # A trial that failed may have done so before all its parameters were chosen.
    rows = [row.params for row in table.rows if row.params and row.state != "FAIL"] or everything
    names = [name for name in table.names if any(name in row for row in everything)]
    if not names:
        raise SweepError("No parameter was found in the trials", seen=table.source)
    parameters = infer_parameters(everything, names, table.declared, rows)
    stated = [p.name for p in parameters if p.name in table.declared]
    how = "as stated by the study" if stated else "inferred from the values seen"
    table.notes.append(f"Types and ranges of {counted(len(names), 'parameter')}: {how}.")
    for parameter in parameters:
        if parameter.when:
            told = " and ".join(
                f"{n} = {' or '.join(map(value_text, vs))}" for n, vs in parameter.when.items()
            )
            table.notes.append(f"Inferred: {parameter.name} only where {told}.")
        elif any(parameter.name not in row for row in rows):
            table.notes.append(
                f"{parameter.name} is missing in some trials, and no condition says which."
            )
    return Space(
        name=name,
        params=parameters,
        objective=table.objective,
        direction=table.direction,
        n_trials=len(table.rows),
        sampler={"name": "random"},
        notes="Inferred from imported trials; the ranges are those seen.",
    )


def frozen_trial(row: Row, space: Space, *, numbered: bool = True) -> optuna.trial.FrozenTrial:
    """The trial as Optuna keeps it, in the ranges of the space where it lies within them.

    `numbered` keeps the number it had; without, it gets one of the study that it is added to.
    """
    from optuna.trial import TrialState, create_trial

    params: dict[str, Any] = {}
    ranges: dict[str, Any] = {}
    for parameter in space.params:
        if parameter.name not in row.params:
            continue
        value = fitted(parameter, row.params[parameter.name])
        if not parameter.contains(value):
            if parameter.kind == "categorical" or isinstance(value, str | bool | None):
                raise SweepError(
                    f"Trial {row.number} has a value of {parameter.name} that the space lacks",
                    seen=repr(value),
                    do=f"The space has {parameter.describe()}.",
                )
            parameter = replace(
                parameter,
                low=min(value, parameter.low or 0),
                high=max(value, parameter.high or 0),
            )
        if parameter.kind == "float":
            parameter = replace(parameter, step=None)
        params[parameter.name] = value
        ranges[parameter.name] = distribution(parameter)
    noted: dict[str, Any] = {f"{OURS}phase": "imported", f"{OURS}seconds": row.seconds}
    if numbered:
        noted[f"{OURS}number"] = row.number
    return create_trial(
        state=TrialState[row.state],
        value=row.value if row.state == "COMPLETE" else None,
        params=params,
        distributions=ranges,
        user_attrs=row.extra | noted,
        intermediate_values=row.steps,
    )


def fitted(parameter: Parameter, value: Any) -> Any:
    """`value` of the type that the parameter has: a table makes 8.0 of 8."""
    if parameter.kind == "categorical":
        for choice in parameter.choices:
            if isinstance(choice, bool) == isinstance(value, bool) and choice == value:
                return choice
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    whole = parameter.kind == "int" and float(value).is_integer()
    return int(value) if whole else float(value)
