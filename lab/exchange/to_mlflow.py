"""Runs written to MLflow through its own client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from lab.exchange import mlflow_client
from lab.exchange.contents import is_portable, run_files
from lab.exchange.foreign import KEPT
from lab.exchange.mlflow_client import ID_TAG, NOTES_TAG, PARAMS_TAG, RECORD_TAG, opened, shown
from lab.exchange.result import Exported
from lab.record.files import encode
from lab.record.run import Run, parse_time

if TYPE_CHECKING:
    from mlflow.entities import Metric
    from mlflow.tracking import MlflowClient

_STATUS = {"done": "FINISHED", "stopped": "KILLED", "pruned": "KILLED"}
_BATCH = 1000  # metrics that one call may carry
_LONGEST_PARAM = 6000  # characters, MLflow's own limit
_LONGEST_TAG = 5000
_LEFT = ("heartbeat", "metrics.jsonl")  # the one empty, the other MLflow's metrics


def write_mlflow(runs: Sequence[Run], address: str) -> Exported:
    """Write each run into an experiment named after its suite, else its notebook.

    Every value keeps its step and time; the best value stands beside as NAME.best, because MLflow
    shows the last only. The run's files become artifacts. A run that is there already is left.
    """
    new, there = [], []
    with opened(address, create=True) as client:
        uri = mlflow_client.tracking_uri(address, create=True)
        for run in runs:
            experiment = _experiment(client, _experiment_name(run), uri)
            if _is_there(client, experiment, run):
                there.append(run.id)
            else:
                _write(client, experiment, run)
                new.append(run.id)
    return Exported("mlflow", shown(address), tuple(new), tuple(there))


def _experiment_name(run: Run) -> str:
    suite = run.record.get("suite") or {}
    stem = Path(run.notebook).stem if run.notebook else "lab"
    return str(suite.get("name") or stem)


def _experiment(client: MlflowClient, name: str, uri: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    place = mlflow_client.artifacts_beside(uri)
    return str(client.create_experiment(name, artifact_location=place and f"{place}/{name}"))


def _is_there(client: MlflowClient, experiment: str, run: Run) -> bool:
    same = f"tags.`{ID_TAG}` = '{run.id}' and attributes.status != 'RUNNING'"
    return bool(client.search_runs([experiment], filter_string=same, max_results=1))


def _write(client: MlflowClient, experiment: str, run: Run) -> None:
    from mlflow.entities import Param

    made = client.create_run(
        experiment,
        start_time=_milliseconds(run.record.get("started")),
        tags=_tags(run),
        run_name=run.name or run.id,
    )
    run_id = made.info.run_id
    params = [Param(name, _text(value)[:_LONGEST_PARAM]) for name, value in run.params.items()]
    for start in range(0, len(params), 100):  # MLflow takes no more at a time
        client.log_batch(run_id, params=params[start : start + 100])
    metrics = list(_metrics(run))
    for start in range(0, len(metrics), _BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + _BATCH])
    _log_files(client, run_id, run)
    # Ended last: a run that is FINISHED there is whole, any other is written anew next time.
    status = _STATUS.get(run.status, "FAILED")
    client.set_terminated(run_id, status, _milliseconds(run.record.get("ended")))


def _log_files(client: MlflowClient, run_id: str, run: Run) -> None:
    for name, path in run_files(run.path.root):
        if name not in _LEFT and is_portable(name):
            folder, _, _ = name.rpartition("/")
            client.log_artifact(run_id, str(path), folder or None)


def _metrics(run: Run) -> Iterator[Metric]:
    from mlflow.entities import Metric

    for row in run.history():
        time = round(float(row.get("time") or 0.0) * 1000)
        for name, value in row.items():
            if "/" in name and isinstance(value, int | float):
                yield Metric(_key(name), float(value), time, row["step"])
    ended = _milliseconds(run.record.get("ended")) or 0
    for name, entry in run.metrics.items():
        if entry["best_step"] is not None:
            yield Metric(f"{_key(name)}.best", float(entry["best"]), ended, entry["best_step"])


def _key(name: str) -> str:
    """The name of a metric with the two signs replaced that MLflow does not take."""
    return name.replace("@", " at ").replace("+", " plus ")


def _tags(run: Run) -> dict[str, str]:
    git: Mapping[str, Any] = run.record.get("git") or {}
    tags = {
        ID_TAG: run.id,
        RECORD_TAG: _short_record(run),
        PARAMS_TAG: _json(run.params),
        "mlflow.source.type": "NOTEBOOK" if run.notebook else "LOCAL",
        "mlflow.source.name": run.notebook or "",
        "mlflow.source.git.commit": git.get("sha") or "",
        "mlflow.source.git.branch": git.get("branch") or "",
        "mlflow.note.content": "\n\n".join(f"{k}: {text}" for k, text in run.notes.items()),
        NOTES_TAG: _json(run.notes) if run.notes else "",
        "lab.status": " ".join(filter(None, (run.status, run.reason))),
        "lab.arm": run.arm or "",
        "lab.tags": " ".join(run.tags),
    }
    return {name: value for name, value in tags.items() if value and len(value) <= _LONGEST_TAG}


def _short_record(run: Run) -> str:
    """What run.json says that MLflow has no place for; without what is too long for a tag."""
    said = {key: run.record.get(key) for key in (*KEPT, "id", "name", "tags", "status")}
    for key in ("error", "data"):
        if len(_json(said)) > _LONGEST_TAG:
            del said[key]
    return _json(said)


def _json(value: Any) -> str:
    return orjson.dumps(encode(value)).decode()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def _milliseconds(text: Any) -> int | None:
    when = parse_time(text)
    return None if when is None else round(when.timestamp() * 1000)
