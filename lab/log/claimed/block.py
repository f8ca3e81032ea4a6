"""The generated block of a claim: what its pinned runs said on its day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lab import numbers
from lab.log.claimed.expect import read_expectation
from lab.log.claimed.testing import ClaimTest, run_test
from lab.log.claimed.words import STATES, sentence, table
from lab.log.evidence.sourced import sourced_test
from lab.log.render import render
from lab.record.run import Run
from lab.workspace import Workspace

Spec = dict[str, Any]


@dataclass(frozen=True)
class ClaimView:
    """What the template of a claim places."""

    text: str
    state: str
    sentence: str
    headings: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    caption: str
    notes: tuple[str, ...]


def tested(spec: Spec, runs: Sequence[Run]) -> ClaimTest:
    """The claim of `spec` held against `runs`."""
    return run_test(
        runs,
        read_expectation(spec["expect"]),
        by=spec["by"],
        metric=spec.get("metric"),
        rows=spec.get("rows"),
        margin=spec.get("margin"),
        seed_param=spec.get("seed_param", "seed"),
        known=frozenset(spec["runs"]),
    )


def claim_text(spec: Spec, runs: Sequence[Run], workspace: Workspace) -> str:
    """The Markdown of a claim's block, from its pinned runs."""
    test = sourced_test(tested(spec, runs))
    headings, lines = table(test)
    view = ClaimView(
        text=spec["text"],
        state=STATES[test.grade],
        sentence=sentence(test, spec.get("margin")),
        headings=headings,
        lines=lines,
        caption=_caption(test, spec),
        notes=test.notes,
    )
    return render("claim", workspace, claim=view)


def _caption(test: ClaimTest, spec: Spec) -> str:
    metrics = {result.metric: result.goal for result in test.results}
    measures = " and ".join(
        f"{numbers.spoken(name)}, {'higher' if goal == 'max' else 'lower'} is better"
        for name, goal in metrics.items()
    )
    counted = numbers.counted(len(test.run_ids), "run")
    on = ", ".join((spec.get("scope") or {}).get("dataset") or [])
    where = f" on {on}" if on and not spec.get("rows") else ""
    text = f"Arms by `{spec['by']}`; {measures}; means over seeds, {counted}{where}."
    if spec.get("margin") is not None and metrics:
        size = numbers.size(next(iter(metrics)), spec["margin"])
        text += f" No worse, and as good, mean within {size}."
    return text
