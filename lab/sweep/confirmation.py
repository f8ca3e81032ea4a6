"""The best of a search run again on fresh seeds: what they are worth, and which of them to take.

The best of many noisy trials is partly luck, and the luck does not come back. Means over seeds that
the search never used have none of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lab.executors.workers import side_by_side
from lab.record.files import read_json, write_json
from lab.record.run import Run
from lab.stats.intervals import mean_of, paired_difference, t_interval
from lab.stats.multiplicity import holm
from lab.sweep.configuration import Configuration, configurations
from lab.sweep.jobs import Jobs
from lab.sweep.storage import studies_folder
from lab.sweep.study import Study
from lab.workspace import Workspace

FINALISTS = 2  # which get more seeds than the others
TIED_FROM = 3  # seeds in common from which two are compared

Told = Callable[[int, int, float | None], None]  # (trial, seed, value)


@dataclass(frozen=True)
class Confirmed:
    """One configuration on fresh seeds; `search` is what the search had measured of it.

    `trial` is the first that had it; `values` belong to `seeds`, `run_ids` likewise.
    """

    trial: int
    params: Mapping[str, Any]
    search: float
    seeds: tuple[int, ...]
    values: tuple[float, ...]
    run_ids: tuple[str, ...]

    @property
    def mean(self) -> float:
        return mean_of(self.values)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95% t interval of the mean; None for one seed."""
        return t_interval(self.values)


@dataclass(frozen=True)
class Confirmation:
    """The configurations of a study that were run again, the best mean first.

    Only those with the most seeds can win: `winner` is the first of them. `ties` are the trials
    that the seeds in common do not tell from it (paired t test at 5%, Holm over the comparisons).
    """

    study: str
    objective: str
    direction: str
    rows: tuple[Confirmed, ...]

    @property
    def winner(self) -> Confirmed:
        most = max(len(row.values) for row in self.rows)
        return next(row for row in self.rows if len(row.values) == most)

    @property
    def ties(self) -> tuple[int, ...]:
        others = [row for row in self.rows if row is not self.winner]
        tests = [_p(self.winner, row) for row in others]
        adjusted = holm([1.0 if p is None else p for p in tests])
        return tuple(row.trial for row, p in zip(others, adjusted, strict=True) if p > 0.05)

    def drop(self, row: Confirmed) -> float:
        """By how much the search had promised more than came: above zero, it was optimistic."""
        sign = 1.0 if self.direction == "maximize" else -1.0
        return sign * (row.search - row.mean)


def read_confirmation(study: str, workspace: Workspace) -> Confirmation | None:
    """What was confirmed of a study; None where nothing was."""
    file = _file(study, workspace)
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


async def confirm(
    study: Study,
    workspace: Workspace,
    jobs: Jobs,
    *,
    workers: int = 1,
    told: Told | None = None,
) -> Confirmation | None:
    """Run the best configurations of a study on fresh seeds; None where the space asks for none.

    What the search has not changed since is not run again, finished runs come from the store, and
    those that an earlier process left under way on a cluster are waited for. A configuration whose
    runs all fail is left out.
    """
    count, seeds, final = (study.space.confirm[key] for key in ("top", "seeds", "final_seeds"))
    best = top(study, count)
    if not best or not _has_seed(study, workspace):
        return None
    before = read_confirmation(study.name, workspace)
    if before is not None and _covers(before, best, seeds):
        return before
    fresh = fresh_seeds(study, workspace, max(seeds, final))
    found = await run_seeds(best, fresh[:seeds], study, jobs, workers=workers, told=told)
    finalists = {row.trial for row in _ordered(study, found)[:FINALISTS]}
    again = [row for row in best if row.number in finalists]
    if final > seeds and len(again) > 1:
        more = await run_seeds(again, fresh[seeds:final], study, jobs, workers=workers, told=told)
        found = _joined(found, more)
    if not found:
        return None
    result = Confirmation(
        study.name, study.objective, study.direction, tuple(_ordered(study, found))
    )
    _write(result, workspace)
    return result


