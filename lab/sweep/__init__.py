"""Sweeps: a search space, the trials of a study in it, what they cover, and the next space.

study = lab.sweep.run("experiments/sweeps/demo.yaml", workers=2).study
found = lab.sweep.refine(study)
lab.sweep.compare("demo", "demo_aggressive").answer
"""

from __future__ import annotations

from lab.sweep.analysis import Analysis, analyze
from lab.sweep.comparing import SweepComparison, compare
from lab.sweep.confirmed import Confirmation
from lab.sweep.importing import import_study
from lab.sweep.promotion import Promotion, promote
from lab.sweep.refinement import Refinement, refine, write_refinement
from lab.sweep.runner import run_sweep as run
from lab.sweep.space import Branch, Parameter, Space
from lab.sweep.storage import read_confirmation, read_study
from lab.sweep.study import Study
from lab.sweep.trial import Trial

__all__ = [
    "Analysis",
    "Branch",
    "Confirmation",
    "Parameter",
    "Promotion",
    "Refinement",
    "Space",
    "Study",
    "SweepComparison",
    "Trial",
    "analyze",
    "compare",
    "import_study",
    "promote",
    "read_confirmation",
    "read_study",
    "refine",
    "run",
    "write_refinement",
]
