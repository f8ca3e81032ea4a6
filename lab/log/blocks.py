"""Generated blocks: from what a block's evidence says to its Markdown, now or a year later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lab.comparison import Comparison, compare
from lab.comparison.tables import grid
from lab.errors import LogError, nearest
from lab.log.evidence.source import LiveRuns, RunSource, all_runs
from lab.log.evidence.sourced import sourced, sourced_settings
from lab.log.findings import Story, tell
from lab.log.render import render
from lab.log.tried import tried_text
from lab.record.run import Run
from lab.workspace import Workspace

Spec = dict[str, Any]


def comparison_spec(comparison: Comparison, runs: Sequence[Run], kind: str = "comparison") -> Spec:
    """The evidence of a comparison: its runs, counted or not, and what was asked of them."""
    spec = {
        "kind": kind,
        "runs": [run.id for run in runs],
        "by": comparison.by,
        "metric": comparison.metric,
        "rows": comparison.rows_by,
        "baseline": comparison.baseline,
        "seed_param": comparison.seed_param,
    }
    declared = {"interesting": comparison.interesting, "mix": comparison.mix}
    return spec | {name: value for name, value in declared.items() if value}


def block_text(spec: Spec, workspace: Workspace, source: RunSource | None = None) -> str:
    """The Markdown of a block, from its runs as they are now, or as `source` gives them.

    Raises RunNotFound where one is gone, LogError where the evidence asks for nothing known.
    """
    kind = str(spec.get("kind"))
    if kind not in _KINDS:
        raise LogError("Unknown kind of block", seen=kind, do=nearest(kind, _KINDS))
    try:
        return _KINDS[kind](spec, source or LiveRuns(workspace))
    except (KeyError, TypeError) as error:
        raise LogError(f"The evidence of a {kind} block is incomplete", seen=error) from None


def compared(spec: Spec, source: RunSource) -> tuple[Comparison, Story]:
    """The comparison that a block's evidence asks for, and its story.

    Two blocks of an entry ask for the same: from one LiveRuns it is made once.
    """
    if not isinstance(source, LiveRuns):
        return _compared(spec, source)
    asked = repr([(key, value) for key, value in spec.items() if key not in ("block", "kind")])
    if asked not in source.made:
        source.made[asked] = _compared(spec, source)
    found: tuple[Comparison, Story] = source.made[asked]
    return found


def _compared(spec: Spec, source: RunSource) -> tuple[Comparison, Story]:
    runs = all_runs(source, spec["runs"])
    comparison = compare(
        runs,
        by=spec["by"],
        metric=spec.get("metric"),
        rows=spec.get("rows"),
        baseline=spec.get("baseline"),
        seed_param=spec.get("seed_param", "seed"),
        interesting=spec.get("interesting"),
        mix=bool(spec.get("mix")),
    )
    comparison = sourced(comparison)
    return comparison, tell(comparison, runs, actions=False)


# Each kind loads its own modules: a log has few of them, and an entry mostly one.


def _comparison(spec: Spec, source: RunSource) -> str:
    comparison, story = compared(spec, source)
    return render(
        "comparison",
        source.workspace,
        comparison=comparison,
        table=grid(comparison),
        story=story,
    )


def _impact(spec: Spec, source: RunSource) -> str:
    return "\n".join(f"- {line}" for line in compared(spec, source)[1].impact)


def _experiment(spec: Spec, source: RunSource) -> str:
    from lab.log.expectation import Plan
    from lab.log.experiment import experiment_of

    run = source.run(spec["run"])
    baseline = spec.get("baseline")
    against = source.run(baseline) if baseline else None
    chosen = spec.get("nearest") is True  # and not named by a person
    experiment = experiment_of(run, against, plan=Plan.of_spec(spec), nearest=chosen)
    experiment = sourced_settings(experiment, run, against)
    return render("experiment", source.workspace, experiment=experiment)


def _suite(spec: Spec, source: RunSource) -> str:
    from lab.log.report import suite_text

    last, tries = (all_runs(source, spec.get(key) or ()) for key in ("last", "tries"))
    runs = all_runs(source, spec["runs"])
    return suite_text(spec, runs, last, tries, source.workspace)


def _campaign(spec: Spec, source: RunSource) -> str:
    from lab.log.campaign.block import campaign_text

    return campaign_text(spec, all_runs(source, spec["runs"]), source.workspace)


def _claim(spec: Spec, source: RunSource) -> str:
    from lab.log.claimed.block import claim_text

    return claim_text(spec, all_runs(source, spec["runs"]), source.workspace)


def _plot(spec: Spec, source: RunSource) -> str:
    from lab.log.plot_block import plot_text

    return plot_text(spec, all_runs(source, spec["runs"]), source.workspace)


def _sweep(spec: Spec, source: RunSource) -> str:
    from lab.log.sweep_block import sweep_text

    return sweep_text(spec, source)


def _tried(spec: Spec, source: RunSource) -> str:
    return tried_text(spec, all_runs(source, spec["runs"]))


_KINDS: dict[str, Callable[[Spec, RunSource], str]] = {
    "comparison": _comparison,
    "impact": _impact,
    "experiment": _experiment,
    "suite": _suite,
    "campaign": _campaign,
    "claim": _claim,
    "plot": _plot,
    "sweep": _sweep,
    "tried": _tried,
}
