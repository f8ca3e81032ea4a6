"""MLflow: what we write its own client reads, and what it wrote comes in as runs."""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import write_run, write_workspace

import lab
from lab.errors import InputError
from lab.exchange.from_mlflow import typed
from lab.exchange.mlflow_client import opened, shown
from lab.record.catalogue import find_run, find_runs
from lab.workspace import Workspace

pytest.importorskip("mlflow", reason="the extra mlflow is not installed")

ID = "20260120_231502"
START = 1_700_000_000_000  # milliseconds


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database without runs; making its tables takes seconds, copying it does not."""
    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    with opened(str(file), create=True) as client:
        client.search_experiments()
    return file


@pytest.fixture
def folder(empty: Path, tmp_path: Path) -> Path:
    (tmp_path / "flow").mkdir()
    shutil.copy(empty, tmp_path / "flow" / "mlflow.db")
    return tmp_path / "flow"


@pytest.fixture
def client(folder: Path) -> Iterator[Any]:
    """MLflow's own client, as a person would open it."""
    with opened(str(folder)):  # for its quiet
        import mlflow

        yield mlflow.MlflowClient(f"sqlite:///{folder}/mlflow.db")


def rich_run(runs: Path, run_id: str = ID, **more: Any) -> Path:
    settings: dict[str, Any] = {
        "params": {"seed": 3, "lr": 1e-3, "label": "3", "dims": [1, 2], "note": "é☃", "key": None},
        "curves": {
            "val/accuracy": [0.1, 0.7, math.nan, 0.5],
            "train/loss": [math.inf, 2.5, -math.inf],
            "val/p@1+x": [0.25],
        },
        "headline": "val/accuracy",
        "tags": ["night one", "b"],
        "suite": {"name": "pilot", "arm": "wide", "index": 0},
    } | more
    made = write_run(runs, run_id, **settings)
    (made / "figures").mkdir()
    (made / "figures" / "bild.png").write_bytes(b"\x89PNG")
    return made


def test_its_client_reads_what_we_write(
    workspace: Workspace, folder: Path, client: Any, tmp_path: Path
) -> None:
    rich_run(workspace.runs)
    done = lab.export(ID, to=f"mlflow:{folder}", workspace=workspace)
    assert (done.runs, done.there) == ((ID,), ())

    experiment = client.get_experiment_by_name("pilot")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.info.start_time == 1768950902000  # 2026-01-20 23:15:02 UTC
    assert run.info.run_name == ID
    assert run.data.params == {
        "seed": "3", "lr": "0.001", "label": "3", "dims": "[1, 2]", "note": "é☃", "key": "None",
    }  # fmt: skip
    history = client.get_metric_history(run.info.run_id, "val/accuracy")
    assert [point.step for point in history] == [1, 2, 3, 4]
    values = [point.value for point in history]
    assert values[:2] == [0.1, 0.7]
    assert math.isnan(values[2])
    assert run.data.metrics["val/accuracy"] == 0.5
    assert run.data.metrics["val/accuracy.best"] == 0.7
    assert run.data.metrics["val/p at 1 plus x"] == 0.25
    assert run.data.tags["lab.arm"] == "wide"
    assert run.data.tags["mlflow.source.git.commit"] == "0" * 40
    artifact = client.download_artifacts(run.info.run_id, "figures/bild.png", str(tmp_path))
    assert Path(artifact).read_bytes() == b"\x89PNG"


def test_a_second_export_adds_nothing(workspace: Workspace, folder: Path, client: Any) -> None:
    rich_run(workspace.runs)
    lab.export(ID, to=f"mlflow:{folder}", workspace=workspace)
    again = lab.export(ID, to=f"mlflow:{folder}", workspace=workspace)
    assert (again.runs, again.there) == ((), (ID,))
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    assert len(client.search_runs(ids)) == 1


@pytest.mark.parametrize(
    ("status", "theirs"), [("failed", "FAILED"), ("crashed", "FAILED"), ("stopped", "KILLED")]
)
def test_how_a_run_ended(
    workspace: Workspace, folder: Path, client: Any, tmp_path: Path, status: str, theirs: str
) -> None:
    rich_run(workspace.runs, status=status)
    lab.export(ID, to=f"mlflow:{folder}", workspace=workspace)
    (run,) = client.search_runs([client.get_experiment_by_name("pilot").experiment_id])
    assert run.info.status == theirs
    other = Workspace.load(write_workspace(tmp_path / "other"))
    (back,) = lab.import_runs(folder, workspace=other).runs
    assert find_run(other, back).status == status


