"""The trials of a study as their runs tell them: values, and what is known of single classes."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lab.errors import LabError
from lab.record.run import Run
from lab.sweep.origins import noted
from lab.sweep.study import Study
from lab.sweep.trial import Trial

if TYPE_CHECKING:
    from lab.sweep.confirmed import Confirmation, Confirmed

SAMPLES = "_samples"  # a note of a run: how many samples of each class a split has


def measured(study: Study, run_of: Callable[[str], Run]) -> Study:
    """The study with the values that the runs of its complete trials give now.

    A trial whose runs do not tell a value for each of its own keeps what the journal has, as does
    one without runs. `run_of` raises LabError where a run is gone.
    """
    trials = tuple(_measured(trial, study, run_of) for trial in study.trials)
    confirmed = study.confirmed and _confirmed(study.confirmed, study, run_of)
    return replace(study, trials=trials, confirmed=confirmed)


def measured_here(study: Study, run_of: Callable[[str], Run]) -> Study:
    """The same where runs may have gone: their trials keep what the journal has."""

    def told(trial: Trial) -> Trial:
        try:
            return _measured(trial, study, run_of)
        except LabError:
            return trial

    return replace(study, trials=tuple(told(trial) for trial in study.trials))


def _measured(trial: Trial, study: Study, run_of: Callable[[str], Run]) -> Trial:
    if trial.state != "complete" or not trial.run_ids:
        return trial
    runs = [run for run_id in trial.run_ids if (run := run_of(run_id)).status == "done"]
    values = [value for run in runs if (value := objective_of(run, study)) is not None]
    if len(values) != len(trial.values):
        # A seed that was interrupted has two runs, or a run is damaged: the journal knows better.
        return trial
    extra = {**trial.extra, **_classes(runs, study.objective), **noted(runs)}
    return replace(trial, values=tuple(values), value=statistics.fmean(values), extra=extra)


def _confirmed(found: Confirmation, study: Study, run_of: Callable[[str], Run]) -> Confirmation:
    """The same with the values that its runs give now."""

    def row(one: Confirmed) -> Confirmed:
        told = [objective_of(run_of(run_id), study) for run_id in one.run_ids]
        values = tuple(
            was if now is None else now for was, now in zip(one.values, told, strict=True)
        )
        return replace(one, values=values)

    return replace(found, rows=tuple(map(row, found.rows)))


def objective_of(run: Run, study: Study) -> float | None:
    """The best value of the objective in a run, by the direction of the study."""
    entry = run.summary.get(study.objective)
    if entry is None:
        return None
    goal = {"maximize": "max", "minimize": "min"}[study.direction]
    best = entry.get("best") if entry.get("goal") == goal else None
    if best is None:
        told = [row[study.objective] for row in run.history(study.objective)]
        best = (max if goal == "max" else min)(told) if told else None
    return None if best is None else float(best)


def _classes(runs: Iterable[Run], objective: str) -> dict[str, Any]:
    """Per class the mean of the objective over seeds, and the samples of each class."""
    split = objective.partition("/")[0]
    by_name: dict[str, list[float]] = {}
    found: dict[str, Any] = {}
    for run in runs:
        # The names alone: whoever notes what is read of a run is not to note all of it.
        for name in dict.keys(run.summary):
            value = run.summary[name].get("last") if name.startswith(f"{objective}/") else None
            if isinstance(value, int | float):
                by_name.setdefault(name, []).append(float(value))
        samples = run.notes.get(split + SAMPLES)
        if isinstance(samples, dict):
            found[split + SAMPLES] = dict(samples)
    return {**{name: statistics.fmean(values) for name, values in by_name.items()}, **found}
