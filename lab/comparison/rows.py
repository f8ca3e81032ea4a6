"""The rows of a table: each in a metric of its own, its arms measured and held together."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lab.comparison import notes as tell
from lab.comparison import unlike
from lab.comparison.arms import RESUME, Placed
from lab.comparison.measure import (
    Picked,
    goal_in,
    label,
    no_metric,
    ordered,
    picked,
    shared_metric,
)
from lab.comparison.pairs import LEVEL, difference_of, lettered, tested
from lab.comparison.values import Arm, Pair, Row
from lab.numbers import is_fraction
from lab.stats.intervals import Difference, mean_of, t_interval, variance_of

_INTERVAL_FROM = 3  # seeds; below, an interval would promise more than the data carry
_USUAL_POINTS = 0.01  # of a fraction: one point
_USUAL_SHARE = 0.02  # of the best mean, for any other metric


@dataclass
class Table:
    """What is asked of the rows; `notes` gathers what was found on the way."""

    by: str
    rows: str | None
    metric: str | None
    arms: tuple[str, ...]
    baseline: str | None
    seed_param: str
    interesting: float | None
    mix: bool
    notes: list[str] = field(default_factory=list)

    def rows_of(self, counted: Sequence[Placed], placed: Sequence[Placed]) -> tuple[Row, ...]:
        """The rows in which something was measured, in the order of their names."""
        groups: dict[str | None, list[Placed]] = defaultdict(list)
        for member in counted:
            groups[member.row].append(member)
        names: list[str | None] = [None]
        if self.rows is not None:
            names = [label(value) for value in ordered(member.row_value for member in placed)]
        built = [row for name in names if groups[name] and (row := self._row(name, groups[name]))]
        if not built:
            raise no_metric([member.run for member in counted])
        return tuple(built)

    def _row(self, name: str | None, members: Sequence[Placed]) -> Row | None:
        runs = [member.run for member in members]
        metric = self.metric or shared_metric(runs, name)
        if metric is None:
            return None
        values = {run.id: picked(run, metric) for run in runs}
        arms = [
            _arm(arm, [(m, values[m.run.id]) for m in members if m.arm == arm]) for arm in self.arms
        ]
        goal = goal_in(runs, metric)
        refused = None
        if not self.mix:
            refused = unlike.refusal(members, self.by, self.rows, self.seed_param)
        self._note(members, values, metric, name, refused is not None)
        row = Row(
            name,
            metric,
            goal,
            _pick(values.values(), metric),
            tuple(arms),
            self.baseline or next((arm.name for arm in arms if arm.n), arms[0].name),
            pairs=() if refused else tested(arms, self.baseline, self.interesting),
            against_baseline=self.baseline is not None,
            interesting=self.interesting or _usual(metric, arms, goal),
            declared=self.interesting is not None,
            refused=refused.why if refused else None,
            advice=refused.do if refused else None,
        )
        return row if refused else _with_deltas(row)

    def _note(
        self,
        members: Sequence[Placed],
        values: dict[str, Picked | None],
        metric: str,
        name: str | None,
        refused: bool,
    ) -> None:
        where = f" in {name}" if name else ""
        ignored = {self.by, self.rows, self.seed_param, RESUME}
        found = [
            *unlike.of_confounding(members, self.by, ignored),
            *tell.of_picks(metric, [(run_id, v.pick) for run_id, v in values.items() if v], where),
        ]
        if not refused:
            found += unlike.of_mixture(members, ignored)
            found += unlike.of_data(members, self.by, where)
        self.notes += [note for note in found if note not in self.notes]


def _arm(name: str, members: Sequence[tuple[Placed, Picked | None]]) -> Arm:
    members = sorted(members, key=lambda member: _seed_order(member[0].seed))
    found = [(placed, float(value.value)) for placed, value in members if value is not None]
    values = tuple(value for _, value in found)
    interval = t_interval(values, level=LEVEL) if len(values) >= _INTERVAL_FROM else None
    seconds = [s for placed, _ in found if (s := placed.run.seconds)]
    sizes = {placed.run.notes.get("parameters") for placed, _ in found}
    size = sizes.pop() if len(sizes) == 1 else None
    return Arm(
        name=name,
        n=len(values),
        mean=mean_of(values) if values else None,
        sd=math.sqrt(variance_of(values)) if len(values) > 1 else None,
        minimum=min(values, default=None),
        maximum=max(values, default=None),
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        values=values,
        seeds=tuple(placed.seed for placed, _ in found),
        run_ids=tuple(placed.run.id for placed, _ in found),
        lost_run_ids=tuple(placed.run.id for placed, value in members if value is None),
        seconds=mean_of(seconds) if seconds else None,
        parameters=size if isinstance(size, int | float) else None,
    )


def _pick(values: Any, metric: str) -> str:
    """How the values of a row were picked, in one word."""
    found = Counter(value.pick for value in values if value is not None)
    if len(found) > 1:
        return "mixed"
    return next(iter(found), "last" if metric.startswith("test/") else "best")


def _usual(metric: str, arms: Sequence[Arm], goal: str) -> float | None:
    """The smallest difference worth knowing, where nobody said: a point, else 2% of the best."""
    if is_fraction(metric):
        return _USUAL_POINTS
    means = [arm.mean for arm in arms if arm.mean is not None]
    best = abs((max if goal == "max" else min)(means, default=0.0))
    return float(f"{_USUAL_SHARE * best:.0e}") or None


def _seed_order(seed: Any) -> tuple[bool, float, str]:
    number = isinstance(seed, int | float)
    return (not number, float(seed) if number else 0.0, str(seed))


def _with_deltas(row: Row) -> Row:
    """The row with the differences of its arms to the best and to the baseline, and letters."""
    measured = row.measured
    means = [arm.mean for arm in measured]
    top = (max if row.goal == "max" else min)((m for m in means if m is not None), default=None)
    best = [arm for arm in measured if len(measured) > 1 and _level(arm.mean, top)]
    leader = next((arm for arm in measured if _level(arm.mean, top)), None)
    reference = row.arm(row.baseline)
    shown = lettered(row.arms, row.pairs, row.goal)
    arms = []
    for arm in row.arms:
        to_best = _between(row, arm, leader)
        to_baseline = _between(row, arm, reference)
        arms.append(
            replace(
                arm,
                best=arm in best,
                to_best=to_best,
                to_baseline=to_baseline,
                delta_best=0.0 if arm in best else (to_best.mean if to_best else None),
                delta_baseline=to_baseline.mean if to_baseline else None,
                letters=shown.get(arm.name, ""),
            )
        )
    return replace(row, arms=tuple(arms))


def _level(a: float | None, b: float | None) -> bool:
    """Equal but for the rounding of sums."""
    return a is not None and b is not None and math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-15)


def _between(row: Row, arm: Arm, other: Arm | None) -> Difference | None:
    """`arm` minus `other`: as it was tested, else without a place among the tests."""
    if other is None or not arm.n or not other.n:
        return None
    pair: Pair | None = row.pair(arm.name, other.name) if arm is not other else None
    if pair is None:  # of itself, or not among the tests
        return difference_of(arm, other)
    return pair.difference if pair.a == arm.name else pair.difference.reversed()
