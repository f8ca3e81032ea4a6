"""Generated blocks: from what a block's evidence says to its Markdown, now or a year later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lab.comparison import Comparison, compare
from lab.comparison.tables import grid
from lab.errors import LogError, nearest
from lab.log.claim_block import claim_text
from lab.log.experiment import experiment_of
from lab.log.findings import Story, tell
from lab.log.nights import night_of
from lab.log.render import render
from lab.record.run import Run
from lab.workspace import Workspace

Spec = dict[str, Any]


def comparison_spec(comparison: Comparison, runs: Sequence[Run], kind: str = "comparison") -> Spec:
    """The evidence of a comparison: its runs, counted or not, and what was asked of them."""
    return {
        "kind": kind,
        "runs": [run.id for run in runs],
        "by": comparison.by,
        "metric": comparison.metric,
        "rows": comparison.rows_by,
        "baseline": comparison.baseline,
        "seed_param": comparison.seed_param,
    }


def block_text(spec: Spec, workspace: Workspace) -> str:
    """The Markdown of a block, from its runs as they are now.

    Raises RunNotFound where one is gone, LogError where the evidence asks for nothing known.
    """
    kind = str(spec.get("kind"))
    if kind not in _KINDS:
        raise LogError("Unknown kind of block", seen=kind, do=nearest(kind, _KINDS))
    try:
        return _KINDS[kind](spec, workspace)
    except (KeyError, TypeError) as error:
        raise LogError(f"The evidence of a {kind} block is incomplete", seen=error) from None


def compared(spec: Spec, workspace: Workspace) -> tuple[Comparison, Story]:
    """The comparison that a block's evidence asks for, and its story."""
    runs = _runs(spec, workspace)
    comparison = compare(
        runs,
        by=spec["by"],
        metric=spec.get("metric"),
        rows=spec.get("rows"),
        baseline=spec.get("baseline"),
        seed_param=spec.get("seed_param", "seed"),
    )
    return comparison, tell(comparison, runs)


def _comparison(spec: Spec, workspace: Workspace) -> str:
    comparison, story = compared(spec, workspace)
    return render(
        "comparison",
        workspace,
        comparison=comparison,
        table=grid(comparison),
        story=story,
    )


def _impact(spec: Spec, workspace: Workspace) -> str:
    return "\n".join(f"- {line}" for line in compared(spec, workspace)[1].impact)


def _experiment(spec: Spec, workspace: Workspace) -> str:
    run = read_run(spec["run"], workspace)
    baseline = spec.get("baseline")
    against = read_run(baseline, workspace) if baseline else None
    return render("experiment", workspace, experiment=experiment_of(run, against))


def _night(spec: Spec, workspace: Workspace) -> str:
    return render("suite", workspace, suite=night_of(spec["suite"], _runs(spec, workspace)))


def _claim(spec: Spec, workspace: Workspace) -> str:
    return claim_text(spec, _runs(spec, workspace), workspace)


def _runs(spec: Spec, workspace: Workspace) -> list[Run]:
    return [read_run(run_id, workspace) for run_id in spec["runs"]]


def read_run(run_id: str, workspace: Workspace) -> Run:
    """The run of this id; raises RunNotFound naming the nearest."""
    from lab.record.catalogue import find_run

    return find_run(workspace, run_id)


_KINDS: dict[str, Callable[[Spec, Workspace], str]] = {
    "comparison": _comparison,
    "impact": _impact,
    "experiment": _experiment,
    "suite": _night,
    "claim": _claim,
}
