"""Where studies live: a folder each in runs/studies, with an Optuna journal others can open.

runs/studies/NAME/journal.log   an Optuna study of that name (JournalStorage), unless study.json
                                names the PostgreSQL database in which several machines keep it
runs/studies/NAME/space.yaml    its search space
runs/studies/NAME/study.json    objective, direction, notebook, sampler, where it came from
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.errors import SweepError, nearest
from lab.record.files import locked, read_json, write_json
from lab.record.run import format_time
from lab.sweep.confirmed import Confirmation, Confirmed
from lab.sweep.database import database_lock, shared, without_password
from lab.sweep.quiet import quiet_optuna
from lab.sweep.space import Parameter, Space
from lab.sweep.study import Study
from lab.sweep.trial import Phase, State, Trial
from lab.workspace import Workspace

if TYPE_CHECKING:
    import optuna

OURS = "lab:"  # what this package notes with a trial; other user attributes are `extra`

_STATES: dict[str, State] = {
    "COMPLETE": "complete",
    "PRUNED": "pruned",
    "FAIL": "failed",
    "RUNNING": "running",
}


def studies_folder(workspace: Workspace) -> Path:
    return workspace.runs / "studies"


def study_names(workspace: Workspace) -> list[str]:
    """Names of the studies, oldest first."""
    found = []
    for file in studies_folder(workspace).glob("*/study.json"):
        with contextlib.suppress(OSError, ValueError):
            found.append((str(read_json(file).get("created", "")), file.parent.name))
    return [name for _, name in sorted(found)]


def read_study(name: str | Path, workspace: Workspace | None = None) -> Study:
    """The study of that name in runs/studies, or the one that a space file describes.

    The latter may have no trials yet. Raises InputError where there is neither.
    """
    place = workspace or Workspace.find()
    text = str(name)
    if text.endswith((".yaml", ".yml")):
        space = Space.read(Path(name))
        if space.name in study_names(place):
            return replace(_load(place, space.name), space=space)
        return Study(
            name=space.name,
            objective=space.objective,
            direction=space.direction,
            space=space,
            notebook=space.notebook,
            sampler=str(space.sampler["name"]),
            source=place.relative(Path(name)),
        )
    known = study_names(place)
    if text not in known:
        raise SweepError("There is no such study", seen=text, do=_advice(text, known))
    return _load(place, text)


def _advice(name: str, known: list[str]) -> str:
    if not known:
        return "There are none yet: `lab sweep run FILE` or `lab sweep import FILE` makes one."
    return nearest(name, known)


def _load(workspace: Workspace, name: str) -> Study:
    folder = studies_folder(workspace) / name
    try:
        about = read_json(folder / "study.json")
    except (OSError, ValueError) as problem:
        raise SweepError(f"{folder / 'study.json'} cannot be read", seen=problem) from None
    space = Space.read(folder / "space.yaml")
    trials = [trial_of(frozen) for frozen in open_study(folder).get_trials(deepcopy=False)]
    return Study(
        name=name,
        objective=about["objective"],
        direction=about["direction"],
        space=space,
        trials=tuple(trial for trial in trials if trial is not None),
        notebook=space.notebook,
        sampler=about.get("sampler"),
        inferred=bool(about.get("inferred")),
        source=str(about.get("source") or ""),
        confirmed=read_confirmation(name, workspace),
        seeded=bool(about.get("seeded", True)),
    )


def read_confirmation(study: str, workspace: Workspace) -> Confirmation | None:
    """What was confirmed of a study; None where nothing was."""
    file = _confirmation_file(study, workspace)
    if not file.is_file():
        return None
    value = read_json(file)
    rows = tuple(
        Confirmed(
            row["trial"],
            row["params"],
            row["search"],
            *(tuple(row[key]) for key in ("seeds", "values", "run_ids")),
        )
        for row in value["rows"]
    )
    return Confirmation(study, value["objective"], value["direction"], rows)


def write_confirmation(found: Confirmation, workspace: Workspace) -> None:
    """Keep what was confirmed with its study."""
    write_json(_confirmation_file(found.study, workspace), asdict(found))


def _confirmation_file(study: str, workspace: Workspace) -> Path:
    return studies_folder(workspace) / study / "confirmation.json"


def create_folder(
    workspace: Workspace,
    space: Space,
    *,
    source: str,
    inferred: bool = False,
    sampler: str | None = None,
    storage: str | None = None,
    seeded: bool = True,
) -> Path:
    """The folder of a new study; raises SweepError where there is a study of that name.

    `storage` is the URL of the database that keeps its trials; its password is not written.
    `seeded` says whether its notebook has a seed, so that its best can be confirmed on others.
    """
    folder = studies_folder(workspace) / space.name
    if folder.exists():
        raise SweepError(
            "There is a study of that name", seen=space.name, do="Give another name to this one."
        )
    folder.mkdir(parents=True)
    (folder / "space.yaml").write_text(space.to_yaml(), encoding="utf-8")
    write_json(
        folder / "study.json",
        {
            "schema": 1,
            "name": space.name,
            "objective": space.objective,
            "direction": space.direction,
            "notebook": space.notebook,
            "sampler": sampler,
            "inferred": inferred,
            "source": source,
            "storage": None if storage is None else without_password(storage),
            "seeded": seeded,
            "created": format_time(datetime.now(UTC)),
        },
    )
    return folder


def open_study(folder: Path, **how: Any) -> optuna.Study:
    """The Optuna study of a folder, made where it is not there; `how` goes to Optuna."""
    with quiet_optuna():
        from optuna import create_study, load_study

        storage = _storage(folder)
        # To make one that is there writes a line into its journal, and waits for who else writes.
        with contextlib.suppress(KeyError):
            return load_study(study_name=folder.name, storage=storage, **how)
        return create_study(
            study_name=folder.name,
            storage=storage,
            direction=read_json(folder / "study.json")["direction"],
            load_if_exists=True,
            **how,
        )


def database_of(folder: Path) -> str | None:
    """The URL, without a password, of the database that keeps a study; None for its journal."""
    url = read_json(folder / "study.json").get("storage")
    return None if url is None else str(url)


@contextlib.contextmanager
def study_locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a study against every process that works on it, on whatever machine."""
    url = database_of(folder)
    with locked(folder), database_lock(shared(url), folder.name) if url else nullcontext():
        yield


