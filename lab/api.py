"""What the commands do, for notebooks and scripts, with the same words."""

from __future__ import annotations

from collections.abc import Sequence

from lab import comparison, diagnosis
from lab.comparison.alike import nothing_like, of_lonely
from lab.comparison.comparison import Comparison
from lab.diagnosis import Diagnosis
from lab.errors import InputError
from lab.record.catalogue import find_run, find_runs
from lab.record.edit import add_note, change_tags
from lab.record.run import Run
from lab.record.verify import Problem, check_runs
from lab.workspace import Workspace


def compare(
    by: str | None = None,
    *,
    metric: str | None = None,
    rows: str | None = None,
    where: str | None = None,
    baseline: object = None,
    seed_param: str = "seed",
    like: str | None = None,
    interesting: float | None = None,
    mix: bool = False,
    workspace: Workspace | None = None,
) -> Comparison:
    """Compare arms over seeds, as `lab compare` does.

    Without `by` every setting is an arm: the parameters without the seed. `like` is the id of a
    run: only runs of its notebook count whose parameters are the same but for `by` and the seed.
    `interesting` is the smallest difference worth knowing, in the unit of the metric. `mix` allows
    a verdict where an arm mixes settings or the data differ.

    lab.compare("pooling", where="notebook ~ image", metric="val/accuracy", interesting=0.01)
    lab.compare("pooling", like=run.id)
    """
    place = workspace or Workspace.find()
    found = find_runs(place, where=where)
    if where and not found:
        raise InputError("No run matches", seen=where, do="See `lab runs`.")
    example = None if like is None else find_run(place, like)
    if example is not None:
        found = comparison.alike(found, example, by=by, seed_param=seed_param)
        if not found:
            raise nothing_like(find_runs(place), example, by, seed_param)
    made = comparison.compare(
        found,
        by=by,
        metric=metric,
        rows=rows,
        baseline=baseline,
        seed_param=seed_param,
        interesting=interesting,
        mix=mix,
    )
    if example is None or any(len(row.arms) > 1 for row in made.rows):
        return made
    return of_lonely(made, find_runs(place), example, by=by)


def diagnose(run_id: str, *, workspace: Workspace | None = None) -> Diagnosis:
    """What the curves of a run say, as `lab diagnose` tells it."""
    return diagnosis.diagnose(show(run_id, workspace=workspace))


def show(run_id: str, *, workspace: Workspace | None = None) -> Run:
    """One run, as `lab show` finds it: by its id, or enough of its beginning."""
    return find_run(workspace or Workspace.find(), run_id)


def note(run_id: str, text: str, *, workspace: Workspace | None = None) -> None:
    """Add a note to a run, beside every note it has."""
    add_note(show(run_id, workspace=workspace), text)


def tag(run_id: str, *changes: str, workspace: Workspace | None = None) -> list[str]:
    """Add tags written +T to a run, take away those written -T; the tags it then has."""
    return change_tags(show(run_id, workspace=workspace), changes)


def check(
    run_ids: Sequence[str] | None = None, *, workspace: Workspace | None = None
) -> list[Problem]:
    """Everything wrong with these run folders, or with all."""
    return check_runs(workspace or Workspace.find(), run_ids)[1]
