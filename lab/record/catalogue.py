"""All runs of a workspace: listed, selected, sorted, found by id."""

from __future__ import annotations

import difflib
import itertools
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lab.errors import InputError, LabError, RunNotFound, nearest
from lab.record.files import RecordWarning
from lab.record.index import Index, open_index
from lab.record.indexed_run import (
    ABSENT,
    ALL,
    NO_NUMBER,
    NUMBER,
    PARAMS,
    RECORD,
    SUMMARY,
    IndexedRun,
    rank,
)
from lab.record.metrics import ends_torn, goal_of
from lab.record.run import Run
from lab.record.where import Query, parse_query
from lab.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

ARCHIVE = "archive"

_NAMED = 5  # ids that a message names

T = TypeVar("T")


def find_runs(
    workspace: Workspace,
    *,
    where: str | None = None,
    sort: str | None = None,
    limit: int | None = None,
) -> list[Run]:
    """The runs that match the expression `where`, newest first.

    `sort` names a metric: by its best value then, better first by its goal, runs without it last.
    A folder that cannot be read is left out with a warning. Raises QueryError.
    """
    query = parse_query(where) if where else None
    listing = Listing(workspace.runs, _needs(query))
    found: Iterable[Run] = listing
    if query is not None:
        found = query.select(listing)
    if sort is not None:
        found = _leaders(listing, sort) if query is None else _sorted(list(found), sort)
    return list(itertools.islice(listing.whole(found), limit))


class Listing:
    """The runs of a folder, newest first, each read when its turn comes.

    `needs` is what of them is looked at before they are chosen: RECORD, PARAMS, SUMMARY or more of
    these. A folder that cannot be read is left out with a warning.
    """

    def __init__(self, runs: Path, needs: int) -> None:
        self._index = open_index(runs)
        self._needs = needs
        self._names = _names(self._index, runs)

    def __iter__(self) -> Iterator[Run]:
        for name in self._names:
            run = self.read(name, self._needs)
            if run is not None:
                yield run
                if isinstance(run, IndexedRun):
                    run.forget()
        self._index.save()

    def ranked(self, metric: str, which: str) -> Iterator[tuple[str | Run, tuple[int, float]]]:
        """Every run, or where the index tells enough its name, and the `rank` of its value."""
        if not self._names:
            return
        ranks = self._index.ranks(self._names, metric, which)
        for name, known in zip(self._names, ranks, strict=True):
            if known is not None:
                yield name, known
            elif (run := self.read(name, SUMMARY)) is not None:
                yield run, rank(run.metrics, metric, which)
        self._index.save()

    def read(self, name: str, needs: int) -> Run | None:
        """The run of this name as its files are now; None where there is none to be read."""
        try:
            run = self._index.run(name, needs)
        except LabError as error:
            warnings.warn(str(error), RecordWarning, stacklevel=4)
            return None
        if run is not None and not isinstance(run, IndexedRun):
            _tell_of_torn_line(run)
        return run

    def whole(self, runs: Iterable[Run]) -> Iterator[Run]:
        """These runs of the listing as all of their files are now; later changes show in none."""
        for run in runs:
            if isinstance(run, IndexedRun) and not run.is_current(ALL):
                again = self.read(run.id, ALL)
                if again is not None:
                    yield again
            else:
                yield run


def _names(index: Index, runs: Path) -> list[str]:
    try:
        return index.names()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unreadable(runs, error) from None


def _needs(query: Query | None) -> int:
    """What of a run tells whether it matches."""
    names = () if query is None else query.names
    needs = RECORD | PARAMS if any("/" not in name for name in names) else 0
    return needs | (SUMMARY if any("/" in name for name in names) else 0)


def find_run(workspace: Workspace, run_id: str) -> Run:
    """The run with this id, or with the only id that begins so; archived ones too."""
    run = Run.read(find_folder(workspace, run_id))
    _tell_of_torn_line(run)
    return run


def find_folder(workspace: Workspace, run_id: str) -> Path:
    """The folder of the run that `find_run` finds."""
    for folder in (workspace.runs, workspace.runs / ARCHIVE):
        if run_id and Path(run_id).name == run_id and (folder / run_id / "run.json").is_file():
            return folder / run_id
    places = {
        name: folder
        for folder in (workspace.runs / ARCHIVE, workspace.runs)
        for name in _folders(folder)
        if (folder / name / "run.json").is_file()
    }
    ids = sorted(places)
    matches = [known for known in ids if run_id and known.startswith(run_id)]
    if len(matches) == 1:
        return places[matches[0]] / matches[0]
    if matches:
        more = f" and {len(matches) - _NAMED} more" if len(matches) > _NAMED else ""
        raise RunNotFound(
            f"{len(matches)} runs begin so",
            seen=run_id,
            do=f"Say which: {', '.join(matches[:_NAMED])}{more}.",
        )
    near = difflib.get_close_matches(run_id, ids, n=3, cutoff=0.3) or ids[-3:]
    advice = f"The nearest: {', '.join(near)}." if near else "There are no runs yet."
    raise RunNotFound("There is no such run", seen=run_id, do=f"{advice} `lab runs` lists all.")


