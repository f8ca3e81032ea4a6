"""SIGTERM and Ctrl-C, once and twice; time limits that interrupt first and kill then."""

from __future__ import annotations

import signal
import time

import pytest
from aftermath import HOLD, Scene, said_by, until

STUBBORN = "signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + HOLD
BUSY = "sum(range(10**14))"
CLEANS_UP = (
    "try:\n    time.sleep(300)\nfinally:\n    run.log({'train/loss': 0.0}, step=99)\n"
    "    os.write(witness, b'99\\n')"
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_the_cell_clean_up(scene: Scene, number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_DFL)  # under nohup one would be ignored
    lab = scene.run(trouble=CLEANS_UP)
    signal.signal(number, before)
    scene.in_trouble()
    lab.send_signal(number)
    said = said_by(lab, code=1)
    (run,) = scene.aftermath()
    assert (run.status, run.reason) == ("stopped", "interrupted")
    assert run.history()[-1]["step"] == 99
    assert scene.errors(run) == ["KeyboardInterrupt"]
    assert "stopped (interrupted)" in said
    assert f"lab rerun {run.id} repeats it." in scene.show(run)


@pytest.mark.parametrize("trouble", [STUBBORN, BUSY], ids=["ignores it", "busy in C"])
def test_a_second_signal_does_not_wait(scene: Scene, trouble: str) -> None:
    lab = scene.run(trouble=trouble)
    scene.in_trouble()
    lab.send_signal(signal.SIGINT)
    time.sleep(0.3)
    lab.send_signal(signal.SIGINT)
    said_by(lab, code=1)
    (run,) = scene.aftermath()
    assert (run.status, run.reason) == ("stopped", "interrupted")
    assert scene.errors(run) == ["Interrupted"]


def test_ctrl_c_while_the_kernel_starts(scene: Scene) -> None:
    for number, pause in enumerate((0.0, 0.1, 0.4), 1):
        lab = scene.run(trouble=HOLD)
        until(lambda n=number: len(list(scene.runs.glob("*/run.json"))) == n, "a run folder")
        time.sleep(pause)
        lab.send_signal(signal.SIGINT)
        said_by(lab, code=1)
    runs = scene.aftermath()
    assert [(run.status, run.reason) for run in runs] == [("stopped", "interrupted")] * 3


def test_a_suite_that_is_interrupted_goes_on_where_it_was(scene: Scene) -> None:
    file = scene.suite(seeds=3, workers=2, trouble=f"seed == 2 and {HOLD}")
    night = scene.lab("suite", "run", file)
    scene.in_trouble(runs=3)
    night.send_signal(signal.SIGINT)
    said = said_by(night, code=1)
    assert "lab suite run night.yaml" in said
    ends = {run.seed: (run.status, run.reason) for run in scene.aftermath()}
    assert ends == {0: ("done", None), 1: ("done", None), 2: ("stopped", "interrupted")}
    night = scene.lab("suite", "run", file)
    scene.in_trouble(runs=4)
    night.send_signal(signal.SIGTERM)
    assert "1 of 3 runs to do" in said_by(night, code=1)
    assert [run.seed for run in scene.aftermath()][3:] == [2]


def test_a_time_limit_interrupts(scene: Scene) -> None:
    lab = scene.run("--timeout", "6s", trouble=CLEANS_UP)
    said_by(lab, code=1)
    (run,) = scene.aftermath()
    assert (run.status, run.reason) == ("stopped", "time_limit")
    assert run.history()[-1]["step"] == 99
    assert scene.errors(run) == ["KeyboardInterrupt", "TimeLimit"]
    assert "more time" in scene.show(run)


@pytest.mark.parametrize("trouble", [STUBBORN, BUSY], ids=["ignores it", "busy in C"])
def test_a_time_limit_kills_what_does_not_end(scene: Scene, trouble: str) -> None:
    lab = scene.run("--timeout", "5s", trouble=trouble)
    said_by(lab, code=1)
    (run,) = scene.aftermath()
    assert (run.status, run.reason) == ("stopped", "time_limit")
    assert run.seconds is not None
    assert run.seconds < 30
    assert scene.errors(run) == ["TimeLimit"]


def test_a_flood_of_output_is_bounded(scene: Scene) -> None:
    flood = "while True:\n    print('x' * 200)\n    print('e' * 200, file=sys.stderr)"
    lab = scene.run("--timeout", "5s", trouble=flood)
    said_by(lab, code=1)
    (run,) = scene.aftermath()
    assert (run.status, run.reason) == ("stopped", "time_limit")
    assert run.path.notebook.stat().st_size < 3_000_000
