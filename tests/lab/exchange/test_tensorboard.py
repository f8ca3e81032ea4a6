"""TensorBoard: what we write its own reader reads, and event files come in as runs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from helpers import write_run, write_workspace
from hypothesis import given, settings
from hypothesis import strategies as st

import lab
from lab.errors import InputError
from lab.record.catalogue import find_run
from lab.workspace import Workspace

pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")

ID = "20260120_231502"


def events(folder: Path) -> Any:
    """TensorBoard's own view of a folder of event files."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    return found.Reload()


def write_events(folder: Path, curves: dict[str, list[float]], *, exact: bool = False) -> Path:
    """Event files as other programs write them, with TensorBoard's writer."""
    import numpy as np
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.scalar.summary_v2 import scalar_pb
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(folder))
    for tag, values in curves.items():
        for step, value in enumerate(values):
            summary = (
                scalar_pb(tag, np.float32(value))  # as TensorFlow 2 does
                if exact
                else Summary(value=[Summary.Value(tag=tag, simple_value=value)])  # as torch does
            )
            writer.add_event(Event(wall_time=1.7e9 + step, step=step, summary=summary))
    writer.close()
    return folder


def test_its_reader_reads_what_we_write(workspace: Workspace, tmp_path: Path) -> None:
    curves = {"val/accuracy": [0.25, math.nan, math.inf, -math.inf], "train/loss": [1e300, 0.5]}
    params = {"seed": 3, "lr": 1e-3, "pooling": "mean ☃", "flag": True, "dims": [1, 2], "x": None}
    write_run(workspace.runs, ID, params=params, curves=curves)
    done = lab.export(ID, to=f"tensorboard:{tmp_path / 'logs'}", workspace=workspace)
    assert done.runs == (ID,)

    found = events(tmp_path / "logs" / ID)
    assert set(found.Tags()["scalars"]) == set(curves)
    points = found.Scalars("val/accuracy")
    assert [point.step for point in points] == [1, 2, 3, 4]
    assert points[0].value == 0.25
    assert math.isnan(points[1].value)
    assert [point.value for point in points[2:]] == [math.inf, -math.inf]
    # The largest 32-bit float is 3.4e38.
    assert [point.value for point in found.Scalars("train/loss")] == [math.inf, 0.5]
    assert b'"pooling": "mean' in found.Tensors("lab/run")[0].tensor_proto.string_val[0]


def test_its_page_of_parameters_has_them(workspace: Workspace, tmp_path: Path) -> None:
    from tensorboard.plugins.hparams.metadata import parse_session_start_info_plugin_data

    write_run(workspace.runs, ID, params={"lr": 1e-3, "flag": True, "dims": [1, 2]})
    lab.export(ID, to=f"tensorboard:{tmp_path / 'logs'}", workspace=workspace)
    content = events(tmp_path / "logs" / ID).SummaryMetadata("_hparams_/session_start_info")
    hparams = parse_session_start_info_plugin_data(content.plugin_data.content).hparams
    assert hparams["lr"].number_value == 1e-3
    assert hparams["flag"].bool_value is True
    assert hparams["dims"].string_value == "[1, 2]"


def test_a_second_export_adds_nothing(workspace: Workspace, tmp_path: Path) -> None:
    write_run(workspace.runs, ID, curves={"val/loss": [1.0]})
    lab.export(ID, to=f"tensorboard:{tmp_path}/logs", workspace=workspace)
    before = sorted(tmp_path.rglob("*"))
    again = lab.export(ID, to=f"tensorboard:{tmp_path}/logs", workspace=workspace)
    assert (again.runs, again.there) == ((), (ID,))
    assert sorted(tmp_path.rglob("*")) == before


def test_there_and_back(workspace: Workspace, tmp_path: Path) -> None:
    params = {"seed": 3, "lr": 1.0, "dims": [1, 2], "api_key": "[redacted]", "x": None}
    curves = {"loss/train": [0.5, math.nan, 0.25]}
    suite = {"name": "pilot", "arm": "wide", "index": 0}
    write_run(workspace.runs, ID, params=params, curves=curves, suite=suite, tags=["a"])
    lab.export(ID, to=f"tensorboard:{tmp_path}/logs", workspace=workspace)
    other = Workspace.load(write_workspace(tmp_path / "other"))
    (back,) = lab.import_runs(tmp_path / "logs", workspace=other).runs
    run = find_run(other, back)
    assert run.params == params
    assert (run.arm, run.tags, run.seed) == ("wide", ("a",), 3)
    assert repr(run.metrics) == repr(find_run(workspace, ID).metrics)
    assert lab.check(workspace=other) == []


