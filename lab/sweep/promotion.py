"""The best of a search trained longer on fresh seeds, and whether they keep what it promised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.errors import InputError, nearest
from lab.record.run import Run
from lab.stats.intervals import mean_of, t_interval
from lab.sweep.configuration import Configuration, configurations, shown
from lab.sweep.confirmation import fresh_seeds
from lab.sweep.jobs import best_value
from lab.sweep.new_file import write_new
from lab.sweep.storage import read_confirmation, read_study
from lab.sweep.study import Study
from lab.workspace import Workspace

SUITES = Path("experiments/suites")
SEEDS = 3


@dataclass(frozen=True)
class Promoted:
    """One configuration as an arm of the suite; `search` is what the search had measured.

    `branch` is its value of the parameter that the best were taken by, "" without one. `values`
    are of the runs that are there, with their `seeds` and `run_ids`.
    """

    arm: str
    branch: str
    trial: int
    params: Mapping[str, Any]
    search: float
    seeds: tuple[int, ...]
    values: tuple[float, ...]
    run_ids: tuple[str, ...]

    @property
    def mean(self) -> float | None:
        return mean_of(self.values) if self.values else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95% t interval of the mean; None for fewer than two values."""
        return t_interval(self.values)


@dataclass(frozen=True)
class Promotion:
    """The suite, what it changes for all, and its arms in the order of the search.

    `due` runs of it are not there yet.
    """

    study: str
    objective: str
    direction: str
    suite: Path
    changes: Mapping[str, Any]
    rows: tuple[Promoted, ...]
    due: int

    def gain(self, row: Promoted) -> float | None:
        """By how much more came than the search had promised; below zero, less."""
        sign = 1.0 if self.direction == "maximize" else -1.0
        return None if row.mean is None else sign * (row.mean - row.search)


def promote(
    study: str | Study,
    *,
    top: int = 5,
    by: str | None = None,
    params: Mapping[str, Any] | None = None,
    seeds: int = SEEDS,
    file: Path | str | None = None,
    workspace: Workspace | None = None,
) -> Promotion:
    """Write a suite that runs the best `top` configurations of a study again, and read its runs.

    With `by`, a parameter with few values, the best `top` of each of its values. `params` go over
    those of the search. The seeds are ones that neither search nor confirmation used. `file` is
    experiments/suites/STUDY_promoted.yaml unless told. Run it with `lab suite run FILE` and call
    again: what is there is compared with what the search had promised.

    Raises InputError, and writes nothing, where a value does not fit the notebook or another file
    of that name is there.
    """
    from lab.notebook.job import Job
    from lab.suite.plan import plan_suite
    from lab.suite.schema import read_suite

    place = workspace or Workspace.find()
    found = study if isinstance(study, Study) else read_study(study, place)
    if found.space.notebook is None:
        raise InputError(
            "The study names no notebook, so its configurations cannot be run",
            seen=found.name,
            do="Import it with --space and a file that names one.",
        )
    changes = dict(params or {})
    chosen = _chosen(found, by, top)
    fixed = {name: value for name, value in found.space.fixed.items() if name != "seed"}
    arms = {
        _arm(row, by): fixed | {n: v for n, v in row.params.items() if n != "seed"} | changes
        for row in chosen
    }
    notebook = place.root / found.space.notebook
    for values in arms.values():
        Job.check(notebook, values, workspace=place)
    path = Path(file) if file is not None else place.root / SUITES / f"{found.name}_promoted.yaml"
    write_new({path: _text(found, path.stem, arms, _fresh(found, place, seeds), by, changes)})
    plan = plan_suite(read_suite(path), place)
    runs = {item.index: item.satisfied_by for item in plan if item.satisfied_by}
    rows = []
    for row in chosen:
        mine = [item for item in plan if item.arm == _arm(row, by) and item.index in runs]
        ended = [Run.read(place.runs / str(runs[item.index])) for item in mine]
        best = [best_value(run, found.objective, found.direction) for run in ended]
        kept = [
            (int(item.matrix["seed"]), value, run.id)
            for item, value, run in zip(mine, best, ended, strict=True)
            if value is not None
        ]
        told, measured, ids = zip(*kept, strict=True) if kept else ((), (), ())
        branch = shown(row.params[by]) if by else ""
        rows.append(
            Promoted(
                _arm(row, by), branch, row.number, dict(row.params), row.value, told, measured, ids
            )
        )
    due = len(plan) - len(runs)
    return Promotion(found.name, found.objective, found.direction, path, changes, tuple(rows), due)


def _chosen(study: Study, by: str | None, top: int) -> list[Configuration]:
    rows = sorted(configurations(study), key=lambda row: (-row.score, row.number))
    if not rows:
        raise InputError(
            "No trial of the study is complete, so none is best",
            seen=study.name,
            do=f"lab sweep status {study.name} says what became of them.",
        )
    if by is None:
        return rows[:top]
    if by not in study.space.names:
        raise InputError(
            "The study searches no such parameter", seen=by, do=nearest(by, study.space.names)
        )
    if study.space.parameter(by).values is None:
        raise InputError(
            "The best are taken by a parameter with few values",
            seen=f"{by}: {study.space.parameter(by).describe()}",
            do="Name a categorical one, as that of the architecture.",
        )
    having = [row for row in rows if by in row.params]
    kinds = dict.fromkeys(shown(row.params[by]) for row in having)
    return [
        row for kind in kinds for row in [r for r in having if shown(r.params[by]) == kind][:top]
    ]


def _arm(row: Configuration, by: str | None) -> str:
    return f"trial_{row.number}" if by is None else f"{shown(row.params[by])}_{row.number}"


def _fresh(study: Study, workspace: Workspace, count: int) -> list[int]:
    confirmed = read_confirmation(study.name, workspace)
    used = {seed for row in confirmed.rows for seed in row.seeds} if confirmed else set()
    found = fresh_seeds(study, workspace, count + len(used))
    return [seed for seed in found if seed not in used][:count]


def _text(
    study: Study,
    name: str,
    arms: Mapping[str, Mapping[str, Any]],
    seeds: list[int],
    by: str | None,
    changes: Mapping[str, Any],
) -> str:
    import yaml

    def line(value: Any) -> str:
        text: str = yaml.safe_dump(
            value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000
        )
        return text.strip()

    each = f" of each {by}" if by else ""
    told = "".join(f", {key}={shown(value)}" for key, value in changes.items())
    what = f"The best {len(arms)} configurations of study {study.name}{each}"
    head = f"# {what}, on fresh seeds{told}."
    lines = [
        head,
        f"name: {line(name).removesuffix('...').strip()}",
        f"defaults: {{notebook: {study.space.notebook}}}",
        f"matrix: {{seed: {line(seeds)}}}",
        *([f"slurm: {line(study.space.slurm)}"] if study.space.slurm else []),
        "runs:",
        *(f"  - {line({'arm': arm, 'params': dict(values)})}" for arm, values in arms.items()),
    ]
    return "\n".join(lines) + "\n"
