"""Effects in a study with pruned trials: complete trials alone are a selection.

Of a parameter that slows learning early and not in the end, slow trials are pruned, and the effect
among the complete ones is found where there is none one time in five. So the effects are also told
at the last step that every trial reached.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lab.sweep.configuration import configurations, factors
from lab.sweep.marginal import Marginals, marginals
from lab.sweep.study import Study


@dataclass(frozen=True)
class Early:
    """The effects on what was reported at `step`, which all `n` complete and pruned trials have."""

    step: int
    n: int
    pruned: int
    marginals: Marginals


def early(study: Study) -> Early | None:
    """Effects at a common step; None where nothing was pruned, or no step is common to all."""
    trials = [trial for trial in study.trials if trial.state in ("complete", "pruned")]
    pruned = sum(trial.state == "pruned" for trial in trials)
    common = set.intersection(*(set(trial.steps) for trial in trials)) if pruned else set()
    if not common:
        return None
    step = max(common)
    told = tuple(
        replace(t, state="complete", value=t.steps[step], values=(t.steps[step],), seeds=())
        for t in trials
    )
    # Runs and seeds stay out: a report comes from the first seed alone.
    then = replace(study, trials=tuple(replace(t, run_ids=()) for t in told))
    rows = configurations(then)
    return Early(step, len(rows), pruned, marginals(factors(then, rows)))
