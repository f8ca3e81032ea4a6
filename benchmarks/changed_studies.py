"""A study told in another way, of which an analysis has to say the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from lab.sweep.space import Parameter
from lab.sweep.study import Study
from lab.sweep.trial import Trial


def renamed(study: Study) -> Study:
    names = {p.name: f"z_{p.name}" for p in study.space.params}
    params = tuple(
        dataclasses.replace(
            p, name=names[p.name], when={names[parent]: v for parent, v in p.when.items()}
        )
        for p in study.space.params
    )
    return changed(study, lambda t: {names[k]: v for k, v in t.params.items()}, params)


def reordered(study: Study) -> Study:
    return changed(study, lambda t: dict(reversed(t.params.items())), study.space.params[::-1])


def rescaled(study: Study) -> Study:
    params = tuple(
        dataclasses.replace(p, low=1000 * (p.low or 0), high=1000 * (p.high or 0))
        if p.kind == "float"
        else p
        for p in study.space.params
    )
    scaled = {p.name for p in params if p.kind == "float"}
    return changed(
        study, lambda t: {k: 1000 * v if k in scaled else v for k, v in t.params.items()}, params
    )


def changed(
    study: Study, changed: Callable[[Trial], dict[str, Any]], params: tuple[Parameter, ...]
) -> Study:
    trials = tuple(dataclasses.replace(t, params=changed(t)) for t in study.trials)
    return dataclasses.replace(
        study, trials=trials, space=dataclasses.replace(study.space, params=params)
    )


def valued(study: Study, value: Callable[[float], float], **more: Any) -> Study:
    trials = tuple(
        dataclasses.replace(t, value=value(t.value or 0.0), values=(value(t.value or 0.0),))
        for t in study.trials
    )
    return dataclasses.replace(study, trials=trials, **more)


def twice(study: Study) -> Study:
    seeded = [dataclasses.replace(t, seeds=(0,)) for t in study.trials]
    again = dataclasses.replace(seeded[7], number=len(seeded))
    return dataclasses.replace(study, trials=(*seeded, again))


CHANGES: dict[str, Callable[[Study], Study]] = {
    "other names": renamed,
    "another order of parameters": reordered,
    "other units": rescaled,
    "the other direction": lambda s: valued(s, lambda v: -v, direction="minimize"),
    "a constant on the objective": lambda s: valued(s, lambda v: v + 64),
    "a seed given twice": twice,
}
