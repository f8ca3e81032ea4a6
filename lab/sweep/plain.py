"""A study as plain values that JSON holds, and back: for evidence that outlives its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from lab.sweep.confirmed import Confirmation, Confirmed
from lab.sweep.space import Parameter, Space
from lab.sweep.study import Study
from lab.sweep.trial import Trial

Plain = dict[str, Any]

_OWN = ("name", "objective", "direction", "notebook", "sampler", "inferred", "source")


def plain_study(study: Study) -> Plain:
    """The study without anything that JSON cannot hold; what is as by default is left out."""
    return {
        **{name: getattr(study, name) for name in _OWN},
        **({} if study.seeded else {"seeded": False}),
        "space": _plain(study.space, "params"),
        "params": [_plain(parameter) for parameter in study.space.params],
        "trials": [_plain(trial) for trial in study.trials],
        **({"confirmed": [_plain(row) for row in study.confirmed.rows]} if study.confirmed else {}),
    }


def study_of_plain(plain: Mapping[str, Any]) -> Study:
    """The study that `plain_study` gave."""
    params = tuple(
        Parameter(**_tuples(own, "choices") | {"when": _conditions(own)}) for own in plain["params"]
    )
    trials = tuple(
        Trial(**_tuples(own, "values", "seeds", "run_ids") | {"steps": _steps(own)})
        for own in plain["trials"]
    )
    space = Space(**_tuples(plain["space"], "seeds") | {"params": params})
    confirmed = _confirmed(plain) if plain.get("confirmed") else None
    own = {name: plain[name] for name in _OWN}
    seeded = bool(plain.get("seeded", True))
    return Study(**own, space=space, trials=trials, confirmed=confirmed, seeded=seeded)


def _confirmed(plain: Mapping[str, Any]) -> Confirmation:
    rows = tuple(
        Confirmed(**_tuples(own, "seeds", "values", "run_ids")) for own in plain["confirmed"]
    )
    return Confirmation(plain["name"], plain["objective"], plain["direction"], rows)


def _plain(value: Any, *without: str) -> Plain:
    """The fields of a dataclass that are not as by default."""
    return {
        field.name: _json(own)
        for field in fields(value)
        if field.name not in without and repr(own := getattr(value, field.name)) != _default(field)
    }


def _default(field: Field[Any]) -> str | None:
    """What a field is unless somebody says, as repr tells it: 0 is no False there."""
    if field.default_factory is not MISSING:
        return repr(field.default_factory())
    return None if field.default is MISSING else repr(field.default)


def _json(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _json(item) for key, item in value.items()}
    return value


def _tuples(own: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The fields, those of these names as the tuples they were."""
    return dict(own) | {name: tuple(own.get(name, ())) for name in names}


def _conditions(own: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    return {name: tuple(values) for name, values in own.get("when", {}).items()}


def _steps(own: Mapping[str, Any]) -> dict[int, float]:
    return {int(step): value for step, value in own.get("steps", {}).items()}
