"""From a run to its Diagnosis."""

from __future__ import annotations

from lab.diagnosis.curve import curves_of
from lab.diagnosis.finding import DiagnosisFinding, Seen
from lab.diagnosis.report import Diagnosis, gaps_of
from lab.diagnosis.rules.broken import diverged, not_finite
from lab.diagnosis.rules.classes import chance, collapse
from lab.diagnosis.rules.ending import improving, noisy, plateau, too_short
from lab.diagnosis.rules.overfit import gap, overfit
from lab.record.run import Run

_RULES = (
    diverged,
    not_finite,
    collapse,
    chance,
    overfit,
    gap,
    improving,
    plateau,
    noisy,
    too_short,
)


def diagnose(run: Run) -> Diagnosis:
    """Say what the curves of `run` show, the gravest first."""
    word = "epoch" if "epochs" in run.params else "step"
    curves = curves_of(run.history(), run.summary)
    seen = Seen(curves, word, run.params, run.notes)
    return Diagnosis(run.id, word, curves, tuple(findings_of(seen)), gaps_of(curves))


def findings_of(seen: Seen) -> list[DiagnosisFinding]:
    """What every rule finds, in their order."""
    return [found for rule in _RULES for found in rule(seen)]
