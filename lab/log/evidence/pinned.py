"""What of a study the evidence of a block names: a study goes on after an entry was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from lab.errors import SweepError

if TYPE_CHECKING:
    from lab.sweep.confirmed import Confirmed
    from lab.sweep.study import Study


def pinned(study: Study, spec: dict[str, Any]) -> Study:
    """The study with the trials and the confirming runs that the evidence names, and no others.

    Raises SweepError where a trial is gone.
    """
    wanted = set(numbers_of(spec["trials"]))
    found = tuple(trial for trial in study.trials if trial.number in wanted)
    if lost := sorted(wanted - {trial.number for trial in found}):
        raise SweepError(f"Trials of study {study.name} are gone", seen=", ".join(map(str, lost)))
    runs = set(spec.get("confirmed") or ())
    confirmed = study.confirmed
    if confirmed is not None:
        rows = tuple(row for one in confirmed.rows if (row := _of_runs(one, runs)).values)
        confirmed = replace(confirmed, rows=rows) if rows else None
    # More trials may have been asked for since.
    space = replace(study.space, n_trials=int(spec.get("asked") or study.space.n_trials))
    return replace(study, trials=found, confirmed=confirmed, space=space)


def confirmed_runs(study: Study) -> list[str]:
    """The runs on fresh seeds that confirmed the best of the study."""
    rows = study.confirmed.rows if study.confirmed else ()
    return [run for row in rows for run in row.run_ids]


def _of_runs(row: Confirmed, runs: set[str]) -> Confirmed:
    own = zip(row.seeds, row.values, row.run_ids, strict=True)
    kept = [item for item in own if item[2] in runs]
    return replace(
        row,
        seeds=tuple(seed for seed, _, _ in kept),
        values=tuple(value for _, value, _ in kept),
        run_ids=tuple(run for _, _, run in kept),
    )


def spans(numbers: Sequence[int]) -> str:
    """Numbers in few characters: 0, 1, 2, 5 are "0-2,5"."""
    listed = sorted(numbers)
    runs = groupby(enumerate(listed), key=lambda pair: pair[1] - pair[0])
    groups = [[number for _, number in group] for _, group in runs]
    return ",".join(f"{g[0]}-{g[-1]}" if len(g) > 1 else str(g[0]) for g in groups)


def numbers_of(text: str) -> list[int]:
    """The numbers that `spans` wrote."""
    found: list[int] = []
    for part in text.split(",") if text else ():
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found
