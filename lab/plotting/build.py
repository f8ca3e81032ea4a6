"""From runs to a CurvePlot: which runs count is decided by the comparison of the same arms."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lab import numbers
from lab.comparison import Comparison, compare
from lab.comparison.tables import row_names
from lab.errors import InputError
from lab.plotting.curves import ArmCurve, CurvePlot, Panel, Point
from lab.record.run import Run
from lab.stats.intervals import t_interval

MOST = 300  # steps that are drawn; more are averaged in groups of neighbours

Series = Mapping[int, float]


def curves_of_runs(
    runs: Iterable[Run],
    *,
    metric: str,
    by: str,
    rows: str | None = None,
    seed_param: str = "seed",
) -> CurvePlot:
    """The course of `metric` in each arm of `by`, over the runs that a comparison counts.

    Those are the done ones, the newest of each seed. Raises InputError where nothing can be
    compared, as `lab compare` does.
    """
    given = list(runs)
    comparison = compare(given, by=by, metric=metric, rows=rows, seed_param=seed_param)
    known = {run.id: run for run in given}
    counted = [known[i] for i in comparison.run_ids]
    series = {run.id: _series(run, metric) for run in counted}
    if not any(series.values()):
        raise InputError(
            "The course of this metric is not there to plot",
            seen=metric,
            do="The runs' metrics.jsonl hold no finite value of it.",
        )
    group = _group(series.values())
    series = {run_id: _thinned(found, group) for run_id, found in series.items()}
    single = all(len(found) <= 1 for found in series.values())
    panels = tuple(
        Panel(
            row.name,
            tuple(_arm(arm.name, arm.run_ids, series, single) for arm in row.arms if arm.n),
        )
        for row in comparison.rows
        if any(arm.n for arm in row.arms)
    )
    # A plot shows no differences, so how they are paired is not its matter.
    notes = list(_unlike(comparison))
    notes += [note for note in comparison.notes if not note.startswith("The difference of")]
    if group > 1:
        notes.append(f"Each point is the mean of {group} steps.")
    return CurvePlot(
        metric=metric,
        by=by,
        rows_by=rows,
        step_word="epoch" if all("epochs" in run.params for run in counted) else "step",
        single=single,
        panels=panels,
        notes=tuple(notes),
    )


def _unlike(comparison: Comparison) -> Iterator[str]:
    """Why arms are not to be compared, where they are not: a mean over such runs looks like any."""
    for row, name in zip(comparison.rows, row_names(comparison), strict=True):
        if row.refused:
            where = f"{name}: " if name else ""
            yield f"{where}{row.refused if where else numbers.capital(row.refused)}."


def _series(run: Run, metric: str) -> dict[int, float]:
    """The finite values of a metric by step; of a step logged twice the last."""
    found = {}
    for row in run.history(metric):
        value = row.get(metric)
        if isinstance(value, int | float) and math.isfinite(value):
            found[int(row["step"])] = float(value)
    return found


def _group(series: Iterable[Series]) -> int:
    """How many steps are averaged, so that MOST points are left at most."""
    longest = max((len(found) for found in series), default=0)
    return max(1, math.ceil(longest / MOST))


def _thinned(found: Series, group: int) -> dict[int, float]:
    """Means of `group` neighbouring steps, each at the last of them."""
    steps = sorted(found)
    parts = [steps[i : i + group] for i in range(0, len(steps), group)]
    return {part[-1]: statistics.fmean(found[step] for step in part) for part in parts}


def _arm(name: str, run_ids: Sequence[str], series: Mapping[str, Series], single: bool) -> ArmCurve:
    at: dict[int, list[float]] = defaultdict(list)
    for run_id in run_ids:
        for step, value in series[run_id].items():
            at[0 if single else step].append(value)
    points = tuple(_point(step, at[step]) for step in sorted(at))
    values = tuple(at[0]) if single else ()
    return ArmCurve(name, len(run_ids), points, tuple(run_ids), values)


def _point(step: int, values: Sequence[float]) -> Point:
    low = high = None
    if len(values) == 2:
        low, high = min(values), max(values)
    elif len(values) > 2:
        low, high = t_interval(values) or (None, None)
    return Point(step, statistics.fmean(values), low, high, len(values))
