"""The generated parts of a campaign write-up, each a block with its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lab import numbers
from lab.duration import show_duration
from lab.log.campaign import words
from lab.log.campaign.build import Campaign, Change, Task, Variant, campaign_of
from lab.log.evidence.sourced import sourced_campaign
from lab.log.nights import night_of
from lab.log.render import render
from lab.record.run import Run
from lab.workspace import Workspace

Spec = dict[str, Any]

PARTS = ("short", "baseline", "ladder", "changes", "table", "failures")


@dataclass(frozen=True)
class Table:
    """A table ready to place."""

    headings: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class TaskView:
    """What the templates place of one task; `name` is None where there is only one."""

    name: str | None
    metric: str
    lines: tuple[tuple[str, str], ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    table: Table | None = None
    note: str = ""


def next_steps(campaign: Campaign) -> list[str]:
    """Action items that follow from a campaign, task by task."""
    several = len(campaign.tasks) > 1
    return [text for task in campaign.tasks for text in words.next_steps(task, several=several)]


def campaign_spec(
    runs: Sequence[Run],
    *,
    by: str | None,
    metric: str | None,
    baseline: str | None,
    seed: str,
    query: dict[str, str] | None,
) -> Spec:
    """The evidence that all parts of a write-up share; `query` is what gave the runs."""
    spec = {
        "kind": "campaign",
        "runs": [run.id for run in runs],
        "by": by,
        "metric": metric,
        "baseline": baseline,
        "seed_param": seed,
    }
    return {**spec, "query": query} if query else spec


def campaign_text(spec: Spec, runs: Sequence[Run], workspace: Workspace) -> str:
    """The Markdown of one part of a campaign write-up."""
    part = spec["part"]
    if part == "failures":
        return render("campaign_failures", workspace, suite=night_of("", runs))
    tasks = sourced_campaign(of_spec(spec, runs)).tasks
    several = len(tasks) > 1
    if part == "short":
        views = [_short(task, several, runs) for task in tasks]
    else:
        views = [_VIEWS[part](task, several) for task in tasks]
    return render(f"campaign_{part}", workspace, tasks=views)


def of_spec(spec: Spec, runs: Sequence[Run]) -> Campaign:
    """The campaign that a block's evidence asks for."""
    return campaign_of(
        runs,
        by=spec.get("by"),
        metric=spec.get("metric"),
        baseline=spec.get("baseline"),
        seed_param=spec.get("seed_param", "seed"),
    )


def _short(task: Task, several: bool, runs: Sequence[Run]) -> TaskView:
    lines = tuple(words.in_short(task, words.curves_of(task, runs)))
    return TaskView(task.name if several else None, task.metric, lines)


def _baseline(task: Task, several: bool) -> TaskView:
    base = task.baseline
    seeds = numbers.counted(base.n, "seed")
    said = f"`{base.name}`: {words.value(task, base)} {numbers.spoken(task.metric)} over {seeds}"
    if base.low is not None and base.high is not None:
        ends = [numbers.amount(task.metric, v, with_unit=False) for v in (base.low, base.high)]
        said += f" (95% interval {ends[0]} to {ends[1]})"
    if base.each is not None:
        said += f", {show_duration(base.each)} a run"
    varied = {name for variant in task.variants for name, _ in variant.differs}
    own = tuple((name, v) for name, v in base.settings.items() if name in varied)
    return TaskView(
        task.name if several else None,
        task.metric,
        lines=(("", f"{said}."),),
        settings=own,
        note=", ".join(f"{name} {v}" for name, v in task.shared),
    )


def _ladder(task: Task, several: bool) -> TaskView:
    lines = [(f"`{task.baseline.name}`", "the baseline", words.value(task, task.baseline), "", "")]
    for change in task.ladder:
        lines.append(
            (
                f"`{change.after.name}`",
                words.what(change),
                words.value(task, change.after),
                words.lead(task, change.found),
                words.reading(change.found),
            )
        )
    headings = ("Arm", "Change", numbers.heading(task.metric), "It brought", "Reading")
    made = Table(headings, tuple(lines)) if task.ladder else None
    note = "" if made else f"No variant is ahead of the baseline `{task.baseline.name}`."
    return TaskView(task.name if several else None, task.metric, table=made, note=note)


def _changes(task: Task, several: bool) -> TaskView:
    lines = tuple(_change_line(task, change) for change in task.changes)
    headings = ("Change", "With", "Before", "After", "It brought", "95% interval", "Reading")
    better = "higher" if task.goal == "max" else "lower"
    note = (
        f"{numbers.heading(task.metric)}, {better} is better; a gain is above zero. Arms of each "
        "line: " + "; ".join(f"`{c.before.name}` → `{c.after.name}`" for c in task.changes)
    )
    return TaskView(
        task.name if several else None,
        task.metric,
        table=Table(headings, lines) if lines else None,
        note=note if lines else "Only one variant was run.",
    )


def _change_line(task: Task, change: Change) -> tuple[str, ...]:
    before, after = change.before.mean, change.after.mean
    more = numbers.digits_apart(task.metric, before, after)
    return (
        words.what(change),
        words.differing(change.elsewhere) or "baseline",
        numbers.amount(task.metric, before, with_unit=False, more_digits=more),
        numbers.amount(task.metric, after, with_unit=False, more_digits=more),
        words.lead(task, change.found),
        words.interval(task, change.found),
        words.reading(change.found),
    )


def _table(task: Task, several: bool) -> TaskView:
    sign = -1.0 if task.goal == "max" else 1.0
    ranked = sorted(task.variants, key=lambda v: (not v.n, sign * (v.mean or 0.0)))
    lines = []
    for variant in ranked:
        name = f"**`{variant.name}`**" if variant.name == task.best.name else f"`{variant.name}`"
        is_base = variant.name == task.baseline.name
        lines.append(
            (
                name,
                words.differing(variant.differs) or ("baseline" if is_base else "as the baseline"),
                str(variant.n),
                words.value(task, variant),
                "baseline" if is_base else _against(task, variant),
                show_duration(variant.each),
            )
        )
    headings = ("Arm", "Differs in", "Seeds", numbers.heading(task.metric), "Delta", "A run")
    return TaskView(
        task.name if several else None, task.metric, table=Table(headings, tuple(lines))
    )


def _against(task: Task, variant: Variant) -> str:
    if variant.mean is None or task.baseline.mean is None:
        return numbers.MISSING
    return numbers.delta(task.metric, variant.mean - task.baseline.mean, like=task.baseline.mean)


_VIEWS = {
    "baseline": _baseline,
    "ladder": _ladder,
    "changes": _changes,
    "table": _table,
}
