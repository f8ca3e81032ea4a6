"""Cell by cell in a kernel, as in JupyterLab: what becomes of the run."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

from lab.record.run import Run
from lab.workspace import Workspace

START = "import os, lab\nrun = lab.start()\nprint(run.path, os.getpid())"


class Hand:
    """A person at a kernel."""

    def __init__(self, workspace: Workspace) -> None:
        self.manager, self.client = start_new_kernel(
            kernel_name="python3",
            cwd=str(workspace.root),
            env={**os.environ, "LAB_WORKSPACE": str(workspace.root)},
        )

    def run(self, source: str) -> str:
        """Execute one cell; what it printed."""
        printed: list[str] = []

        def output(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])

        self.client.execute_interactive(source, timeout=240, output_hook=output)
        return "".join(printed)

    def start(self) -> tuple[Path, int]:
        folder, pid = self.run(START).split()
        return Path(folder), int(pid)

    def leave(self) -> None:
        self.client.stop_channels()
        if self.manager.has_kernel:
            self.manager.shutdown_kernel()
        self.manager.cleanup_resources()


@pytest.fixture
def hand(workspace: Workspace) -> Iterator[Hand]:
    person = Hand(workspace)
    yield person
    person.leave()


def record(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return loaded


def test_an_error_fails_the_run_when_the_kernel_ends(hand: Hand) -> None:
    folder, _ = hand.start()
    hand.run('print("before")\nraise ValueError("bad")')
    hand.run('print("after")')
    assert Run.read(folder).status == "running"
    hand.leave()
    run = Run.read(folder)
    assert (run.status, run.reason) == ("failed", "exception")
    assert run.error == {"type": "ValueError", "message": "bad", "cell": 2}
    cells = json.loads(run.path.notebook.read_text())["cells"]
    assert [cell["execution_count"] for cell in cells] == [1, 2, 3]
    stream, error = cells[1]["outputs"]
    assert (stream["text"], error["ename"], error["evalue"]) == ("before\n", "ValueError", "bad")
    assert cells[2]["outputs"][0]["text"] == "after\n"


def test_finish_after_an_error_and_a_second_start(hand: Hand) -> None:
    mended, _ = hand.start()
    hand.run("1 / 0")
    hand.run("run.finish()")
    assert (record(mended)["status"], record(mended)["error"]) == ("done", None)
    first, _ = hand.start()
    second, _ = hand.start()
    assert record(first)["status"] == "done"
    assert record(second)["status"] == "running"
    hand.leave()
    assert record(second)["status"] == "done"


def test_an_interrupted_cell_stops_the_run(hand: Hand) -> None:
    folder, pid = hand.start()
    hand.run(f"import signal\nos.kill({pid}, signal.SIGINT)\nimport time\ntime.sleep(20)")
    hand.leave()
    run = Run.read(folder)
    assert (run.status, run.reason) == ("stopped", "interrupted")


def test_a_kernel_killed_after_an_error_failed_by_that_error(hand: Hand) -> None:
    folder, pid = hand.start()
    hand.run('raise MemoryError("no room")')
    os.kill(pid, signal.SIGKILL)
    hand.manager.provisioner.process.wait(timeout=240)
    run = Run.read(folder)
    assert (run.status, run.reason) == ("failed", "oom")


def test_an_unknown_name_makes_no_run(hand: Hand, workspace: Workspace) -> None:
    hand.run("epochs: int = 1")
    hand.run("# Parameters\nepoch = 3\n")
    said = hand.run("try:\n    import lab; lab.start()\nexcept lab.LabError as error: print(error)")
    assert "epoch" in said
    assert "Did you mean 'epochs'" in said
    assert not list(workspace.runs.glob("*/"))
