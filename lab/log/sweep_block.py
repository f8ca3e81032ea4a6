"""The generated parts of a sweep entry: what a study shows, from its trials and their runs."""

from __future__ import annotations

import json
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.log.evidence.pinned import confirmed_runs, numbers_of, spans
from lab.log.evidence.source import LiveRuns, RunSource
from lab.log.evidence.sourced_sweep import sourced_analysis
from lab.log.importance_memory import remembered
from lab.log.render import render
from lab.sweep.analysis import Analysis, analyze
from lab.sweep.card import card
from lab.sweep.measured import measured
from lab.sweep.plain import plain_study, study_of_plain
from lab.sweep.standing import standing
from lab.sweep.study import Study

Spec = dict[str, Any]

PARTS = ("verdict", "trials", "plan")


def sweep_spec(study: Study) -> Spec:
    """The evidence that all parts of a sweep entry share: the trials that have ended, their runs.

    A study may go on after the entry was written, so the trials are named by their numbers.
    """
    ended = [trial for trial in study.trials if trial.state != "running"]
    runs = [run for trial in study.complete for run in trial.run_ids]
    return {
        "kind": "sweep",
        "study": study.name,
        "trials": spans([trial.number for trial in ended]),
        "runs": list(dict.fromkeys(runs)),
        **({"asked": asked} if (asked := standing(study).asked) else {}),
        **({"confirmed": confirmed} if (confirmed := confirmed_runs(study)) else {}),
    }


def sweep_text(spec: Spec, source: RunSource) -> str:
    """The Markdown of one part of a sweep entry."""
    found = sourced_analysis(analyzed(spec, source))
    template = f"sweep_{spec['part']}"
    return render(template, source.workspace, c=card(found), level="####", numbered=False)


def analyzed(spec: Spec, source: RunSource) -> Analysis:
    """The analysis of the trials that the evidence names, made once for equal trials."""
    study = measured(source.study(spec), source.run)
    return _analyzed(json.dumps(plain_study(study)), source.workspace.runs)


def later_trials(spec: Spec, source: LiveRuns) -> list[int]:
    """The numbers of the trials that have ended since; none where the study is not here."""
    try:
        now = sweep_spec(source.whole_study(spec["study"]))
    except LabError:
        return []
    return sorted(set(numbers_of(now["trials"])) - set(numbers_of(spec["trials"])))


def with_later(spec: Spec, source: LiveRuns) -> Spec:
    """The evidence with every trial that has ended by now."""
    return {**spec, **sweep_spec(source.whole_study(spec["study"]))}


@lru_cache(maxsize=4)
def _analyzed(plain: str, runs: Path) -> Analysis:
    return analyze(study_of_plain(json.loads(plain)), ranked=partial(remembered, runs))
