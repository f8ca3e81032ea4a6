"""Sweeps: a search space, the trials of a study in it, and what they cover."""

from __future__ import annotations

from lab.sweep.analysis import Analysis, analyze
from lab.sweep.space import Branch, Parameter, Space
from lab.sweep.study import Study, read_study
from lab.sweep.trial import Trial

__all__ = [
    "Analysis",
    "Branch",
    "Parameter",
    "Space",
    "Study",
    "Trial",
    "analyze",
    "read_study",
]
