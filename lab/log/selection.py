"""Which runs an entry is about."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable, Iterator, Sequence

from lab.comparison.measure import goal_in, headline, measured
from lab.errors import InputError, LabError, QueryError
from lab.log.nearest import data_of, nearest
from lab.log.nights import latest_per_slot
from lab.record.catalogue import find_run
from lab.record.files import RecordWarning
from lab.record.lazy import Shelf, shelf_of
from lab.record.run import Run
from lab.workspace import Workspace


def selected(
    runs: str | Sequence[Run] | None,
    suite: str | None,
    workspace: Workspace,
    run: str | None = None,
) -> list[Run] | None:
    """The runs asked for; None where none were. Raises InputError where none is found."""
    if run is not None:
        raise InputError(
            "A single run makes an experiment entry", seen=f"--run {run}", do="Use that kind."
        )
    if runs is None and suite is None:
        return None
    if runs is None or isinstance(runs, str):
        found = standing(found_by(runs, workspace, suite=suite))
    else:
        found = list(runs)
    if suite is not None:
        found = latest_per_slot(_of_suite(found, suite))
    if not found:
        asked = " of ".join(str(x) for x in (runs if isinstance(runs, str) else None, suite) if x)
        raise InputError("No run is selected", seen=asked, do="See `lab runs`.")
    return sorted(found, key=lambda r: r.id)


def standing(runs: Sequence[Run]) -> list[Run]:
    """The runs without the runs of a suite that did not end well and were run again since."""

    def slot(run: Run) -> str:
        suite = run.record.get("suite") or {}
        return repr((suite.get("name"), run.arm, run.notebook, suite.get("matrix")))

    mended = {slot(run) for run in runs if run.status == "done" and run.record.get("suite")}
    return [run for run in runs if run.status == "done" or slot(run) not in mended]


def found_by(where: str | None, workspace: Workspace, *, suite: str | None = None) -> list[Run]:
    """The runs that match, of this suite where one is named, newest first."""
    from lab.record.where import parse_query

    shelf = shelf_of(workspace)
    query = parse_query(where) if where else None
    likely = shelf.may_hold("record", [suite, *(query.texts if query else ())])
    if query is None:
        return _of_suite(_opened(shelf, likely), suite)
    # Where none of them matches, the others tell whether a name was mistyped.
    with contextlib.suppress(QueryError):
        if found := query.select(_opened(shelf, likely)):
            return _of_suite(found, suite)
    return _of_suite(query.select(_opened(shelf, shelf.ids)), suite)


def _of_suite(runs: Iterable[Run], suite: str | None) -> list[Run]:
    """The runs of this suite; all where it is None."""
    if suite is None:
        return list(runs)
    return [run for run in runs if (run.record.get("suite") or {}).get("name") == suite]


def _opened(shelf: Shelf, ids: Sequence[str]) -> Iterator[Run]:
    """These runs, newest first, with a warning for each that cannot be read."""
    for name in reversed(ids):
        try:
            run = shelf.run(name)
        except LabError as error:
            warnings.warn(str(error), RecordWarning, stacklevel=4)
        else:
            if run is not None:
                yield run


def one_run(
    run: str | None,
    runs: str | Sequence[Run] | None,
    suite: str | None,
    metric: str | None,
    workspace: Workspace,
) -> Run:
    """The run of an experiment entry: the one named, else the best of those selected."""
    if run:
        return find_run(workspace, run)
    found = selected(runs, suite, workspace)
    if not found:
        raise InputError("An experiment entry is about a run", do="As in: --run 20260120_231502.")
    done = [r for r in found if r.status == "done" and (metric or headline(r))]
    if not done:
        return found[-1]
    metric = metric or headline(done[0]) or ""
    values = [(r, value) for r in done if (value := measured(r, metric)) is not None]
    if not values:
        return done[-1]
    pick = max if goal_in(done, metric) == "max" else min
    return pick(values, key=lambda pair: pair[1])[0]


def baseline_of(asked: str | None, run: Run, workspace: Workspace) -> Run | None:
    """The run asked for, else the nearest done one of the same notebook that came before.

    Runs on the same data come first; `nearest` says which of them it is.
    """
    if asked:
        return find_run(workspace, asked)

    shelf, data = shelf_of(workspace), data_of(run)

    def earlier(texts: Sequence[object]) -> Iterator[Run]:
        ids = [i for i in shelf.may_hold("record", [run.notebook, *texts]) if i < run.id]
        return _done_siblings(run, shelf, ids)

    alike = (other for other in earlier(data) if data_of(other) == data)
    return nearest(run, alike) or nearest(run, earlier(()))


def repeats_of(run: Run, workspace: Workspace) -> list[Run]:
    """The done runs that differ from `run` in the seed alone."""
    settings = [value for name, value in run.params.items() if name != "seed"]
    shelf = shelf_of(workspace)
    siblings = _done_siblings(run, shelf, shelf.may_hold("params", settings))
    return [other for other in siblings if _is_repeat(run, other)]


def _done_siblings(run: Run, shelf: Shelf, ids: Sequence[str]) -> Iterator[Run]:
    """Those of these runs that are done and of the notebook of another, newest first."""
    for other in _opened(shelf, ids if run.notebook else ()):
        if other.status == "done" and other.notebook == run.notebook and other.id != run.id:
            yield other


def _is_repeat(run: Run, other: Run) -> bool:
    if run.seed == other.seed:
        return False
    mine, theirs = run.params, other.params
    # Mostly the first of them differs; thousands of runs are asked.
    if any(theirs.get(name, run) != value for name, value in mine.items() if name != "seed"):
        return False
    return mine.keys() | {"seed"} == theirs.keys() | {"seed"}


def rows_for(runs: Sequence[Run], metric: str | None) -> str | None:
    """Notebooks with metrics of their own are told apart by row, never pooled."""
    done = [run for run in runs if run.status == "done"]
    metrics = {metric or headline(run) for run in done}
    notebooks = {run.notebook for run in done}
    return "notebook" if len(notebooks) > 1 and len(metrics) > 1 else None
