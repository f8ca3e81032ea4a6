"""What one run's curves say: best against last, overfitting, plateau, divergence, and what to do.

Rules, each with its thresholds in the finding it makes:

diverged    a value that is not finite, or a training loss that ends above where it began
overfit     the validation loss, smoothed, has risen by 5% since its best while training loss fell
gap         training accuracy ends 10 points above validation accuracy
improving   the validation metric was still gaining over the last quarter
plateau     it gained next to nothing over the last third
too short   fewer than 5 epochs say nothing about the shape of a curve
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from lab import numbers
from lab.record.run import Run

if TYPE_CHECKING:
    from rich.console import ConsoleRenderable

ENOUGH = 5  # points; fewer make no curve
RISE = 0.05  # of the best validation loss
RISE_OF_START = 0.01  # of the first one: rises near zero loss mean nothing
GAP = 0.10  # of accuracy
GAIN = 0.01  # over the last quarter, of the metric's whole gain and of its value
FLAT = 0.005  # over the last third, of the metric's value

_VALIDATION = ("val", "valid", "validation")


@dataclass(frozen=True)
class Curve:
    """Best, last and first of one metric; `points` are (step, value) in order."""

    metric: str
    goal: str
    best: float | None
    best_step: int | None
    first: float | None
    last: float | None
    last_step: int | None
    points: tuple[tuple[int, float], ...] = field(repr=False)

    @property
    def split(self) -> str:
        return self.metric.rpartition("/")[0]

    @property
    def name(self) -> str:
        return self.metric.rpartition("/")[2]


@dataclass(frozen=True)
class DiagnosisFinding:
    """One thing seen: in words, the rule and thresholds that made it, and what to do next."""

    kind: str
    text: str
    rule: str
    thresholds: dict[str, float]
    do: str
    metric: str | None = None
    step: int | None = None


@dataclass(frozen=True)
class Diagnosis:
    """What the curves of one run say."""

    run_id: str
    step_word: str  # "epoch" or "step"
    curves: tuple[Curve, ...]
    findings: tuple[DiagnosisFinding, ...]

    def finding(self, kind: str) -> DiagnosisFinding | None:
        return next((found for found in self.findings if found.kind == kind), None)

    @property
    def overfit_since(self) -> int | None:
        found = self.finding("overfit")
        return found.step if found else None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values, without the points of the curves; the run's id under `id`."""
        plain = {"id": self.run_id, **asdict(self)}
        del plain["run_id"]
        for curve in plain["curves"]:
            del curve["points"]
        return plain | {"overfit_since": self.overfit_since}

    def to_markdown(self) -> str:
        head = ["| Metric | Best | At | Last |", "|---|---:|---:|---:|"]
        lines = [f"| {' | '.join(cells)} |" for cells in _cells(self)]
        said = [f"- **{f.kind}**: {f.text} {f.do} *({f.rule})*" for f in self.findings]
        return "\n".join([*head, *lines, "", *said])

    def __rich__(self) -> ConsoleRenderable:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2))
        for heading in ("Metric", "Best", "At", "Last"):
            table.add_column(heading, justify="left" if heading == "Metric" else "right")
        for cells in _cells(self):
            table.add_row(*(Text(cell) for cell in cells))
        said = [
            Text.assemble((f"{f.kind}: ", "bold"), f"{f.text} {f.do} ", (f"({f.rule})", "dim"))
            for f in self.findings
        ]
        return Group(table, Text(""), *said)

    def _repr_markdown_(self) -> str:
        return self.to_markdown()


def diagnose(run: Run) -> Diagnosis:
    """Say what the curves of `run` show."""
    word = "epoch" if "epochs" in run.params else "step"
    curves = tuple(_curves(run.history(), run.summary))
    findings = (
        *_diverged(curves, word),
        *_overfit(curves, word),
        *_gap(curves, word),
        *_improving(curves, word),
        *_plateau(curves, word),
        *_too_short(curves, word),
    )
    return Diagnosis(run.id, word, curves, findings)


def _curves(history: Sequence[Mapping[str, Any]], summary: Mapping[str, Any]) -> list[Curve]:
    from lab.record.metrics import goal_of

    points: dict[str, list[tuple[int, float]]] = {}
    for i, row in enumerate(history):
        for name, value in row.items():
            if "/" in name and isinstance(value, int | float):
                points.setdefault(name, []).append((int(row.get("step") or i), float(value)))
    return [
        _curve(name, found, str((summary.get(name) or {}).get("goal") or goal_of(name)))
        for name, found in points.items()
    ]