def top(study: Study, count: int) -> list[Configuration]:
    """The best configurations of a study by what the search measured."""
    rows = sorted(configurations(study), key=lambda row: (-row.score, row.number))
    return rows[:count]


def fresh_seeds(study: Study, workspace: Workspace, count: int) -> list[int]:
    """The smallest seeds that no trial of the study has used."""
    from lab.notebook.contract import read_schema

    used = {seed for trial in study.trials for seed in trial.seeds} | set(study.space.seeds)
    schema = read_schema(workspace.root / str(study.space.notebook), workspace)
    own = next(p.default for p in schema.parameters if p.name == "seed")
    used.add(study.space.fixed.get("seed", own))
    used |= {trial.params["seed"] for trial in study.trials if "seed" in trial.params}
    return list(itertools.islice((seed for seed in itertools.count() if seed not in used), count))


async def run_seeds(
    rows: Iterable[Configuration],
    seeds: Iterable[int],
    study: Study,
    jobs: Jobs,
    *,
    workers: int,
    told: Told | None,
    fixed: Mapping[str, Any] | None = None,
    stage: str = "confirmation",
) -> list[Confirmed]:
    """Each configuration on each seed, `fixed` over what the space fixes; those with a value."""
    rows = list(rows)
    results: dict[int, dict[int, tuple[Run, float]]] = {row.number: {} for row in rows}
    queue = iter([(row, seed) for seed in seeds for row in rows])

    async def work() -> None:
        for row, seed in queue:
            job = jobs.job({**row.params, **(fixed or {})}, seed, trial=row.number, stage=stage)
            run = await jobs.result(job)
            value = jobs.value(run) if run.status == "done" else None
            if value is not None:
                results[row.number][seed] = run, value
            if told is not None:
                told(row.number, seed, value)

    await side_by_side(*(work() for _ in range(workers)))
    return [_confirmed(row, results[row.number]) for row in rows if results[row.number]]


def _confirmed(row: Configuration, by_seed: Mapping[int, tuple[Run, float]]) -> Confirmed:
    seeds = sorted(by_seed)
    return Confirmed(
        trial=row.number,
        params=dict(row.params),
        search=row.value,
        seeds=tuple(seeds),
        values=tuple(by_seed[seed][1] for seed in seeds),
        run_ids=tuple(by_seed[seed][0].id for seed in seeds),
    )


def _joined(found: list[Confirmed], more: list[Confirmed]) -> list[Confirmed]:
    added = {row.trial: row for row in more}
    return [
        Confirmed(
            row.trial,
            row.params,
            row.search,
            row.seeds + added[row.trial].seeds,
            row.values + added[row.trial].values,
            row.run_ids + added[row.trial].run_ids,
        )
        if row.trial in added
        else row
        for row in found
    ]


def _ordered(study: Study, rows: list[Confirmed]) -> list[Confirmed]:
    sign = -1.0 if study.direction == "maximize" else 1.0
    return sorted(rows, key=lambda row: (sign * row.mean, row.trial))


def _p(winner: Confirmed, row: Confirmed) -> float | None:
    """The p value of their difference over the seeds that both have; None for too few."""
    one, other = (dict(zip(r.seeds, r.values, strict=True)) for r in (winner, row))
    common = sorted(one.keys() & other.keys())
    if len(common) < TIED_FROM:
        return None
    return paired_difference([one[s] for s in common], [other[s] for s in common]).p


def _has_seed(study: Study, workspace: Workspace) -> bool:
    from lab.notebook.contract import read_schema

    return "seed" in read_schema(workspace.root / str(study.space.notebook), workspace).names


def _covers(before: Confirmation, best: list[Configuration], seeds: int) -> bool:
    """Whether the same trials were confirmed, with enough seeds each."""
    same = {row.trial for row in before.rows} == {row.number for row in best}
    return same and all(len(row.values) >= seeds for row in before.rows)


def _file(study: str, workspace: Workspace) -> Path:
    return studies_folder(workspace) / study / "confirmation.json"


def _write(found: Confirmation, workspace: Workspace) -> None:
    write_json(_file(found.study, workspace), asdict(found))
