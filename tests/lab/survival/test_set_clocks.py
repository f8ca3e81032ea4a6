"""The clock goes back by an hour while runs go on."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from aftermath import Scene, said_by

# Imported by every Python process of the test: time and datetime jump once a file is there.
SHIM = """
import datetime, os, time

_time, _real = time.time, datetime.datetime
_back = os.environ["CLOCK_GOES_BACK"]


def _shift():
    return 3600.0 if os.path.exists(_back) else 0.0


class datetime_(_real):
    @classmethod
    def now(cls, tz=None):
        return _real.fromtimestamp(time.time(), tz)


time.time = lambda: _time() - _shift()
time.time_ns = lambda: int(time.time() * 1e9)
datetime.datetime = datetime_
try:
    import psutil._pslinux as linux

    _boot = linux.boot_time
    linux.boot_time = lambda: _boot() - _shift()  # as /proc/stat tells it after a step
except ImportError:
    pass
"""
HOLD = (
    "while not os.path.exists(place + '.go'):\n    time.sleep(0.05)\n"
    "run.log({'val/x': 1.0}, step=4)"
)


@pytest.fixture
def back(tmp_path: Path) -> Path:
    """Where a file makes the clocks of the test's processes go back."""
    (tmp_path / "shim").mkdir()
    (tmp_path / "shim" / "sitecustomize.py").write_text(SHIM, encoding="utf-8")
    return tmp_path / "back"


@pytest.fixture
def env(tmp_path: Path, back: Path) -> dict[str, str]:
    before = os.environ.get("PYTHONPATH")
    path = os.pathsep.join(filter(None, [str(tmp_path / "shim"), before]))
    return {"PYTHONPATH": path, "CLOCK_GOES_BACK": str(back)}


def test_a_run_goes_on_and_its_suite_resumes(scene: Scene, back: Path, env: dict[str, str]) -> None:
    file = scene.suite(seeds=2, workers=1, trouble=f"if seed == 0:\n    exec({HOLD!r})")
    night = scene.lab("suite", "run", file, env=env)
    (first,) = scene.in_trouble()
    back.touch()
    with scene.lab("runs", "--json", env=env) as reader:  # it must not take the run for dead
        assert '"status": "running"' in said_by(reader, code=0)
    (scene.witness / f"{first}.go").touch()
    said_by(night, code=0)
    runs = scene.aftermath()
    assert [run.status for run in runs] == ["done", "done"]
    assert all(run.seconds is not None and run.seconds >= 0 for run in runs)
    assert runs[0].id < first == runs[1].id  # the second one seems to be an hour older
    said = said_by(scene.lab("suite", "run", file, env=env), code=0)
    assert "0 of 2 runs to do" in said


def test_a_run_killed_after_the_clock_went_back(
    scene: Scene, back: Path, env: dict[str, str]
) -> None:
    lab = scene.run(trouble=HOLD, env=env)
    scene.in_trouble()
    back.touch()
    lab.kill()
    said_by(lab, code=-signal.SIGKILL)
    (run,) = scene.aftermath()
    assert (run.status, run.reason) == ("crashed", "killed")
    assert run.seconds is not None
    assert run.seconds >= 0
