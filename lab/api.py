"""What the commands do, for notebooks and scripts, with the same words."""

from __future__ import annotations

from lab import comparison, diagnosis
from lab.comparison.values import Comparison
from lab.diagnosis import Diagnosis
from lab.record.catalogue import find_run, find_runs
from lab.record.run import Run
from lab.workspace import Workspace


def compare(
    by: str,
    *,
    metric: str | None = None,
    rows: str | None = None,
    where: str | None = None,
    baseline: object = None,
    seed_param: str = "seed",
    workspace: Workspace | None = None,
) -> Comparison:
    """Compare arms over seeds, as `lab compare` does.

    lab.compare("pooling", where="notebook ~ image", metric="val/accuracy")
    """
    found = find_runs(workspace or Workspace.find(), where=where)
    return comparison.compare(
        found, by=by, metric=metric, rows=rows, baseline=baseline, seed_param=seed_param
    )


def diagnose(run_id: str, *, workspace: Workspace | None = None) -> Diagnosis:
    """What the curves of a run say, as `lab diagnose` tells it."""
    return diagnosis.diagnose(show(run_id, workspace=workspace))


def show(run_id: str, *, workspace: Workspace | None = None) -> Run:
    """One run, as `lab show` finds it: by its id, or enough of its beginning."""
    return find_run(workspace or Workspace.find(), run_id)