def _curve(metric: str, points: list[tuple[int, float]], goal: str) -> Curve:
    finite = [(step, value) for step, value in points if math.isfinite(value)]
    pick = max if goal == "max" else min
    best = pick(finite, key=lambda point: point[1], default=(None, None))
    return Curve(
        metric=metric,
        goal=goal,
        best=best[1],
        best_step=best[0],
        first=points[0][1],
        last=points[-1][1],
        last_step=points[-1][0],
        points=tuple(points),
    )


def _diverged(curves: Sequence[Curve], word: str) -> list[DiagnosisFinding]:
    lower = "Lower the learning rate or clip gradients, and look at the batch where it happens."
    bad = [(step, c.metric, v) for c in curves for step, v in c.points if not math.isfinite(v)]
    if bad:
        step, metric, value = min(bad, key=lambda found: found[0])
        text = f"{metric} is {numbers.figure(value)} from {word} {step} on."
        rule = "first value that is not finite"
        return [DiagnosisFinding("diverged", text, rule, {}, lower, metric, step)]
    for curve in _of(curves, ("train",), ("loss",)):
        if len(curve.points) < ENOUGH or curve.best is None or curve.last is None:
            continue
        if curve.last > (curve.first or 0) and curve.last > 2 * abs(curve.best):
            text = (
                f"{curve.metric} ends at {numbers.figure(curve.last)}, above its first value "
                f"{numbers.figure(curve.first)} and its best {numbers.figure(curve.best)}."
            )
            rule = "training loss ends above its first value and twice its best"
            found = {"times_best": 2.0}
            return [
                DiagnosisFinding(
                    "diverged", text, rule, found, lower, curve.metric, curve.best_step
                )
            ]
    return []


def _overfit(curves: Sequence[Curve], word: str) -> list[DiagnosisFinding]:
    for curve in _of(curves, _VALIDATION, ("loss", "mse")):
        finite = _finite(curve)
        if len(finite) < ENOUGH or curve.best is None or curve.best_step is None:
            continue
        smooth = _smoothed([value for _, value in finite])
        rise, low = smooth[-1] - min(smooth), min(smooth)
        since = [point for point in finite if point[0] > curve.best_step]
        risen = rise > RISE * abs(low) and rise > RISE_OF_START * abs(finite[0][1])
        train = next(iter(_of(curves, ("train",), (curve.name, "loss"))), None)
        if len(since) < 2 or not risen or (train and not _fell(train, curve.best_step)):
            continue
        text = (
            f"{numbers.heading(curve.metric)} was best at {word} {curve.best_step} "
            f"({numbers.figure(curve.best, digits=4)}) and has risen to "
            f"{numbers.figure(finite[-1][1], digits=4)} since"
            + (", while training loss went on falling." if train else ".")
        )
        do = (
            f"Stop around {word} {curve.best_step} (early stopping) and regularise: weight decay, "
            "dropout or augmentation."
        )
        rule = f"smoothed {curve.metric} more than {RISE:.0%} above its best"
        limits = {"rise": RISE, "rise_of_start": RISE_OF_START}
        return [DiagnosisFinding("overfit", text, rule, limits, do, curve.metric, curve.best_step)]
    return []


def _fell(train: Curve, since: int) -> bool:
    at = [value for step, value in _finite(train) if step <= since]
    after = [value for step, value in _finite(train) if step > since]
    return bool(at and after) and min(after) < at[-1]


def _gap(curves: Sequence[Curve], word: str) -> list[DiagnosisFinding]:
    for train in _of(curves, ("train",), ()):
        if not numbers.is_fraction(train.metric):
            continue
        for held in _of(curves, _VALIDATION, (train.name,)):
            if not _both_finite(train.last, held.last):
                continue
            gap = float(train.last or 0) - float(held.last or 0)
            if gap < GAP:
                continue
            text = (
                f"Training ends {100 * gap:.1f} points above validation "
                f"({numbers.percent(train.last)} against {numbers.percent(held.last)})."
            )
            do = "Regularise (dropout, weight decay, augmentation) or add data."
            rule = f"last {train.metric} minus last {held.metric} of {100 * GAP:.0f} points or more"
            limits = {"gap": GAP}
            return [DiagnosisFinding("gap", text, rule, limits, do, held.metric, held.last_step)]
    return []


