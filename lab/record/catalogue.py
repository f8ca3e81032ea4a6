"""All runs of a workspace: listed, selected, sorted, found by id."""

from __future__ import annotations

import difflib
import math
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.errors import InputError, LabError, RunNotFound, nearest
from lab.record.files import RecordWarning
from lab.record.metrics import ends_torn, goal_of
from lab.record.paths import RunPaths
from lab.record.run import Run
from lab.record.where import parse_query
from lab.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

ARCHIVE = "archive"


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
    runs = _all_runs(workspace)
    if query is not None:
        runs = query.select(runs)
    if sort is not None:
        runs = _sorted(runs, sort)
    return runs[:limit]


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
        raise RunNotFound(
            "Several runs begin so", seen=run_id, do=f"Say which: {', '.join(matches[:5])}."
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
        raise InputError(
            "The runs folder cannot be read", seen=f"{runs} ({error.strerror})", do="Mend it."
        ) from None


def _all_runs(workspace: Workspace) -> list[Run]:
    found = []
    for name in _folders(workspace.runs):
        try:
            run = Run.read_if_there(RunPaths(workspace.runs / name))
        except LabError as error:
            warnings.warn(str(error), RecordWarning, stacklevel=4)
        else:
            found += [run] if run is not None else []
    for run in found:
        _tell_of_torn_line(run)
    return sorted(found, key=_age, reverse=True)


def _tell_of_torn_line(run: Run) -> None:
    # While a run is under way its last line may just be half written.
    if run.status != "running" and ends_torn(run.path.metrics):
        text = f"{run.path.metrics}: the last line is torn and left out"
        warnings.warn(text, RecordWarning, stacklevel=4)


def _age(run: Run) -> tuple[str, int, str]:
    # 20260120_231502-10 is younger than -9, which its text is not.
    stamp, _, rest = run.id.partition("-")
    number = rest.partition("_")[0]
    return stamp[:15], int(number) if number.isdigit() else 1, run.id


def _sorted(runs: list[Run], metric: str) -> list[Run]:
    base = metric.removesuffix(".last").removesuffix(".best")
    which = "last" if metric.endswith(".last") else "best"
    having = [run for run in runs if base in run.metrics]
    if not having and runs:
        known = sorted({name for run in runs for name in run.metrics})
        raise InputError(
            "No run has that metric",
            seen=metric,
            do=nearest(metric, known, see="`lab runs --json`"),
        )
    goal = having[0].metrics[base]["goal"] if having else goal_of(base)

    def key(run: Run) -> tuple[int, float]:
        value = run.metrics.get(base, {}).get(which)
        if not isinstance(value, int | float):
            return 2, 0.0
        if math.isnan(value):
            return 1, 0.0
        return 0, float(-value if goal == "max" else value)

    return sorted(runs, key=key)  # stable: equal values stay newest first
