"""CSV files come in as runs: curves of one run, or a run a row."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lab
from lab.errors import InputError
from lab.exchange.names import metric_names
from lab.record.catalogue import find_run
from lab.record.metrics import check_name
from lab.record.run import Run
from lab.workspace import Workspace


def imported(text: str, workspace: Workspace, tmp_path: Path, *metrics: str) -> list[Run]:
    file = tmp_path / "results.csv"
    file.write_text(text, encoding="utf-8")
    os.utime(file, (1.7e9, 1.7e9))
    done = lab.import_runs(file, metrics=metrics, workspace=workspace)
    assert lab.check(workspace=workspace) == []
    return [find_run(workspace, run_id) for run_id in done.runs]


def test_curves_as_lightning_writes_them(workspace: Workspace, tmp_path: Path) -> None:
    text = "epoch,step,train_loss,val_acc\n0,10,0.9,\n0,20,nan,\n0,20,,0.5\n1,30,inf,\n"
    (run,) = imported(text, workspace, tmp_path)
    assert run.id == "20231114_221320"  # the file's own time
    assert run.name == "results"
    rows = [{k: v for k, v in row.items() if k != "time"} for row in run.history()]
    assert repr(rows) == repr(
        [
            {"step": 10, "train/loss": 0.9},
            {"step": 20, "train/loss": math.nan, "val/acc": 0.5},
            {"step": 30, "train/loss": math.inf},
        ]
    )
    assert run.record["imported"]["names"]["train/loss"] == "train_loss"


def test_curves_of_several_runs(workspace: Workspace, tmp_path: Path) -> None:
    text = "run;step;val/loss;comment\na;1;0.5;x\na;2;0.4;y\nb;1;0.7;z\n"
    runs = imported(text, workspace, tmp_path)
    assert {run.name: run.last("val/loss") for run in runs} == {"a": 0.4, "b": 0.7}
    assert all(list(run.metrics) == ["val/loss"] for run in runs)
    assert all(run.headline == "val/loss" for run in runs)  # the only one it can be


def test_a_table_of_runs_as_mlflow_writes_it(workspace: Workspace, tmp_path: Path) -> None:
    text = (
        "run_id,status,start_time,end_time,metrics.val_acc,params.lr,params.net,tags.user\n"
        "abc,FINISHED,2023-11-14T22:13:20Z,2023-11-14T22:14:20Z,0.5,0.001,cnn,me\n"
        "def,FAILED,2023-11-14 22:13:20+00:00,,,0.01,mlp,me\n"
    )
    first, second = imported(text, workspace, tmp_path)
    assert (first.status, second.status) == ("done", "failed")
    assert first.params == {"lr": 0.001, "net": "cnn"}
    assert first.best("val/acc") == 0.5
    assert first.seconds == 60.0
    assert (second.metrics, second.seconds) == ({}, None)
    assert (first.id, second.id) == ("20231114_221320", "20231114_221320-2")


def test_columns_said_to_be_metrics(workspace: Workspace, tmp_path: Path) -> None:
    text = "\ufeffseed,pooling,api_key,Accuracy (%)\n0,mean,hush hush,71.5\n1,max,,-Infinity\n"
    with pytest.raises(InputError, match=r"No column is known to be a metric.*--metric NAME"):
        imported(text, workspace, tmp_path)
    with pytest.raises(InputError, match="There is no such column: Acc"):
        imported(text, workspace, tmp_path, "Acc")
    with pytest.raises(InputError, match="Row 2 has no number under 'pooling': mean"):
        imported(text, workspace, tmp_path, "pooling")
    assert list(workspace.runs.iterdir()) == []
    first, second = imported(text, workspace, tmp_path, "Accuracy (%)")
    assert first.params == {"seed": 0, "pooling": "mean", "api_key": "[redacted]"}
    assert first.best("metric/Accuracy_") == 71.5
    assert second.best("metric/Accuracy_") == -math.inf
    assert (first.seed, second.seed) == (0, 1)
    assert b"hush" not in b"".join(
        p.read_bytes() for p in first.path.root.rglob("*") if p.is_file()
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no values"),
        ("step,loss\n", "holds no values"),
        ("step,loss\n1,low\n", "No column but the step holds numbers"),
        ("step,loss,loss\n1,2,3\n", "Two columns have one name: loss"),
        ("step,loss\n1,2,3\n", "Row 2 has more values than there are names"),
        ('step,loss\n1,"2\n', "cannot be read"),
    ],
)
def test_files_that_are_no_table(
    workspace: Workspace, tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        imported(text, workspace, tmp_path)
    assert list(workspace.runs.iterdir()) == []


def test_bytes_that_are_no_text(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"step,loss\n1,\xff\n")
    with pytest.raises(InputError, match="UTF-8"):
        lab.import_runs(tmp_path / "a.csv", workspace=workspace)


def test_options_of_another_kind(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("step,loss\n1,2\n")
    with pytest.raises(InputError, match="--new-ids is for zip"):
        lab.import_runs(tmp_path / "a.csv", new_ids=True, workspace=workspace)
    with pytest.raises(InputError, match="Did you mean 'csv'"):
        lab.import_runs(tmp_path / "a.csv", kind="cvs", workspace=workspace)


@given(st.lists(st.text(max_size=20), max_size=8, unique=True))
def test_every_metric_gets_a_name_of_its_own(originals: list[str]) -> None:
    found = metric_names(originals)
    assert set(found) == set(originals)
    assert len(set(found.values())) == len(originals)
    for name in found.values():
        assert check_name(name) == name


@pytest.mark.parametrize(
    ("original", "name"),
    [
        ("val/accuracy", "val/accuracy"), ("layers/0/norm", "layers/0/norm"),
        ("val_accuracy", "val/accuracy"), ("validation.loss", "validation/loss"),
        ("loss_train", "train/loss"), ("Loss/train", "train/Loss"), ("train/test", "train/test"),
        ("loss", "metric/loss"), ("Loss/a b", "Loss/a_b"), ("/", "metric/unnamed"),
        ("val/loss.best", "val/loss_best"), ("trainable", "metric/trainable"),
    ],
)  # fmt: skip
def test_what_metrics_are_called(original: str, name: str) -> None:
    assert metric_names([original]) == {original: name}