def test_there_and_back(workspace: Workspace, folder: Path, tmp_path: Path) -> None:
    rich_run(workspace.runs)
    lab.export(ID, to=f"mlflow:{folder}", workspace=workspace)
    assert lab.import_runs(folder, workspace=workspace).here == (ID,)  # it never left

    other = Workspace.load(write_workspace(tmp_path / "other"))
    (back,) = lab.import_runs(folder, workspace=other).runs
    ours, theirs = find_run(workspace, ID), find_run(other, back)
    assert theirs.params == ours.params
    assert repr(sorted(theirs.metrics.items())) == repr(sorted(ours.metrics.items()))
    keys = ["notebook", "status", "suite", "tags", "seed", "headline", "git", "code", "started"]
    assert {k: theirs.record[k] for k in keys} == {k: ours.record[k] for k in keys}
    assert theirs.record["imported"]["from"] == "mlflow"
    assert (theirs.path.figures / "bild.png").read_bytes() == b"\x89PNG"
    assert lab.check(workspace=other) == []


def test_what_is_too_long_for_mlflow(
    workspace: Workspace, folder: Path, client: Any, tmp_path: Path
) -> None:
    error = {"type": "ValueError", "message": "x" * 20_000, "cell": 3}
    params = {"text": "y" * 10_000, "seed": 1}
    rich_run(workspace.runs, params=params, status="failed", error=error)
    lab.export(ID, to=f"mlflow:{folder}", workspace=workspace)
    (run,) = client.search_runs([client.get_experiment_by_name("pilot").experiment_id])
    assert run.data.params["text"] == "y" * 6000
    assert lab.import_runs(folder, workspace=workspace).here == (ID,)
    other = Workspace.load(write_workspace(tmp_path / "other"))
    (back,) = lab.import_runs(folder, workspace=other).runs
    found = find_run(other, back)
    assert (found.status, found.arm, found.error) == ("failed", "wide", None)
    assert set(found.metrics) == {"val/accuracy", "train/loss", "val/p@1+x"}


def foreign(client: Any, name: str = "vision", **tags: str) -> str:
    """A run as somebody without lab would log it."""
    from mlflow.entities import Metric, Param

    found = client.get_experiment_by_name(name)
    experiment = found.experiment_id if found else client.create_experiment(name)
    run = client.create_run(experiment, start_time=START, run_name="brave-bee", tags=tags)
    run_id: str = run.info.run_id
    steps = [(0, 0.9), (1, math.nan), (2, math.inf), (3, 0.2)]
    metrics = [Metric("loss", value, START + 1000 * s, s) for s, value in steps]
    metrics += [Metric("val_acc", 0.1 * s, START + 1000 * s, s) for s in range(4)]
    params = {"seed": "7", "lr": "1e-3", "pooling": "mean", "flag": "True", "hf_token": "hf_abcdef"}
    client.log_batch(run_id, metrics=metrics, params=[Param(*pair) for pair in params.items()])
    client.set_tag(run_id, "why", "with hf_abcdef in it")
    client.set_terminated(run_id, "FINISHED", START + 60_000)
    return run_id


def test_its_runs_come_in(workspace: Workspace, folder: Path, client: Any) -> None:
    theirs = foreign(client, **{"mlflow.source.git.commit": "a" * 40})
    done = lab.import_runs(folder, workspace=workspace)
    assert done.runs == ("20231114_221320",)  # when it began
    run = find_run(workspace, done.runs[0])
    assert (run.status, run.name, run.seed, run.seconds) == ("done", "brave-bee", 7, 60.0)
    assert run.params == {
        "seed": 7, "lr": 0.001, "pooling": "mean", "flag": True, "hf_token": "[redacted]",
    }  # fmt: skip
    assert run.metrics["metric/loss"] == {
        "last": 0.2, "best": 0.2, "best_step": 3, "goal": "min",
    }  # fmt: skip
    assert run.best("val/acc") == pytest.approx(0.3)
    rows = run.history()
    assert [row["step"] for row in rows] == [0, 1, 2, 3]
    assert math.isnan(rows[1]["metric/loss"])
    assert rows[2]["metric/loss"] == math.inf
    assert rows[3]["time"] == START / 1000 + 3
    assert run.notes == {"experiment": "vision", "why": "with [redacted] in it"}
    assert run.record["git"]["sha"] == "a" * 40
    origin = run.record["imported"]
    assert (origin["from"], origin["id"]) == ("mlflow", theirs)
    assert origin["names"] == {"metric/loss": "loss", "val/acc": "val_acc"}
    assert b"hf_abcdef" not in b"".join(
        path.read_bytes() for path in run.path.root.rglob("*") if path.is_file()
    )
    assert lab.check(workspace=workspace) == []
    assert lab.import_runs(folder, workspace=workspace).here == done.runs
    found = find_runs(workspace, where="imported.from == mlflow and metric/loss < 1")
    assert [r.id for r in found] == list(done.runs)


