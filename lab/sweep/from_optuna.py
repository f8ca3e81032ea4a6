"""Trials from an Optuna storage: SQLite, PostgreSQL or a journal file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.errors import SweepError, nearest
from lab.sweep.database import storage_of
from lab.sweep.quiet import quiet_optuna
from lab.sweep.space import Direction, Parameter
from lab.sweep.storage import OURS
from lab.sweep.table import Row, Table

if TYPE_CHECKING:
    import optuna


def list_storage(url: str) -> list[dict[str, Any]]:
    """The studies of an Optuna storage: name, trials, direction, best value."""
    with quiet_optuna() as optuna:
        found = []
        for item in optuna.get_all_study_summaries(storage=storage_of(url)):
            single = len(item.directions) == 1
            best = item.best_trial if single else None
            found.append(
                {
                    "name": item.study_name,
                    "direction": item.direction.name.lower() if single else "several objectives",
                    "trials": item.n_trials,
                    "best": None if best is None else best.value,
                }
            )
        return found


def read_storage(url: str, study: str | None, objective: str | None) -> tuple[Table, str]:
    """The finished trials of a study in a storage, and its name; raises SweepError."""
    with quiet_optuna() as optuna:
        storage = storage_of(url)
        names = [item.study_name for item in optuna.get_all_study_summaries(storage=storage)]
        if study is None and len(names) != 1:
            what = "The storage has several studies" if names else "The storage has no study"
            raise SweepError(what, seen=", ".join(names) or None, do="Say which: --study NAME.")
        if study is not None and study not in names:
            raise SweepError("The storage has no such study", seen=study, do=nearest(study, names))
        chosen = study or names[0]
        found = optuna.load_study(study_name=chosen, storage=storage)
        if len(found.directions) != 1:
            told = f"{chosen}: {len(found.directions)}"
            raise SweepError("The study has several objectives", seen=told, do="Name another.")
        frozen = [t for t in found.get_trials() if t.state.name in ("COMPLETE", "PRUNED", "FAIL")]
        if not frozen:
            raise SweepError("The study has no finished trial", seen=chosen, do="Run it first.")
        direction: Direction = "minimize" if found.direction.name == "MINIMIZE" else "maximize"
        metrics = found.metric_names
    ordered = list(dict.fromkeys(name for trial in frozen for name in trial.params))
    table = Table(
        [_row(trial) for trial in frozen],
        ordered,
        objective or (metrics[0] if metrics else "value"),
        direction,
        f"Optuna study {chosen}",
        [],
        {name: _declared(name, frozen) for name in ordered},
    )
    return table, chosen


def _row(frozen: optuna.trial.FrozenTrial) -> Row:
    return Row(
        number=frozen.number,
        params=dict(frozen.params),
        value=frozen.value if frozen.state.name == "COMPLETE" else None,
        state=frozen.state.name,
        extra={k: v for k, v in frozen.user_attrs.items() if not k.startswith(OURS)},
        steps=dict(frozen.intermediate_values),
        seconds=frozen.duration.total_seconds() if frozen.duration else None,
    )


def _declared(name: str, trials: list[optuna.trial.FrozenTrial]) -> Parameter:
    """The range that the trials of a study state for a parameter: the widest where it changed."""
    from optuna.distributions import CategoricalDistribution, IntDistribution

    ranges: list[Any] = [t.distributions[name] for t in trials if name in t.distributions]
    last = ranges[-1]
    if isinstance(last, CategoricalDistribution):
        choices: list[Any] = []
        for item in ranges:
            for choice in item.choices:
                if not any(type(choice) is type(c) and choice == c for c in choices):
                    choices.append(choice)
        return Parameter(name, "categorical", choices=tuple(choices))
    whole = isinstance(last, IntDistribution)
    return Parameter(
        name,
        "int" if whole else "float",
        low=min(item.low for item in ranges),
        high=max(item.high for item in ranges),
        log=last.log,
        step=None if whole and last.step == 1 else last.step,
    )