@pytest.mark.parametrize("exact", [False, True], ids=["torch", "tensorflow 2"])
def test_event_files_come_in(workspace: Workspace, tmp_path: Path, exact: bool) -> None:
    curves = {"Loss/train": [1.0, 0.5, 0.75], "accuracy": [0.125, 0.25, 0.5]}
    write_events(tmp_path / "logs" / "exp 1" / "seed0", curves, exact=exact)
    write_events(tmp_path / "logs", {"Loss/other": [2.0]}, exact=exact)
    done = lab.import_runs(tmp_path / "logs", workspace=workspace)
    assert done.runs == ("20231114_221320", "20231114_221320-2")
    runs = {run.name: run for run in (find_run(workspace, i) for i in done.runs)}
    assert set(runs) == {"logs", "exp 1/seed0"}
    run = runs["exp 1/seed0"]
    assert (run.status, run.seconds) == ("done", 2.0)
    assert run.metrics == {
        "train/Loss": {"last": 0.75, "best": 0.5, "best_step": 1, "goal": "min"},
        "metric/accuracy": {"last": 0.5, "best": 0.5, "best_step": 2, "goal": "max"},
    }
    assert run.record["imported"]["names"]["train/Loss"] == "Loss/train"
    assert runs["logs"].metrics["Loss/other"]["goal"] == "min"
    assert lab.check(workspace=workspace) == []
    assert len(lab.import_runs(tmp_path / "logs", workspace=workspace).here) == 2


def test_parameters_that_torch_writes(workspace: Workspace, tmp_path: Path) -> None:
    tensorboard = pytest.importorskip("torch.utils.tensorboard")
    with tensorboard.SummaryWriter(str(tmp_path / "logs")) as writer:
        hparams = {"lr": 0.1, "bsize": 32, "net": "cnn", "bn": True}
        writer.add_hparams(hparams, {"hparam/accuracy": 0.75}, run_name=".")
    (run_id,) = lab.import_runs(tmp_path / "logs", workspace=workspace).runs
    run = find_run(workspace, run_id)
    assert run.params == hparams
    assert run.best("hparam/accuracy") == 0.75


def test_a_torn_file_gives_what_it_holds(workspace: Workspace, tmp_path: Path) -> None:
    write_events(tmp_path / "logs", {"val/loss": [float(step) for step in range(100)]})
    (file,) = (tmp_path / "logs").iterdir()
    file.write_bytes(file.read_bytes()[:-20])
    (run_id,) = lab.import_runs(file, workspace=workspace).runs
    assert find_run(workspace, run_id).last("val/loss") == 98.0


def test_no_events(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    with pytest.raises(InputError, match="neither MLflow nor TensorBoard"):
        lab.import_runs(tmp_path / "logs", workspace=workspace)
    (tmp_path / "logs" / "events.out.tfevents.1.host").write_bytes(b"not events")
    with pytest.raises(InputError, match="No scalars"):
        lab.import_runs(tmp_path / "logs", workspace=workspace)
    assert list(workspace.runs.iterdir()) == []


@settings(max_examples=20)
@given(
    curves=st.dictionaries(
        st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12),
        st.lists(st.floats(width=32), min_size=1, max_size=4),
        min_size=1,
        max_size=4,
    )
)
def test_any_tag_and_any_value_come_in(
    tmp_path_factory: pytest.TempPathFactory, curves: dict[str, list[float]]
) -> None:
    root = tmp_path_factory.mktemp("any")
    place = Workspace.load(write_workspace(root / "w"))
    write_events(root / "logs", curves)
    (run_id,) = lab.import_runs(root / "logs", kind="tensorboard", workspace=place).runs
    run = find_run(place, run_id)
    names = run.record["imported"].get("names", {})
    found = {
        names.get(name, name): [row[name] for row in run.history(name)] for name in run.metrics
    }
    assert repr(sorted(found.items())) == repr(sorted(curves.items()))
    assert lab.check(workspace=place) == []