def test_only_these_experiments_and_no_running_run(
    workspace: Workspace, folder: Path, client: Any
) -> None:
    foreign(client, "vision")
    foreign(client, "audio")
    client.create_run(client.get_experiment_by_name("audio").experiment_id)
    with pytest.raises(InputError, match=r"no such experiment: audo\. Did you mean 'audio'"):
        lab.import_runs(folder, experiments=["audo"], workspace=workspace)
    done = lab.import_runs(folder, experiments=["audio"], workspace=workspace)
    assert len(done.runs) == 1
    assert "1 runs have not ended" in done.notes[0]
    assert find_run(workspace, done.runs[0]).notes["experiment"] == "audio"


def test_its_older_files_come_in(
    workspace: Workspace, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "mlruns"
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    with opened(str(folder)):  # for its quiet
        import mlflow

        client = mlflow.MlflowClient(store.as_uri())
        theirs = foreign(client)
        (tmp_path / "plan.txt").write_text("try it")
        client.log_artifact(theirs, str(tmp_path / "plan.txt"), "docs")
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE")
    done = lab.import_runs(store, workspace=workspace)
    run = find_run(workspace, done.runs[0])
    assert run.last("metric/loss") == 0.2
    assert (run.path.artifacts / "docs" / "plan.txt").read_text() == "try it"
    assert "MLFLOW_ALLOW_FILE_STORE" not in os.environ


def test_what_is_not_there_or_is_no_mlflow(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no MLflow data there"):
        lab.import_runs(f"sqlite:///{tmp_path}/none.db", workspace=workspace)
    with pytest.raises(InputError, match="no such folder"):
        lab.export(to=f"mlflow:{tmp_path}/no/where/x.db", **some(workspace))
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "bad.db").write_bytes(b"SQLite format 3\0" + b"\0" * 200)
    with pytest.raises(InputError, match=r"MLflow refused: .*bad\.db"):
        lab.import_runs(tmp_path / "bad.db", workspace=workspace)
    assert list(workspace.runs.glob(".import*")) == []


def some(workspace: Workspace) -> dict[str, Any]:
    rich_run(workspace.runs)
    return {"where": "status == done", "workspace": workspace}


def test_nothing_of_its_settings_stays(folder: Path) -> None:
    before = dict(os.environ), logging.getLogger("alembic").level
    with opened(str(folder)) as client:
        client.search_experiments()
    assert (dict(os.environ), logging.getLogger("alembic").level) == before


def test_a_password_is_not_shown() -> None:
    assert shown("postgresql://me:hunter2@host/db") == "postgresql://me:[redacted]@host/db"
    assert shown("http://host:5000") == "http://host:5000"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3), ("-3", -3), ("1e-3", 0.001), (".5", 0.5), ("1.", 1.0), ("True", True),
        ("None", None), ("[1, 'a']", [1, "a"]), ("(1, 2)", [1, 2]), ("{'a': None}", {"a": None}),
        ("mean", "mean"), ("007", "007"), ("1_000", "1_000"), ("nan", "nan"), ("1e999", "1e999"),
        ("[1, 2", "[1, 2"), ("{1, 2}", "{1, 2}"), ("", ""), ("9" * 30, "9" * 30),
        ("[" * 5000, "[" * 5000), ("__import__('os')", "__import__('os')"),
    ],
)  # fmt: skip
def test_values_kept_as_text(text: str, value: Any) -> None:
    assert typed(text) == value
    assert type(typed(text)) is type(value)
    json.dumps(typed(text))
