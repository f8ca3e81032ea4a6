"""Runs whose process is gone are never left running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from record_helpers import Script, only_run

from lab.record import liveness
from lab.record.run import Run, end_run, update_run
from lab.workspace import Workspace


def ended_process() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def age(run: Run, seconds: float) -> None:
    when = time.time() - seconds
    for path in run.path.root.iterdir():
        os.utime(path, (when, when))


def stored_status(run: Run) -> str:
    return str(json.loads(run.path.record.read_text())["status"])


def test_a_process_that_lives(make_run: Callable[..., Run]) -> None:
    run = make_run()
    age(run, 10_000)  # on this host, the process tells, however long it has been silent
    assert Run.read(run.path).status == "running"


def test_a_process_that_is_gone(make_run: Callable[..., Run]) -> None:
    run = make_run()
    run.path.metrics.write_text('{"step": 1, "time": 0.0, "val/x": 0.5}\n')
    update_run(run.path, pid=ended_process())
    found = Run.read(run.path)
    assert (found.status, found.reason) == ("crashed", "killed")
    assert found.error is not None
    assert found.error["message"].endswith("something killed it. Last logged step 1.")
    assert stored_status(run) == "crashed"
    assert found.best("val/x") == 0.5
    assert json.loads(run.path.summary.read_text())["val/x"]["best"] == 0.5


def test_a_pid_that_belongs_to_somebody_else_now(make_run: Callable[..., Run]) -> None:
    run = make_run()
    boot, pid, ticks = str(run.record["pid_birth"]).split(":")
    update_run(run.path, pid_birth=f"{boot}:{pid}:{int(ticks) - 1}")
    assert Run.read(run.path).status == "crashed"


def test_where_the_system_does_not_tell_of_births(make_run: Callable[..., Run]) -> None:
    run = make_run()
    started = psutil.Process().create_time()
    update_run(run.path, pid_birth=None, pid_started=started - 1)
    assert Run.read(run.path).status == "running"
    update_run(run.path, pid_started=started - 60)
    assert Run.read(run.path).status == "crashed"


def test_a_clock_that_was_set_is_no_crash(make_run: Callable[..., Run]) -> None:
    run = make_run()
    update_run(run.path, pid_started=psutil.Process().create_time() + 3600)
    assert Run.read(run.path).status == "running"


def test_a_machine_that_was_started_again(make_run: Callable[..., Run]) -> None:
    run = make_run()
    _, pid, ticks = str(run.record["pid_birth"]).split(":")
    update_run(run.path, pid_birth=f"0000-another-boot:{pid}:{ticks}")
    found = Run.read(run.path)
    assert (found.status, found.reason) == ("crashed", "killed")
    assert found.error is not None
    assert "was started again while the run was under way" in found.error["message"]


def test_a_run_that_was_thought_dead_may_end_in_its_own_words(make_run: Callable[..., Run]) -> None:
    run = make_run()
    update_run(run.path, host="elsewhere")
    age(run, 1000)
    assert Run.read(run.path).status == "crashed"
    assert end_run(run.path, "done").status == "done"
    assert Run.read(run.path).error is None


def test_a_process_nobody_has_asked_for_its_exit_code(make_run: Callable[..., Run]) -> None:
    process = subprocess.Popen(["sleep", "60"])
    run = make_run()
    update_run(run.path, pid=process.pid, pid_started=psutil.Process(process.pid).create_time())
    assert Run.read(run.path).status == "running"
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it is a zombie then
    assert Run.read(run.path).status == "crashed"
    process.wait()


@pytest.mark.parametrize(("seconds", "status"), [(200, "running"), (400, "crashed")])
def test_another_host_is_known_by_its_heartbeat(
    make_run: Callable[..., Run], seconds: float, status: str
) -> None:
    run = make_run()
    update_run(run.path, host="elsewhere", pid=1)
    age(run, seconds)
    assert Run.read(run.path).status == status


def test_the_end_is_the_last_sign_of_life(make_run: Callable[..., Run]) -> None:
    run = make_run()
    started = time.time() - 3600
    update_run(
        run.path,
        host="elsewhere",
        started=time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(started)),
    )
    age(run, 3000)
    assert Run.read(run.path).seconds == pytest.approx(600, abs=2)


def test_a_folder_that_cannot_be_written(
    make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run()
    update_run(run.path, pid=ended_process())
    before = {path.name: path.read_bytes() for path in run.path.root.iterdir() if path.is_file()}

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("lab.record.files.write_atomic", refuse)
    found = Run.read(run.path)
    assert (found.status, found.reason) == ("crashed", "killed")
    assert found.record["ended"] is not None
    after = {path.name: path.read_bytes() for path in run.path.root.iterdir() if path.is_file()}
    assert after == before


def test_a_read_only_file_system(make_run: Callable[..., Run], tmp_path: Path) -> None:
    run = make_run()
    update_run(run.path, pid=ended_process())
    place = tmp_path / "bound" / run.id
    place.mkdir(parents=True)
    bind = ["mount", "--bind", str(run.path.root), str(place)]
    if subprocess.run(bind, capture_output=True, check=False).returncode:
        pytest.skip("mounting takes rights this process does not have")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], check=True)
        assert Run.read(place).status == "crashed"
        assert stored_status(run) == "running"
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_an_exception_before_the_kill_is_the_cause(make_run: Callable[..., Run]) -> None:
    run = make_run()
    error = {"type": "ValueError", "message": "wrong", "cell": 3}
    update_run(run.path, pid=ended_process(), error=error)
    found = Run.read(run.path)
    assert (found.status, found.reason, found.error) == ("failed", "exception", error)


def test_the_first_end_stays(make_run: Callable[..., Run]) -> None:
    run = make_run()
    end_run(run.path, "done")
    assert end_run(run.path, "failed", "exception").status == "done"
    update_run(run.path, pid=ended_process())
    assert Run.read(run.path).status == "done"


def test_an_executor_s_word_replaces_an_end_but_no_detail(make_run: Callable[..., Run]) -> None:
    run = make_run()
    end_run(run.path, "failed", "disk_full", {"type": "OSError", "message": "m", "cell": 1})
    again = end_run(run.path, "failed", "exception", override=True)
    assert (again.status, again.reason) == ("failed", "disk_full")
    again = end_run(run.path, "stopped", "time_limit", override=True)
    assert (again.status, again.reason) == ("stopped", "time_limit")


def test_a_script_that_is_killed(script: Script, workspace: Workspace) -> None:
    process = script(
        "import lab, time; lab.start({'seed': 1}); print('up', flush=True); time.sleep(600)"
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    assert only_run(workspace).status == "running"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert only_run(workspace).status == "crashed"
    assert liveness.process_started(process.pid) is None
