"""Trials from a CSV file: which column is what, and what its cells mean."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.errors import SweepError, nearest
from lab.sweep.space import Direction, Space
from lab.sweep.table import Row, Table

_NUMBER = ("trial_number", "number", "trial", "trial_id")
_STATE = ("state", "status")
_RESULT_PREFIXES = ("train_", "val_", "valid_", "validation_", "test_", "eval_", "user_attrs_")
_RESULT_WORDS = {"loss", "acc", "accuracy", "auc", "auroc", "f1", "mse", "rmse", "mae", "score"}
_OTHER = {"best_epoch", "duration", "seconds", "runtime", "datetime_start", "datetime_complete"}
_MIN_WORDS = {"loss", "mse", "rmse", "mae", "error", "perplexity"}


def read_csv(
    path: Path, objective: str | None, direction: Direction | None, space: Space | None
) -> Table:
    """The trials of a CSV (or TSV) file whose column `objective` is the value of each.

    Columns are parameters unless their names say that they are results; `params_` before a name,
    as in tables that Optuna writes, or a `space` settles it. Raises SweepError.
    """
    import pandas as pd

    try:
        frame = pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",")
    except FileNotFoundError:
        raise SweepError("No such file", seen=path, do="Check the path.") from None
    except (OSError, ValueError) as problem:
        raise SweepError(f"{path} is not a table", seen=problem, do="Give CSV.") from None
    columns = [str(column) for column in frame.columns]
    target = objective or (space.objective if space else None) or "value"
    if target not in columns:
        what = "The table has no such column" if objective else "The objective is not known"
        raise SweepError(what, seen=target, do="--objective: " + nearest(target, columns))
    number = next((column for column in _NUMBER if column in columns), None)
    state = next((column for column in _STATE if column in columns), None)
    prefixed = [c for c in columns if c.startswith("params_")]
    names = _parameter_columns(columns, {target, number, state}, prefixed, space)
    notes: list[str] = []
    results = [c for c in columns if c not in (*names, target, number, state)]
    if results and space is None and not prefixed:
        notes.append(f"Taken for results, not parameters: {', '.join(results)}.")
    rows = [
        _csv_row(index, record, target, number, state, names, results)
        for index, record in enumerate(frame.to_dict("records"))
    ]
    plain = [name.removeprefix("params_") if prefixed else name for name in names]
    words = set(target.lower().replace("/", "_").split("_"))
    guessed: Direction = "minimize" if words & _MIN_WORDS else "maximize"
    chosen = direction or (space.direction if space else guessed)
    if direction is None and space is None:
        notes.append(f"Direction by the name of the objective: {chosen} {target}.")
    return Table(rows, plain, target, chosen, path.name, notes)


def _parameter_columns(
    columns: list[str], taken: set[str | None], prefixed: list[str], space: Space | None
) -> list[str]:
    if prefixed:
        return prefixed
    if space is not None:
        missing = [n for n in space.names if n not in columns]
        if missing:
            raise SweepError(
                "The table lacks a parameter of the space",
                seen=", ".join(missing),
                do=f"It has: {', '.join(columns)}.",
            )
        return list(space.names)
    return [c for c in columns if c not in taken and not _is_result(c)]


def _is_result(column: str) -> bool:
    last = column.lower().replace("/", "_").rsplit("_", 1)[-1]
    lower = column.lower().replace("/", "_")
    return lower.startswith(_RESULT_PREFIXES) or last in _RESULT_WORDS or lower in _OTHER


def _csv_row(
    index: int,
    record: Mapping[Any, Any],
    target: str,
    number: str | None,
    state: str | None,
    names: Sequence[str],
    results: Sequence[str],
) -> Row:
    value = _plain(record[target])
    if value is not None and (isinstance(value, str | bool) or not math.isfinite(value)):
        value = None
    told = str(record[state]).upper().rpartition(".")[2] if state else "COMPLETE"
    told = {"DONE": "COMPLETE", "FAILED": "FAIL", "CRASHED": "FAIL"}.get(told, told)
    if told == "COMPLETE" and value is None:
        told = "FAIL"
    params = {n.removeprefix("params_"): _plain(record[n]) for n in names}
    return Row(
        number=int(record[number]) if number else index,
        params={name: item for name, item in params.items() if item is not None},
        value=None if value is None else float(value),
        state=told if told in ("COMPLETE", "PRUNED") else "FAIL",
        extra={n: item for n in results if (item := _plain(record[n])) is not None},
    )


def _plain(value: Any) -> Any:
    """A cell as a Python value; None where it is empty."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value
