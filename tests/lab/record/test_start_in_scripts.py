"""`lab.start()` in a plain Python script: parameters, ends, a second start."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from record_helpers import Script, only_run, run_folders

from lab.errors import InputError, WorkFailed
from lab.record.live import start
from lab.record.run import Run
from lab.workspace import Workspace

ENDS = {
    "it ends": ("pass", 0, ("done", None)),
    "sys.exit": ("import sys; sys.exit()", 0, ("done", None)),
    "an exception": ("1 / 0", 1, ("failed", "exception")),
    "no memory": ("raise MemoryError('all gone')", 1, ("failed", "oom")),
    "a full disk": ("raise OSError(28, 'No space left on device')", 1, ("failed", "disk_full")),
    "Ctrl-C": ("raise KeyboardInterrupt", -2, ("stopped", "interrupted")),
    "killed": ("import os; os.kill(os.getpid(), 9)", -9, ("crashed", "killed")),
    "no exit handlers": ("import os; os._exit(0)", 0, ("crashed", "killed")),
    "finished before": ("run.finish(); 1 / 0", 1, ("done", None)),
}


@pytest.mark.parametrize("way", ENDS)
def test_how_a_script_ends(script: Script, workspace: Workspace, way: str) -> None:
    source, code, end = ENDS[way]
    process = script(f"import lab; run = lab.start(); run.log({{'val/x': 1}}); {source}")
    process.communicate(timeout=240)
    assert process.returncode == code
    run = only_run(workspace)
    assert (run.status, run.reason) == end
    assert (run.error is None) == (run.status == "done")
    assert run.notebook is None
    assert run.best("val/x") == 1


def test_an_error_is_told(script: Script, workspace: Workspace) -> None:
    out, _ = script("import lab; lab.start(); raise ValueError('wrong width')").communicate()
    assert "ValueError: wrong width" in out  # the traceback stays what it was
    assert only_run(workspace).error == {
        "type": "ValueError", "message": "wrong width", "cell": None,
    }  # fmt: skip


def test_parameters_from_a_mapping_or_a_model(script: Script, workspace: Workspace) -> None:
    script(
        """
        import lab
        from pathlib import Path
        from typing import Literal
        import numpy as np
        from pydantic import BaseModel

        class Config(BaseModel):
            width: int = 3
            pooling: Literal["mean", "max"] = "max"
            place: Path = Path("here")
            inner: dict[str, float] = {"a": 0.5}

        first = lab.start({"seed": np.int64(4), "rate": np.float32(0.5)}, name="n", tags=["t"])
        second = lab.start(Config(width=4))
        assert second.params["width"] == 4
        """
    ).communicate(timeout=240)
    first, second = map(Run.read, run_folders(workspace.runs))
    assert (first.params, first.seed) == ({"seed": 4, "rate": 0.5}, 4)
    assert (first.name, first.tags) == ("n", ("t",))
    assert second.params == {"width": 4, "pooling": "max", "place": "here", "inner": {"a": 0.5}}
    assert (first.status, second.status) == ("done", "done")


def test_a_second_start_ends_the_first(script: Script, workspace: Workspace) -> None:
    out, _ = script(
        """
        import lab
        first = lab.start()
        first.log({"val/x": 1.0})
        second = lab.start()
        print(lab.Run.read(first.path).status, lab.Run.read(second.path).status)
        second.log({"val/x": 2.0})
        try:
            first.log({"val/x": 3.0})
        except lab.WorkFailed as error:
            print(error)
        raise ValueError
        """
    ).communicate(timeout=240)
    status, refused = out.splitlines()[:2]
    assert status == "done running"
    assert "has ended" in refused
    first, second = map(Run.read, run_folders(workspace.runs))
    assert (first.status, second.status) == ("done", "failed")
    assert len(first.history()) == len(second.history()) == 1


def test_an_executor_s_run_is_adopted(
    script: Script, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lab.record.creation import create_run

    paths = create_run(workspace, notebook=None, params={"a": 1, "b": 2}, tags=["suite"])
    monkeypatch.setenv("LAB_RUN", str(paths.root))
    script(
        """
        import lab, os
        run = lab.start({"b": 3, "seed": 5}, tags=["mine"])
        assert "LAB_RUN" not in os.environ
        assert run.params == {"a": 1, "b": 3, "seed": 5}, run.params
        run.log({"val/x": 1.0})
        print(os.getpid())
        """
    ).communicate(timeout=240)
    record = json.loads(paths.record.read_text())
    assert record["status"] == "running"  # how it ends is the executor's to say
    assert (record["tags"], record["seed"]) == (["suite", "mine"], 5)
    assert json.loads(paths.params.read_text()) == {"a": 1, "b": 3, "seed": 5}
    assert Run.read(paths).status == "crashed"


def test_what_a_run_keeps(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_WORKSPACE", str(workspace.root))
    folder = workspace.root / "data"
    folder.mkdir()
    (folder / "a.csv").write_text("1\n")
    run = start({})
    try:
        run.headline("val/x")
        run.device("cuda:0")
        digest = hashlib.sha256(b"1\n").hexdigest()
        assert run.data("file", folder / "a.csv") == digest
        assert run.data("part", folder, sha256="abc") == "abc"
        run.data("made", sha256="def")
        assert run.artifact(folder / "a.csv").read_text() == "1\n"
        assert run.artifact(folder).is_dir()
        assert run.report(0.5, step=1) is False
        record = Run.read(run.path).record
    finally:
        run.finish()
    assert (record["headline"], record["device"]) == ("val/x", "cuda:0")
    told = [(entry["name"], entry["sha256"], entry["path"]) for entry in record["data"]]
    assert told == [
        ("file", digest, "data/a.csv"), ("part", "abc", "data"), ("made", "def", None),
    ]  # fmt: skip
    assert Run.read(run.path).best("objective/value") == 0.5


def test_steps_count_by_themselves(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_WORKSPACE", str(workspace.root))
    run = start()
    for step in (None, None, 10, None):
        run.log({"val/x": 1.0}, step=step)
    for wrong in (True, 1.5, "1", 2**70):
        with pytest.raises(InputError, match="step"):
            run.log({"val/x": 1.0}, step=wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="takes a mapping"):
        run.log(0.5)  # type: ignore[arg-type]
    run.finish()
    assert [row["step"] for row in Run.read(run.path).history()] == [0, 1, 10, 11]
    with pytest.raises(WorkFailed, match="has ended"):
        run.log({"val/x": 1.0})


@pytest.mark.parametrize("params", [3, ["a"], "text", {"x": object()}])
def test_what_are_no_parameters(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, params: object
) -> None:
    monkeypatch.setenv("LAB_WORKSPACE", str(workspace.root))
    with pytest.raises(InputError, match="parameters of a run"):
        start(params)
    assert run_folders(workspace.runs) == []


def test_artifacts_that_are_not_there(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LAB_WORKSPACE", str(workspace.root))
    run = start()
    for call in (
        lambda: run.artifact(tmp_path / "none"),
        lambda: run.data("d", tmp_path / "none"),
        lambda: run.data("d"),
        lambda: run.figure("f", object()),
    ):
        with pytest.raises(InputError):
            call()
    run.finish()
    assert not (run.path / "figures").exists()
    assert not (run.path / "artifacts").exists()