def _storage(folder: Path) -> optuna.storages.BaseStorage:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    if url := database_of(folder):
        return shared(url)
    return JournalStorage(JournalFileBackend(str(folder / "journal.log")))


def distribution(parameter: Parameter) -> optuna.distributions.BaseDistribution:
    """What Optuna calls the range or the choices of a parameter."""
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    low, high = parameter.low or 0, parameter.high or 0
    if parameter.kind == "categorical":
        return CategoricalDistribution(parameter.choices)
    if parameter.kind == "int":
        step = int(parameter.step or 1)
        # Optuna wants the last value on a step.
        last = int(low) + (int(high) - int(low)) // step * step
        return IntDistribution(int(low), last, log=parameter.log, step=step)
    return FloatDistribution(float(low), float(high), log=parameter.log, step=parameter.step)


def trial_of(frozen: optuna.trial.FrozenTrial) -> Trial | None:
    """One of our trials from one of Optuna's; None for one that nobody has begun."""
    state = _STATES.get(frozen.state.name)
    if state is None:
        return None
    noted = {k.removeprefix(OURS): v for k, v in frozen.user_attrs.items() if k.startswith(OURS)}
    value = frozen.value if state == "complete" else None
    values = tuple(noted.get("values") or (() if value is None else (value,)))
    seconds = noted.get("seconds")
    if seconds is None and frozen.duration is not None and "seconds" not in noted:
        seconds = frozen.duration.total_seconds()
    phase: Phase = noted.get("phase", "imported")
    extra = {k: v for k, v in frozen.user_attrs.items() if not k.startswith(OURS)}
    for key in ("duplicate_of", "problem", "carried_from"):
        if key in noted:
            extra[key] = noted[key]
    return Trial(
        number=int(noted.get("number", frozen.number)),
        params=dict(frozen.params),
        value=value,
        state=state,
        phase=phase,
        values=values,
        seeds=tuple(noted.get("seeds") or ()),
        run_ids=tuple(noted.get("runs") or ()),
        steps={int(step): float(v) for step, v in sorted(frozen.intermediate_values.items())},
        seconds=seconds,
        extra=extra,
    )
