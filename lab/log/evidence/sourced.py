"""The numbers of a comparison or an experiment, each with its runs, field and aggregation."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from lab.comparison import Comparison
from lab.comparison.values import Arm, Row
from lab.provenance import Source, is_telling, known, told
from lab.record.run import Run

if TYPE_CHECKING:
    from lab.log.campaign.build import Campaign, Change, Task, Variant
    from lab.log.claimed.testing import ClaimTest
    from lab.log.experiment import Experiment
    from lab.plotting import ArmCurve, CurvePlot

T = TypeVar("T")

# What the fields of an arm are of its values; any other number has its own name.
_OF_ARM = {
    "mean": "mean",
    "sd": "standard deviation",
    "minimum": "lowest",
    "maximum": "highest",
    "low": "lower end of the 95% t interval of the mean",
    "high": "upper end of the 95% t interval of the mean",
    "n": "number of values",
}
_DECLARED = ("interesting", "level")  # what somebody asked for, and no run said
_OF_STEP = {
    "first": "mean of the first arm over the seeds that count",
    "second": "mean of the second arm over the seeds that count",
    "lead": "mean lead of the first arm",
    "low": "lower end of the 95% interval of the lead",
    "high": "upper end of the 95% interval of the lead",
    "n": "number of pairs",
}
_OF_DIFFERENCE = {
    "mean": "mean difference",
    "sd": "standard deviation of the difference",
    "low": "lower end of the interval of the difference",
    "high": "upper end of the interval of the difference",
    "p": "p value of a two-sided t test",
    "adjusted": "p value after Holm",
    "n": "number of pairs",
}


def sourced(comparison: Comparison) -> Comparison:
    """The same comparison; while a ledger is open its numbers say where they come from."""
    if not is_telling():
        return comparison
    everything = comparison.run_ids
    constants = {
        name: known(value, Source(everything, f"params.{name}", "the same in every run"))
        for name, value in comparison.constants.items()
    }
    rows = tuple(_row(row, comparison.seed_param) for row in comparison.rows)
    return replace(comparison, rows=rows, constants=constants)


def sourced_settings(experiment: Experiment, run: Run, baseline: Run | None) -> Experiment:
    """The same experiment; its settings say which parameter of which run they are."""
    if not is_telling():
        return experiment
    made = []
    for setting in experiment.settings:
        field = f"params.{setting.name}"
        value = _setting(setting.value, run, setting.name, field)
        was = setting.was
        if was is not None and baseline is not None:
            was = _setting(was, baseline, setting.name, field)
        made.append(replace(setting, value=value, was=was))
    return replace(experiment, settings=tuple(made))


def sourced_test(test: ClaimTest) -> ClaimTest:
    """The same test of a claim; the numbers of its steps say where they come from."""
    if not is_telling():
        return test
    results = tuple(
        walked(one, Source(one.run_ids, one.metric, ""), _OF_STEP, deep=False)
        for one in test.results
    )
    return replace(test, results=results)


def sourced_campaign(campaign: Campaign) -> Campaign:
    """The same campaign; the numbers of its variants and changes say where they come from."""
    if not is_telling():
        return campaign
    return replace(campaign, tasks=tuple(_task(task) for task in campaign.tasks))


def sourced_plot(plot: CurvePlot) -> CurvePlot:
    """The same plot; the last mean of each arm says where it comes from."""
    if not is_telling():
        return plot

    def arm(one: ArmCurve) -> ArmCurve:
        if not one.points:
            return one
        *before, last = one.points
        when = "" if plot.single else f" at {plot.step_word} {last.step}"
        over = "value of the run" if one.n == 1 else f"mean over {last.n} runs"
        mean = known(last.mean, Source(one.run_ids, plot.metric, over + when))
        return replace(one, points=(*before, replace(last, mean=mean)))

    panels = tuple(replace(p, arms=tuple(arm(one) for one in p.arms)) for p in plot.panels)
    return replace(plot, panels=panels)


def _task(task: Task) -> Task:
    def variant(one: Variant) -> Variant:
        over = " of one run" if one.n == 1 else f" over {len(one.run_ids)} runs"
        source = Source(one.run_ids, task.metric, over)
        return walked(one, source, _OF_ARM | {"each": "mean seconds"}, deep=False)

    def change(one: Change) -> Change:
        runs = Source((*one.before.run_ids, *one.after.run_ids), task.metric, " of the change")
        found = walked(one.found, runs, _OF_DIFFERENCE)
        return replace(one, before=variant(one.before), after=variant(one.after), found=found)

    both = Source((*task.baseline.run_ids, *task.best.run_ids), task.metric, " of the best")
    return replace(
        task,
        variants=tuple(variant(one) for one in task.variants),
        baseline=variant(task.baseline),
        best=variant(task.best),
        changes=tuple(change(one) for one in task.changes),
        ladder=tuple(change(one) for one in task.ladder),
        gain=walked(task.gain, both, _OF_DIFFERENCE) if task.gain else None,
    )


def _setting(text: str, run: Run, name: str, field: str) -> str:
    value = known(run.params.get(name), Source((run.id,), field, "value of the run"))
    return told(value, text, "as recorded") if hasattr(value, "source") else text


def _row(row: Row, seed_param: str) -> Row:
    field = f"{row.metric}.{row.pick}"
    arms = tuple(_arm(row, arm, field, seed_param) for arm in row.arms)
    made = replace(row, arms=arms)
    runs = tuple(i for arm in row.arms for i in arm.run_ids)
    by_name = {arm.name: arm for arm in row.arms}

    def pair(value: Any) -> Any:
        ids = (*by_name[value.a].run_ids, *by_name[value.b].run_ids)
        between = f" of {value.a} and {value.b}"
        return walked(value, Source(ids, field, between), _OF_DIFFERENCE)

    if pairs := getattr(row, "pairs", None):
        made = replace(made, pairs=tuple(pair(one) for one in pairs))
    return walked(made, Source(runs, field, " of the row"), {}, deep=False)


def _arm(row: Row, arm: Arm, field: str, seed_param: str) -> Arm:
    over = " of one run" if arm.n == 1 else f" over {int(arm.n)} runs"
    changes: dict[str, Any] = {
        "values": tuple(
            known(value, Source((run,), field, "value of the run"))
            for value, run in zip(arm.values, arm.run_ids, strict=True)
        ),
        "seeds": tuple(
            known(seed, Source((run,), seed_param, "value of the run"))
            for seed, run in zip(arm.seeds, arm.run_ids, strict=True)
        ),
    }
    others: dict[str, list[Arm | None]] = {
        "best": [other for other in row.best if other is not arm],
        "baseline": [row.arm(row.baseline)],
    }
    for kind, found in others.items():
        ids = (*arm.run_ids, *(i for other in found if other for i in other.run_ids))
        what = f" to the {kind} arm"
        if (difference := getattr(arm, f"to_{kind}")) is not None:
            source = Source(tuple(dict.fromkeys(ids)), field, what)
            changes[f"to_{kind}"] = walked(difference, source, _OF_DIFFERENCE)
        delta = getattr(arm, f"delta_{kind}")
        changes[f"delta_{kind}"] = known(
            delta, Source(tuple(dict.fromkeys(ids)), field, f"difference{what}")
        )
    return walked(replace(arm, **changes), Source(arm.run_ids, field, over), _OF_ARM, deep=False)


def walked(value: T, source: Source, words: dict[str, str], *, deep: bool = True) -> T:
    """A dataclass whose numbers have a source, each with its name for aggregation."""
    changes: dict[str, Any] = {}
    for field in fields(value):  # type: ignore[arg-type]
        if field.name in _DECLARED:
            continue
        content = getattr(value, field.name)
        word = words.get(field.name, field.name.replace("_", " "))
        of = replace(source, aggregation=f"{word}{source.aggregation}")
        if deep and is_dataclass(content):
            changes[field.name] = walked(content, source, words)
        elif isinstance(content, int | float):
            changes[field.name] = known(content, of)
    return replace(value, **changes)  # type: ignore[type-var]
