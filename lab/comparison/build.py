"""From runs to a Comparison."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from lab.comparison import notes as tell
from lab.comparison import unlike
from lab.comparison.arms import RESUME, SETTINGS, Placed, place, usual_by
from lab.comparison.comparison import Comparison
from lab.comparison.measure import (
    check_attribute,
    check_metric,
    in_order,
    label,
    ordered,
)
from lab.comparison.rows import Table
from lab.errors import InputError, nearest
from lab.record.run import Run


def compare(
    runs: Iterable[Run],
    *,
    by: str | None = None,
    metric: str | None = None,
    rows: str | None = None,
    baseline: object = None,
    seed_param: str = "seed",
    interesting: float | None = None,
    mix: bool = False,
) -> Comparison:
    """Compare arms over seeds: the values of `by`, a parameter, `arm`, a key of run.json.

    Without `by` an arm is what varies: all parameters but the seed. Without `metric` each row is in
    the headline metric of its runs. Only `done` runs count; the others are told in the notes.
    `baseline` is an arm: every other one is tested against it; without, all pairs are.
    `interesting` is the smallest difference worth knowing, in the unit of the metric: so many seeds
    are said to be needed, and arms shown to be closer are told as equivalent. Arms that mix
    settings, or were measured on different data, get no verdict unless `mix`.
    Raises InputError where nothing can be compared.
    """
    given = in_order(runs)
    _check(given, by, rows, interesting)
    by = by or usual_by(given, rows, seed_param)
    placed, done = _usable(given, by, rows, seed_param, metric)
    names = {label(value): None for value in ordered(member.value for member in placed)}
    asked = None if baseline is None else label(baseline)
    if asked is not None and asked not in names:
        raise InputError(
            "No run is of the baseline arm", seen=asked, do=nearest(asked, list(names))
        )
    counted, repeated = _newest_per_seed(done)
    table = Table(by, rows, metric, tuple(names), asked, seed_param, interesting, mix)
    built = table.rows_of(counted, placed)
    return Comparison(
        by=by,
        rows_by=rows,
        metric=metric or (built[0].metric if len({row.metric for row in built}) == 1 else None),
        baseline=asked,
        seed_param=seed_param,
        rows=built,
        notes=(
            *tell.of_absent(len(given) - len(placed), by, rows),
            *tell.of_uncounted([member.run for member in placed]),
            *tell.of_silent([member.row for member in counted], {row.name for row in built}),
            *tell.of_repeated([member.run for member in repeated]),
            *tell.of_lost(built),
            *table.notes,
            *unlike.of_code(counted, by),
            *tell.of_pairing(built),
        ),
        uncounted=tell.uncounted(member.run for member in placed),
        constants=tell.constants(counted, {by, rows, seed_param}),
        interesting=interesting,
        mix=mix,
    )


def _check(
    given: Sequence[Run], by: str | None, rows: str | None, interesting: float | None
) -> None:
    if not given:
        raise InputError("There are no runs to compare", do="See `lab runs`; widen --where.")
    if interesting is not None and not (math.isfinite(interesting) and interesting > 0):
        raise InputError(
            "An interesting difference is a number above 0",
            seen=interesting,
            do="In the unit of the metric; 0.01 is one point of accuracy.",
        )
    if by is not None and by != SETTINGS:
        check_attribute(given, by, "--by")
    if rows is not None:
        check_attribute(given, rows, "--rows")


def _usable(
    given: Sequence[Run], by: str, rows: str | None, seed_param: str, metric: str | None
) -> tuple[list[Placed], list[Placed]]:
    """The runs that have a place in the table, and those of them that are done."""
    members = place(given, by, rows, seed_param)
    placed = [m for m in members if m.arm is not None and (rows is None or m.row is not None)]
    done = [member for member in placed if member.run.status == "done"]
    if not done:
        raise InputError(
            "None of the runs is done",
            seen=tell.statuses([m.run for m in placed]) or "no run has both names",
            do="Wait for them, or see `lab runs` for what went wrong.",
        )
    if metric is not None:
        check_metric([member.run for member in done], metric)
    return placed, done


def _newest_per_seed(done: Sequence[Placed]) -> tuple[list[Placed], list[Placed]]:
    """Runs that count, and those repeated later with the same seed and parameters.

    A repetition of a seed is no further evidence, so it must not raise n.
    """
    newest: dict[Any, Placed] = {}
    for member in sorted(done, key=lambda member: member.run.id):
        run, seed = member.run, member.seed
        alone = run.id if seed is None else None
        settings = tuple((n, value) for n, value in member.settings.items() if n != RESUME)
        newest[member.arm, member.row, repr(seed), settings, run.notebook, alone] = member
    kept = {member.run.id for member in newest.values()}
    return [m for m in done if m.run.id in kept], [m for m in done if m.run.id not in kept]