def _improving(curves: Sequence[Curve], word: str) -> list[DiagnosisFinding]:
    overfit = bool(_overfit(curves, word))
    for curve in _telling(curves):
        gain, whole = _gain(curve, 0.25), _gain(curve, 1.0)
        if gain <= 0 or gain < GAIN * max(abs(curve.last or 0.0), whole) or not _ends_best(curve):
            continue
        text = (
            f"{numbers.heading(curve.metric)} was still improving at {word} "
            f"{curve.last_step} ({numbers.amount(curve.metric, curve.last)})."
        )
        do = "Its loss is overfitting all the same, so regularise before training longer."
        if not overfit:
            do = f"Run longer: about {2 * len(curve.points)} {word}s."
        rule = f"gain over the last quarter above {GAIN:.0%}, best in the last tenth"
        limits = {"gain": GAIN}
        return [
            DiagnosisFinding("improving", text, rule, limits, do, curve.metric, curve.last_step)
        ]
    return []


def _ends_best(curve: Curve) -> bool:
    late = curve.points[-max(2, len(curve.points) // 10) :]
    return curve.best_step is not None and curve.best_step >= late[0][0]


def _plateau(curves: Sequence[Curve], word: str) -> list[DiagnosisFinding]:
    if _overfit(curves, word) or _improving(curves, word) or _diverged(curves, word):
        return []
    for curve in _telling(curves):
        if len(curve.points) < 2 * ENOUGH or abs(_gain(curve, 1 / 3)) > FLAT * abs(curve.last or 0):
            continue
        since = curve.points[-max(len(curve.points) // 3, 1)][0]
        text = (
            f"{numbers.heading(curve.metric)} has hardly moved since {word} {since} "
            f"({numbers.amount(curve.metric, curve.last)})."
        )
        do = "More epochs will not help; change the learning rate, the width or the data."
        rule = f"gain over the last third below {FLAT:.1%} of the value"
        return [DiagnosisFinding("plateau", text, rule, {"flat": FLAT}, do, curve.metric, since)]
    return []


def _too_short(curves: Sequence[Curve], word: str) -> list[DiagnosisFinding]:
    longest = max((len(curve.points) for curve in curves), default=0)
    if longest >= ENOUGH:
        return []
    text = f"{numbers.counted(longest, word).capitalize()} logged: too short to say more."
    rule = f"fewer than {ENOUGH} points"
    do = f"Run at least {ENOUGH} {word}s to judge a curve."
    return [DiagnosisFinding("too short", text, rule, {"points": float(ENOUGH)}, do)]


def _of(curves: Sequence[Curve], splits: tuple[str, ...], names: tuple[str, ...]) -> list[Curve]:
    """Curves of these splits; with `names`, only those, in that order."""
    found = [curve for curve in curves if curve.split in splits]
    if not names:
        return found
    wanted = [curve for curve in found if curve.name in names]
    return sorted(wanted, key=lambda curve: names.index(curve.name))


def _telling(curves: Sequence[Curve]) -> list[Curve]:
    """Validation curves long and finite enough to judge: accuracy first, loss last."""
    found = [
        curve
        for curve in _of(curves, _VALIDATION, ())
        if len(curve.points) >= ENOUGH and len(_finite(curve)) == len(curve.points)
    ]
    return sorted(found, key=lambda c: (not numbers.is_fraction(c.metric), c.name == "loss"))[:1]


def _gain(curve: Curve, part: float) -> float:
    """Improvement, by the goal, of the smoothed curve over its last `part`."""
    smooth = _smoothed([value for _, value in curve.points])
    start = smooth[-max(2, math.ceil(part * len(smooth)))]
    return (smooth[-1] - start) * (1 if curve.goal == "max" else -1)


def _smoothed(values: Sequence[float]) -> list[float]:
    """Running median over 3 values, 5 where there are 20 or more: one odd epoch is no trend."""
    half = 1 if len(values) < 20 else 2
    return [statistics.median(values[max(0, i - half) : i + half + 1]) for i in range(len(values))]


def _finite(curve: Curve) -> list[tuple[int, float]]:
    return [point for point in curve.points if math.isfinite(point[1])]


def _both_finite(a: float | None, b: float | None) -> bool:
    return a is not None and b is not None and math.isfinite(a) and math.isfinite(b)


def _cells(diagnosis: Diagnosis) -> list[tuple[str, str, str, str]]:
    return [
        (
            curve.metric,
            numbers.amount(curve.metric, curve.best, with_unit=False),
            numbers.MISSING
            if curve.best_step is None
            else f"{diagnosis.step_word} {curve.best_step}",
            numbers.amount(curve.metric, curve.last, with_unit=False),
        )
        for curve in diagnosis.curves
    ]
