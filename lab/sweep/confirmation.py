"""The best of a search run again on fresh seeds: what they are worth, and which of them to take.

The best of many noisy trials is partly luck, and the luck does not come back. Means over seeds that
the search never used have none of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lab.executors.workers import side_by_side
from lab.record.run import Run
from lab.sweep.configuration import Configuration, configurations
from lab.sweep.confirmed import Confirmation, Confirmed
from lab.sweep.jobs import Jobs
from lab.sweep.storage import read_confirmation, write_confirmation
from lab.sweep.study import Study
from lab.workspace import Workspace

FINALISTS = 2  # which get more seeds than the others

Told = Callable[[int, int, float | None], None]  # (trial, seed, value)


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
    write_confirmation(result, workspace)
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


def _has_seed(study: Study, workspace: Workspace) -> bool:
    from lab.notebook.contract import read_schema

    return "seed" in read_schema(workspace.root / str(study.space.notebook), workspace).names


def _covers(before: Confirmation, best: list[Configuration], seeds: int) -> bool:
    """Whether the same trials were confirmed, with enough seeds each."""
    same = {row.trial for row in before.rows} == {row.number for row in best}
    return same and all(len(row.values) >= seeds for row in before.rows)