def as_json(run: Run) -> dict[str, Any]:
    """run.json plus `params` and `metrics` (the summary without its notes)."""
    return run.record | {"params": run.params, "metrics": run.metrics}


def frame(runs: list[Run]) -> pd.DataFrame:
    """One row a run: what it is, its parameters, and each metric's best and last value.

    A metric's best value stands under its name, its last under name.last; a parameter that is
    named like a column of the run stands under params.NAME.
    """
    import pandas as pd

    rows = []
    for run in runs:
        row: dict[str, Any] = {
            "id": run.id,
            "status": run.status,
            "notebook": run.notebook,
            "arm": run.arm,
            "seed": run.seed,
            "started": run.started,
            "seconds": run.seconds,
        }
        for name, value in run.params.items():
            if name != "seed":
                row[f"params.{name}" if name in row else name] = value
        for name, entry in run.metrics.items():
            row[name] = entry.get("best")
            row[f"{name}.last"] = entry.get("last")
        rows.append(row)
    return pd.DataFrame(rows)


def runs(
    where: str | None = None,
    *,
    sort: str | None = None,
    limit: int | None = None,
    workspace: Workspace | None = None,
) -> pd.DataFrame:
    """Runs as a DataFrame, newest first.

    lab.runs(where="status == done and pooling in [mean, attention]", sort="val/accuracy")
    """
    place = workspace or Workspace.find()
    return frame(find_runs(place, where=where, sort=sort, limit=limit))


def _folders(runs: Path) -> list[str]:
    """Names of the folders in `runs`, whether a run is in them or not."""
    try:
        with os.scandir(runs) as entries:
            return [entry.name for entry in entries if entry.is_dir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unreadable(runs, error) from None


def _unreadable(runs: Path, error: OSError) -> InputError:
    return InputError(
        "The runs folder cannot be read", seen=f"{runs} ({error.strerror})", do="Mend it."
    )


def _tell_of_torn_line(run: Run) -> None:
    # While a run is under way its last line may just be half written.
    if run.status != "running" and ends_torn(run.path.metrics):
        text = f"{run.path.metrics}: the last line is torn and left out"
        warnings.warn(text, RecordWarning, stacklevel=4)


def _leaders(listing: Listing, metric: str) -> Iterator[Run]:
    """The runs by a metric, opened one by one."""
    ranked = list(listing.ranked(*_value_of(metric)))

    def opened(found: str | Run) -> Run | None:
        return found if isinstance(found, Run) else listing.read(found, SUMMARY)

    for found in _in_order(ranked, metric, opened):
        run = opened(found)
        if run is not None:
            yield run


def _sorted(runs: list[Run], metric: str) -> list[Run]:
    value = _value_of(metric)
    ranked = [(run, rank(run.metrics, *value)) for run in runs]
    return _in_order(ranked, metric, lambda run: run)


def _value_of(metric: str) -> tuple[str, str]:
    """The metric that somebody sorts by, and which of its values."""
    base = metric.removesuffix(".last").removesuffix(".best")
    return base, "last" if metric.endswith(".last") else "best"


def _in_order(
    ranked: list[tuple[T, tuple[int, float]]], metric: str, opened: Callable[[T], Run | None]
) -> list[T]:
    """The better first by the goal that the newest run has; runs without a value last."""
    base = _value_of(metric)[0]
    having = (opened(found) for found, (kind, _) in ranked if kind != ABSENT)
    newest = next((run for run in having if run is not None and base in run.metrics), None)
    if newest is None and ranked:
        runs = filter(None, (opened(found) for found, _ in ranked))
        known = sorted({name for run in runs for name in run.metrics})
        advice = nearest(metric, known, see="`lab runs --json`")
        raise InputError("No run has that metric", seen=metric, do=advice)
    goal = newest.metrics[base]["goal"] if newest is not None else goal_of(base)
    sign = -1.0 if goal == "max" else 1.0
    values = [sign * value for _, (_, value) in ranked]
    groups: list[list[int]] = [[] for _ in range(NO_NUMBER + 1)]
    for place, (_, (kind, _)) in enumerate(ranked):
        groups[min(kind, NO_NUMBER)].append(place)
    # Stable: equal values stay newest first.
    groups[NUMBER].sort(key=values.__getitem__)
    return [ranked[place][0] for group in groups for place in group]
