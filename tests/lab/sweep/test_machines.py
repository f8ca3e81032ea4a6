"""One study on several machines, in a real PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from helpers import write_workspace
from postgres_server import postgres, why_not
from sweep_notebook import SPACE, write_space, write_tiny

from lab.errors import SweepError
from lab.record.run import Run
from lab.sweep import database
from lab.sweep.runner import run_sweep
from lab.sweep.storage import read_study
from lab.workspace import Workspace

pytestmark = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres() as found:
        yield found
        disconnect(found)


def disconnect(url: str) -> None:
    """Forget the connections of this process, as its end does."""
    storage = database.shared(url)
    storage.remove_session()
    storage.engine.dispose()
    database._connect.cache_clear()


def machine(root: Path, name: str, text: str) -> Workspace:
    """A workspace with a runs folder of its own, as another machine has."""
    place = Workspace.load(write_workspace(root / name))
    write_tiny(place.root)
    write_space(place.root, text)
    return place


def test_two_machines_share_one_study_and_its_budget(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "secret")  # which no file of the study has
    text = SPACE.replace("tiny\nnote", "both\nnote").replace("n_trials: 6", "n_trials: 4")
    places = [machine(tmp_path, name, text) for name in ("one", "two")]
    command = [sys.executable, "-m", "lab.cli", "sweep", "run", "tiny.yaml", "--storage", url]
    processes = [subprocess.Popen(command, cwd=place.root) for place in places]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]

    plain = optuna.load_study(study_name="both", storage=database.shared(url))
    assert [trial.state.name for trial in plain.trials] == ["COMPLETE"] * 4
    # The machines drew different configurations, and each ran its own ones.
    assert len({str(trial.params) for trial in plain.trials}) == 4
    assert sum(len(list(place.runs.glob("*/run.json"))) for place in places) == 4
    for place in places:
        study = read_study("both", place)
        assert [t.value for t in study.trials] == [t.value for t in plain.trials]
        kept = (place.runs / "studies" / "both" / "study.json").read_text(encoding="utf-8")
        assert "secret" not in kept
        assert url.partition("@")[2] in kept


def test_another_space_is_refused_on_another_machine(tmp_path: Path, url: str) -> None:
    text = SPACE.replace("tiny\nnote", "other\nnote").replace("n_trials: 6", "n_trials: 1")
    here = machine(tmp_path, "here", text)
    run_sweep(here.root / "tiny.yaml", storage=url, workspace=here)
    there = machine(tmp_path, "there", text.replace("high: 1.0", "high: 2.0"))
    with pytest.raises(SweepError, match="param_ranges changed"):
        run_sweep(there.root / "tiny.yaml", storage=url, workspace=there)
    # Without --storage the folder says where the study is; a journal beside it would be a fork.
    assert run_sweep(here.root / "tiny.yaml", workspace=here).ran == 0
    journal = machine(tmp_path, "journal", text.replace("other", "own"))
    run_sweep(journal.root / "tiny.yaml", workspace=journal)
    with pytest.raises(SweepError, match="own is kept elsewhere"):
        run_sweep(journal.root / "tiny.yaml", storage=url, workspace=journal)


def test_what_a_dead_machine_left_is_taken_up_by_another(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "secret")
    text = SPACE.replace("tiny\nnote", "left\nnote").replace("n_trials: 6", "n_trials: 2")
    text = text.replace("steps: 2", "steps: 20, pause: 0.1")
    dying = machine(tmp_path, "dying", text)
    command = [sys.executable, "-m", "lab.cli", "sweep", "run", "tiny.yaml", "--storage", url]
    process = subprocess.Popen(command, cwd=dying.root, start_new_session=True)
    for _ in range(600):
        try:
            if any(trial.run_ids for trial in read_study("left", dying).trials):
                break
        except SweepError:
            pass
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()

    monkeypatch.setattr("lab.record.liveness.host_name", lambda: "another-machine")
    monkeypatch.setattr(database, "_SILENT", 1)
    disconnect(url)
    other = machine(tmp_path, "other", text)
    time.sleep(1.5)  # of silence, by the clock of the database
    outcome = run_sweep(other.root / "tiny.yaml", storage=url, workspace=other, workers=2)
    assert outcome.recovered == 1
    assert len(outcome.study.complete) == 2
    cut = [trial for trial in outcome.study.trials if trial.state == "failed"]
    assert [trial.extra["problem"] for trial in cut] == ["the process that ran it is gone"]
    assert any(trial.params == cut[0].params for trial in outcome.study.complete)
    assert all(
        Run.read(other.runs / run_id).status == "done"
        for trial in outcome.study.complete
        for run_id in trial.run_ids
    )


def test_only_postgresql_is_shared(workspace: Workspace) -> None:
    write_tiny(workspace.root)
    with pytest.raises(SweepError, match="Only a PostgreSQL database") as refused:
        run_sweep(write_space(workspace.root), storage="mysql://me:pw@host/db", workspace=workspace)
    assert "pw" not in str(refused.value)
    assert not (workspace.runs / "studies").exists()


def test_a_database_that_is_not_there_is_told_without_its_password(workspace: Workspace) -> None:
    write_tiny(workspace.root)
    nowhere = "postgresql://lab:secret@127.0.0.1:9/none"
    with pytest.raises(SweepError, match="no Optuna storage that can be read") as refused:
        run_sweep(write_space(workspace.root), storage=nowhere, workspace=workspace)
    assert "secret" not in str(refused.value)
    assert not (workspace.runs / "studies").exists()
