"""Trials of an earlier study taken over as observations of the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.errors import SweepError, nearest
from lab.sweep.importing import frozen_trial
from lab.sweep.space import Space
from lab.sweep.storage import OURS, read_study, study_names
from lab.sweep.study import Study
from lab.sweep.table import Row
from lab.sweep.trial import Trial
from lab.workspace import Workspace

if TYPE_CHECKING:
    import optuna

Values = dict[str, Any]


def carry_over(space: Space, workspace: Workspace) -> tuple[optuna.trial.FrozenTrial, ...]:
    """The complete trials inside `space` of the study that its `carry_over` names, for Optuna.

    They are marked as imported, and where they come from. Raises SweepError where there is no such
    study, or one of another notebook, objective or direction.
    """
    if space.carry_over is None:
        return ()
    if space.carry_over not in study_names(workspace):
        raise SweepError(
            "The study whose trials the space takes over is not there",
            seen=f"carry_over: {space.carry_over}",
            do=nearest(space.carry_over, study_names(workspace)),
        )
    study = read_study(space.carry_over, workspace)
    for key in ("notebook", "objective", "direction"):
        if getattr(study.space, key) not in (getattr(space, key), None):
            raise SweepError(
                f"The trials of {study.name} cannot be taken over: it has another {key}",
                seen=getattr(study.space, key),
                do="Leave `carry_over` out, or make the two agree.",
            )
    defaults = notebook_defaults(space, workspace)
    taken = []
    for trial in inside(study, space, defaults):
        row = Row(
            number=trial.number,
            params=placed(trial, study.space, space, defaults) or {},
            value=trial.value,
            state="COMPLETE",
            seconds=trial.seconds,
            extra={
                f"{OURS}carried_from": f"{study.name} trial {trial.number}",
                f"{OURS}runs": list(trial.run_ids),
                f"{OURS}seeds": list(trial.seeds),
                f"{OURS}values": list(trial.values),
            },
        )
        taken.append(frozen_trial(row, space, numbered=False))
    return tuple(taken)


def inside(study: Study, space: Space, defaults: Values | None = None) -> list[Trial]:
    """The complete trials of `study` that `space` could have chosen."""
    known = defaults or {}
    return [t for t in study.complete if placed(t, study.space, space, known) is not None]


def placed(trial: Trial, old: Space, new: Space, defaults: Values) -> Values | None:
    """The values of a trial as `new` would name them; None where it lies outside.

    What a space does not name is as its notebook has it, in `defaults`; a parameter that is not
    known to have had a value cannot be inside. Seeds may differ, and so may what `new` ignores:
    such a parameter is left out of the values where `new` could not have chosen it.
    """
    ignored = {"seed", *new.carry_ignoring}
    had = defaults | old.fixed | trial.params
    # A parameter that was inactive stood at the notebook's default, or what was fixed.
    if any(
        had.get(name, value) != value for name, value in new.fixed.items() if name not in ignored
    ):
        return None
    found: Values = {}
    for name in new.active({name: had[name] for name in new.names if name in had}):
        if name in had and new.parameter(name).contains(had[name]):
            found[name] = had[name]
        elif name not in ignored:
            return None
    apart = trial.params.keys() - found.keys() - new.fixed.keys() - ignored
    if any(name in new.names or defaults.get(name) != had[name] for name in apart):
        return None
    return found


def notebook_defaults(space: Space, workspace: Workspace) -> Values:
    """What the parameters of its notebook are where nothing is said; {} without a notebook."""
    from lab.notebook.contract import read_schema

    if space.notebook is None:
        return {}
    schema = read_schema(workspace.root / space.notebook, workspace)
    return {parameter.name: parameter.default for parameter in schema.parameters}
