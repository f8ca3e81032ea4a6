"""Creating runs: a folder of its own for each, whole or not there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from record_helpers import Script, run_folders

from lab.errors import InputError
from lab.record.creation import create_run
from lab.record.paths import claim_folder
from lab.record.run import Run
from lab.workspace import Workspace

NOW = datetime(2026, 1, 20, 23, 15, 2, tzinfo=UTC)


def test_names_within_one_second(tmp_path: Path) -> None:
    made = [claim_folder(tmp_path, now=NOW).id for _ in range(3)]
    made += [claim_folder(tmp_path, now=NOW, slurm_job_id="71").id for _ in range(2)]
    assert made == [
        "20260120_231502",
        "20260120_231502-2",
        "20260120_231502-3",
        "20260120_231502_j71",
        "20260120_231502-2_j71",
    ]


def test_eight_processes_in_the_same_second(script: Script, workspace: Workspace) -> None:
    source = """
        import sys, time
        from lab.record.creation import create_run
        from lab.workspace import Workspace
        workspace = Workspace.find()
        print("ready", flush=True)
        sys.stdin.readline()
        for n in range(3):
            print(create_run(workspace, notebook=None, params={"n": n}).id)
    """
    processes = [script(source, stdin=-1) for _ in range(8)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=240)[0] for process in processes]
    ids = [run_id for text in said for run_id in text.split()]
    assert len(set(ids)) == len(ids) == 24
    assert sorted(ids) == sorted(folder.name for folder in run_folders(workspace.runs))
    for folder in run_folders(workspace.runs):
        assert json.loads((folder / "run.json").read_text())["id"] == folder.name
        assert json.loads((folder / "params.json").read_text()).keys() == {"n"}
    assert any("-2" in run_id for run_id in ids)


def test_what_a_new_run_records(make_run: Callable[..., Run], workspace: Workspace) -> None:
    before = datetime.now(UTC)
    run = make_run({"seed": 7, "lr": 0.1}, name="first", tags=["a", "b", "a"], timeout=60.0)
    assert (run.status, run.seed, run.name, run.tags) == ("running", 7, "first", ("a", "b"))
    assert run.record["schema"] == 1
    assert run.record["pid"] == os.getpid()
    assert run.record["timeout"] == 60.0
    assert run.record["git"] == {"sha": None, "branch": None, "dirty": None}
    assert run.params == {"seed": 7, "lr": 0.1}
    assert run.started is not None
    # Records have milliseconds.
    assert before - timedelta(milliseconds=1) <= run.started <= datetime.now(UTC)
    assert run.id == run.started.strftime("%Y%m%d_%H%M%S")
    assert run.path.heartbeat.exists()


def test_a_slurm_job_is_named(
    make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    run = make_run()
    assert run.id.endswith("_j4711")
    assert run.record["slurm_job_id"] == "4711"


def test_a_runs_folder_that_cannot_be_one(workspace: Workspace) -> None:
    workspace.runs.rmdir()
    workspace.runs.write_text("a file")
    with pytest.raises(InputError, match=r"runs folder cannot be written.*LAB_RUNS"):
        create_run(workspace, notebook=None, params={})


def test_a_run_that_cannot_be_written_leaves_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lab.record.creation.write_json", full)
    with pytest.raises(InputError, match="No space left"):
        create_run(workspace, notebook=None, params={})
    assert [path for path in workspace.runs.iterdir() if path.is_dir()] == []


def test_values_that_no_json_takes_leave_nothing(workspace: Workspace) -> None:
    with pytest.raises(TypeError):
        create_run(workspace, notebook=None, params={"x": object()})
    assert run_folders(workspace.runs) == []
    assert [path for path in workspace.runs.iterdir() if path.is_dir()] == []
