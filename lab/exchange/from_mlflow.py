"""Runs read from MLflow through its own client."""

from __future__ import annotations

import ast
import math
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from lab.errors import InputError, nearest
from lab.exchange.foreign import Foreign, Point, as_step, take_in
from lab.exchange.mlflow_client import (
    ID_TAG,
    LARGEST,
    NOTES_TAG,
    PARAMS_TAG,
    RECORD_TAG,
    opened,
    shown,
)
from lab.exchange.result import Imported
from lab.record.outcome import STATUSES
from lab.workspace import Workspace

if TYPE_CHECKING:
    from mlflow.entities import Experiment
    from mlflow.entities import Run as MlflowRun
    from mlflow.tracking import MlflowClient

_STATUS = {"FINISHED": "done", "FAILED": "failed", "KILLED": "stopped"}
_PAGE = 1000
_FETCHED = ".fetched"
# What a run folder holds beside what is written anew from what MLflow says.
_OWN_FILES = ("notebook.ipynb", "environment", "checkpoints", "figures", "artifacts")
_NUMBER = re.compile(r"[+-]?(\d+|(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][+-]?\d+)?)")
_WORDS = {"True": True, "False": False, "None": None}


def read_mlflow(address: str, workspace: Workspace, experiments: Sequence[str] = ()) -> Imported:
    """Bring in the ended runs of these experiments (default: all that are not deleted)."""
    notes: list[str] = []
    with opened(address) as client:
        chosen = _experiments(client, experiments)
        found = [_foreign(client, chosen, run) for run in _runs(client, list(chosen), notes)]
        return take_in(
            found, kind="mlflow", source=shown(address), workspace=workspace, notes=notes
        )


def typed(text: str) -> Any:
    """The value that MLflow kept as text, where its text says what it was.

    typed("3"), typed("1e-3"), typed("True")   # 3, 0.001, True
    typed("[1, 2]")                            # [1, 2]
    typed("mean"), typed("007")                # "mean", "007"
    """
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text):
        whole = text.lstrip("+-").isdecimal()
        if whole and (len(text.lstrip("+-")) > 18 or re.match(r"[+-]?0\d", text)):
            return text
        value = int(text) if whole else float(text)
        return value if math.isfinite(value) else text
    if text[:1] in "[{(" and len(text) < 10_000:
        try:
            return _listed(ast.literal_eval(text))
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            return text
    return text


def _listed(value: Any) -> Any:
    """JSON's idea of a Python literal; ValueError for what JSON has none of."""
    if isinstance(value, list | tuple):
        return [_listed(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _listed(item) for key, item in value.items()}
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise ValueError(value)


def _experiments(client: MlflowClient, names: Sequence[str]) -> dict[str, str]:
    """Names of the experiments by id."""
    found: list[Experiment] = []
    token = None
    while True:
        page = client.search_experiments(max_results=_PAGE, page_token=token)
        found += page
        token = page.token
        if not token:
            break
    known = {str(experiment.name): str(experiment.experiment_id) for experiment in found}
    for name in names:
        if name not in known:
            raise InputError("There is no such experiment", seen=name, do=nearest(name, known))
    return {i: name for name, i in known.items() if not names or name in names}


def _runs(client: MlflowClient, experiments: list[str], notes: list[str]) -> Iterator[MlflowRun]:
    token, running = None, []
    while experiments:
        page = client.search_runs(experiments, max_results=_PAGE, page_token=token)
        for run in page:
            if run.info.status in _STATUS:
                yield run
            else:
                running.append(run.info.run_id)
        token = page.token
        if not token:
            break
    if running:
        shown = ", ".join(running[:3]) + (" ..." if len(running) > 3 else "")
        notes.append(
            f"{len(running)} runs have not ended by what MLflow says and were left out ({shown})."
        )


def _foreign(client: MlflowClient, experiments: Mapping[str, str], run: MlflowRun) -> Foreign:
    tags = dict(run.data.tags)
    own = ID_TAG in tags
    # What was too long for a tag is not there; the id always is.
    record = {"id": tags[ID_TAG]} | _object(tags.get(RECORD_TAG)) if own else {}
    params = _object(tags.get(PARAMS_TAG)) if own else {}
    curves = {
        _own_name(name) if own else name: points
        for name in sorted(run.data.metrics)
        if not (own and name.endswith(".best"))
        and (points := list(_points(client, run.info.run_id, name)))
    }
    git = {
        "sha": tags.get("mlflow.source.git.commit"),
        "branch": tags.get("mlflow.source.git.branch"),
        "dirty": None,
    }
    return Foreign(
        id=run.info.run_id,
        name=record.get("name") if own else (run.info.run_name or None),
        started=_seconds(run.info.start_time),
        ended=_seconds(run.info.end_time),
        status=_status(run, record),
        params=params or {name: typed(text) for name, text in sorted(run.data.params.items())},
        curves=curves,
        tags=tuple(record.get("tags") or ()) if own else (),
        notes=_object(tags.get(NOTES_TAG))
        if own
        else _notes(tags, experiments.get(run.info.experiment_id, "")),
        record=record or ({"git": git} if git["sha"] else {}),
        verbatim=own,
        fetch=_fetch(client, run.info.run_id, own),
    )


def _status(run: MlflowRun, record: Mapping[str, Any]) -> str:
    said = record.get("status")
    return said if said in STATUSES and said != "running" else _STATUS[run.info.status]


def _points(client: MlflowClient, run_id: str, name: str) -> Iterator[Point]:
    for metric in client.get_metric_history(run_id, name):
        value = float(metric.value)
        if abs(value) >= LARGEST:
            value = math.copysign(math.inf, value)
        step = as_step(metric.step)
        if step is not None:
            yield step, _seconds(metric.timestamp), value


def _own_name(key: str) -> str:
    return key.replace(" at ", "@").replace(" plus ", "+")


def _notes(tags: Mapping[str, str], experiment: str) -> dict[str, str]:
    notes = {"experiment": experiment} if experiment else {}
    if text := tags.get("mlflow.note.content"):
        notes["note"] = text
    return notes | {k: v for k, v in sorted(tags.items()) if not k.startswith(("mlflow.", "lab."))}


def _fetch(client: MlflowClient, run_id: str, own: bool) -> Callable[[Path], Iterable[str]]:
    """Copies the artifacts of the run; those of a run of lab back to where they were."""

    def fetch(folder: Path) -> Iterable[str]:
        target = folder / (_FETCHED if own else "artifacts")
        try:
            if not client.list_artifacts(run_id):
                return ()
            target.mkdir()
            client.download_artifacts(run_id, "", str(target))
        except Exception as error:  # of whatever store holds them
            shutil.rmtree(target, ignore_errors=True)
            return [f"its files could not be fetched ({type(error).__name__}: {error!s:.200})"]
        for name in _OWN_FILES if own else ():
            if (target / name).exists():
                (target / name).rename(folder / name)
        if own:
            shutil.rmtree(target)
        return ()

    return fetch


def _object(text: str | None) -> dict[str, Any]:
    try:
        found = orjson.loads(text or "")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(milliseconds: Any) -> float | None:
    return None if milliseconds is None else float(milliseconds) / 1000
