"""Kernel, executor and machine are killed: every line is there, nothing is left, it resumes."""

from __future__ import annotations

import os
import signal

import pytest
from aftermath import HOLD, Scene, said_by

# A child in the kernel's group, and one that left it for a session of its own.
CHILDREN = (
    "children = [subprocess.Popen(['sleep', '300'], start_new_session=new) for new in (0, 1)]\n"
)
# Never comes back to the interpreter, so that no other thread of Python runs either.
BUSY = "sum(range(10**14))"


@pytest.fixture(params=["warm", "cold"])
def env(request: pytest.FixtureRequest) -> dict[str, str]:
    """Kernels that are forked, and kernels that are started."""
    return {"LAB_WARM": "off"} if request.param == "cold" else {}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_kernel_that_is_killed(scene: Scene, env: dict[str, str], number: signal.Signals) -> None:
    lab = scene.run(trouble=CHILDREN + HOLD, env=env)
    (run_id,) = scene.in_trouble()
    os.kill(scene.record(run_id)["pid"], number)
    said = said_by(lab, code=1)
    (run,) = scene.aftermath()
    assert (run.status, run.reason) == ("crashed", "kernel_died")
    assert run.error is not None
    assert run.error["cell"] == 5  # the injected parameters are a cell, too
    assert number.name in run.error["message"]
    assert "last logged epoch 3" in run.error["message"].lower()
    assert scene.errors(run) == ["KernelDied"]
    assert number.name in said
    assert f"then lab rerun {run.id}." in scene.show(run)


def test_a_kernel_that_exits(scene: Scene) -> None:
    lab = scene.run(trouble="os._exit(7)")
    said_by(lab, code=1)
    (run,) = scene.aftermath()
    assert (run.status, run.reason) == ("crashed", "kernel_died")
    assert run.error is not None
    assert "exit code 7" in run.error["message"]


@pytest.mark.parametrize("trouble", [CHILDREN + HOLD, BUSY], ids=["waiting", "busy in C"])
def test_an_executor_that_is_killed(scene: Scene, env: dict[str, str], trouble: str) -> None:
    lab = scene.run(trouble=trouble, env=env)
    scene.in_trouble()
    lab.kill()
    said_by(lab, code=-signal.SIGKILL)
    (run,) = scene.aftermath()
    assert (run.status, run.reason) == ("crashed", "killed")
    assert run.error is not None
    assert "ended without a word" in run.error["message"]
    assert "last logged epoch 3" in run.error["message"].lower()
    assert scene.errors(run) == ["Killed"]
    assert f"lab rerun {run.id} repeats it." in scene.show(run)


def test_a_machine_that_goes_down_and_a_suite_that_goes_on(scene: Scene) -> None:
    """Every process dies at the same moment; the suite then runs what it had not done."""
    file = scene.suite(seeds=4, workers=2, trouble=f"seed >= 1 and {HOLD}")
    night = scene.lab("suite", "run", file)
    scene.in_trouble(runs=3)
    for pid in scene.processes():
        os.kill(pid, signal.SIGKILL)
    said_by(night, code=-signal.SIGKILL)
    ends = [(run.seed, run.status, run.reason) for run in scene.aftermath()]
    assert sorted(ends) == [(0, "done", None), (1, "crashed", "killed"), (2, "crashed", "killed")]

    text = (scene.root / file).read_text()
    (scene.root / file).write_text(text.replace("300", "0"), encoding="utf-8")
    said = said_by(scene.lab("suite", "run", file), code=0)
    assert "4 of 4 runs to do" in said  # the parameters changed, which is told of
    said = said_by(scene.lab("suite", "run", file), code=0)
    assert "0 of 4 runs to do" in said
