"""What the curves of one run say, to be printed, written and read by programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from lab import numbers
from lab.diagnosis.curve import TRAINING, VALIDATION, Curve, both_finite, of
from lab.diagnosis.finding import DiagnosisFinding, NextStep, next_steps
from lab.diagnosis.rules.overfit import halfway
from lab.record.metrics import OBJECTIVE, is_bookkeeping

if TYPE_CHECKING:
    from rich.console import ConsoleRenderable

_NOTHING = "No rule found anything: the curves show no overfitting, plateau or divergence."


@dataclass(frozen=True)
class Gap:
    """How far training ended ahead of validation, in the metric's unit; positive is ahead.

    `halfway` is the same in the middle of the run, `growth` what has been added since; both are
    None where the curves are too short.
    """

    name: str
    last: float
    halfway: float | None
    growth: float | None


@dataclass(frozen=True)
class Diagnosis:
    """What the curves of one run say."""

    run_id: str
    step_word: str  # "epoch" or "step"
    curves: tuple[Curve, ...]
    findings: tuple[DiagnosisFinding, ...]
    gaps: tuple[Gap, ...] = ()

    def finding(self, kind: str) -> DiagnosisFinding | None:
        return next((found for found in self.findings if found.kind == kind), None)

    @property
    def overfit_since(self) -> int | None:
        found = self.finding("overfit")
        return found.step if found else None

    @property
    def next_steps(self) -> tuple[NextStep, ...]:
        """What the findings ask for, each thing once."""
        return next_steps(self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values, without the points of the curves; the run's id under `id`."""
        plain = {"id": self.run_id, **asdict(self)}
        del plain["run_id"]
        for curve in plain["curves"]:
            del curve["points"]
        steps = [asdict(step) for step in self.next_steps]
        return plain | {"overfit_since": self.overfit_since, "next_steps": steps}

    def to_markdown(self) -> str:
        head = ["| Metric | Best | At | Last |", "|---|---:|---:|---:|"]
        lines = [f"| {' | '.join(cells)} |" for cells in _cells(self)]
        said = [f"- **{f.kind}**: {f.text} {f.do} *({f.rule})*" for f in self.findings]
        return "\n".join([*head, *lines, "", *(said or [_NOTHING])])

    def __rich__(self) -> ConsoleRenderable:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2))
        for heading in ("Metric", "Best", "At", "Last"):
            table.add_column(heading, justify="left" if heading == "Metric" else "right")
        for cells in _cells(self):
            table.add_row(*(Text(cell) for cell in cells))
        said = [part for found in self.findings for part in _told(found)]
        return Group(table, Text(""), *(said or [Text(_NOTHING)]))

    def _repr_markdown_(self) -> str:
        return self.to_markdown()


def _told(found: DiagnosisFinding) -> list[ConsoleRenderable]:
    """A finding for a terminal: what was seen, then indented what to do and the rule."""
    from rich.padding import Padding
    from rich.text import Text

    indent = (0, 0, 0, 2)
    return [
        Text.assemble((f"{found.kind}: ", "bold"), found.text),
        Padding(Text(f"Next: {found.do}"), indent),
        Padding(Text(f"Rule: {found.rule}", style="dim"), indent),
    ]


def gaps_of(curves: Sequence[Curve]) -> tuple[Gap, ...]:
    """Training against validation, for every metric that both logged."""
    found = []
    for train in of(curves, TRAINING):
        for held in of(curves, VALIDATION, (train.name,)):
            if not both_finite(train.last, held.last):
                continue
            last = ((train.last or 0.0) - (held.last or 0.0)) * held.sign
            middle = halfway(train, held)
            before = middle[1] if middle else None
            growth = None if before is None else last - before
            found.append(Gap(train.name, last, before, growth))
    return tuple(found)


def _cells(diagnosis: Diagnosis) -> list[tuple[str, str, str, str]]:
    return [_row(curve, diagnosis.step_word) for curve in _shown(diagnosis.curves)]


def _row(curve: Curve, step_word: str) -> tuple[str, str, str, str]:
    last = numbers.amount(curve.metric, curve.last, with_unit=False)
    if is_bookkeeping(curve.metric):
        return curve.metric, "", "", last
    at = numbers.MISSING if curve.best_step is None else f"{step_word} {curve.best_step}"
    return curve.metric, numbers.amount(curve.metric, curve.best, with_unit=False), at, last


def _shown(curves: Sequence[Curve]) -> Iterator[Curve]:
    """The curves, but for what a sweep asks for where that is another metric again."""
    for curve in curves:
        ends = (curve.best, curve.last)
        others = (other for other in curves if other is not curve)
        if curve.metric != OBJECTIVE or all(ends != (o.best, o.last) for o in others):
            yield curve
