"""A workspace in which things go wrong, and the count of what is left afterwards."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nbformat
from helpers import write_workspace

from lab.record.catalogue import find_runs
from lab.record.run import Run
from lab.record.verify import check_runs
from lab.workspace import Workspace

PATIENCE = 240.0  # seconds to wait for what takes a second on an idle machine
GONE = 60.0  # seconds that processes are given to go once nobody owns them any more

CELLS = (
    "epochs: int = 3  # lines to log\n"
    "pause: float = 0.0  # seconds behind each\n"
    "seed: int = 0  # repeats\n"
    'trouble: str = ""  # code that the last cell executes\n',
    "import os, signal, subprocess, sys, time\n\nimport lab\n\nrun = lab.start()\n"
    'place = os.environ["WITNESS"] + "/" + run.id\n'
    "witness = os.open(place, os.O_CREAT | os.O_APPEND | os.O_WRONLY)",
    "for epoch in range(1, epochs + 1):\n"
    '    run.log({"train/loss": 1 / epoch, "val/accuracy": 1 - 0.5 / epoch}, step=epoch)\n'
    '    os.write(witness, f"{epoch}\\n".encode())  # from here on the line is promised\n'
    "    time.sleep(pause)",
    "os.mkdir(place + '.there')\nexec(trouble)",
)
HOLD = "time.sleep(300)"

SUITE = """
name: night
workers: {workers}
timeout: 10m
defaults:
  notebook: notebooks/train.ipynb
  params: {{epochs: {epochs}, pause: {pause}, trouble: {trouble}}}
matrix: {{seed: [{seeds}]}}
runs: [{{arm: a}}]
"""


class Scene:
    """One workspace, the processes that work for it, and what they left.

    Every process carries a mark in its environment, and the notebook notes each line that
    `run.log` has accepted in a file outside the runs folder.
    """

    def __init__(self, root: Path, runs: Path | None = None) -> None:
        self.root = write_workspace(root)
        self.runs = runs or root / "runs"
        self.witness = root.parent / "witness"
        self.witness.mkdir()
        self.mark = secrets.token_hex(8)
        self.workspace = Workspace(**{**vars(Workspace.load(root)), "runs": self.runs})
        document = nbformat.v4.new_notebook()
        document.cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
        document.cells[0].metadata.tags = ["parameters"]
        document.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
        (root / "notebooks").mkdir()
        self.notebook = root / "notebooks" / "train.ipynb"
        nbformat.write(document, self.notebook)

    def environment(self, **more: str) -> dict[str, str]:
        own = {"SURVIVAL_MARK": self.mark, "WITNESS": str(self.witness), "LAB_RUNS": str(self.runs)}
        return {**os.environ, **own, **more}

    def lab(
        self, *arguments: str, env: Mapping[str, str] | None = None, **how: Any
    ) -> subprocess.Popen[str]:
        """`lab ...` in a session of its own; its output in one text."""
        return subprocess.Popen(
            [sys.executable, "-m", "lab.cli", *arguments],
            cwd=self.root,
            env=self.environment(**(env or {})),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            **how,
        )

    def run(self, *options: str, trouble: str = "", **how: Any) -> subprocess.Popen[str]:
        """`lab run` of the notebook, whose last cell executes `trouble`."""
        return self.lab("run", str(self.notebook), "-p", f"trouble={trouble}", *options, **how)

    def suite(
        self,
        *,
        seeds: int = 3,
        workers: int = 2,
        epochs: int = 2,
        pause: float = 0.0,
        trouble: str = "",
    ) -> str:
        """Write a suite of `seeds` runs; its file."""
        listed = ", ".join(map(str, range(seeds)))
        text = SUITE.format(
            workers=workers, epochs=epochs, pause=pause, seeds=listed, trouble=json.dumps(trouble)
        )
        (self.root / "night.yaml").write_text(text, encoding="utf-8")
        return "night.yaml"

    def logging(self, runs: int = 1) -> list[str]:
        """Wait until so many runs have logged a line; their ids."""

        def found() -> list[str]:
            files = [path for path in self.witness.iterdir() if path.is_file()]
            names = [path.name for path in files if path.stat().st_size]
            return names if len(names) >= runs else []

        return until(found, f"{runs} runs that log")

    def in_trouble(self, runs: int = 1) -> list[str]:
        """Wait until so many runs have begun their last cell; their ids."""

        def found() -> list[str]:
            names = [path.stem for path in self.witness.glob("*.there")]
            return names if len(names) >= runs else []

        return until(found, f"{runs} runs in their last cell")

    def record(self, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.runs / run_id / "run.json").read_bytes())
        return found

    def processes(self) -> list[int]:
        """Living processes with the mark of this scene."""
        wanted = f"SURVIVAL_MARK={self.mark}".encode()
        found = []
        for entry in os.scandir("/proc"):
            if entry.name.isdecimal():
                place = Path("/proc") / entry.name
                try:
                    marked = wanted in (place / "environ").read_bytes().split(b"\0")
                    state = (place / "stat").read_bytes().rpartition(b")")[2].split()[0]
                except OSError:
                    continue
                if marked and state not in (b"Z", b"X"):
                    found.append(int(entry.name))
        return found

    def end(self) -> None:
        """Nothing of a test that failed goes on."""
        for pid in self.processes():
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                continue

    def aftermath(self, *, notebooks: bool = True) -> list[Run]:
        """Every run, oldest first, once it is sure that nothing was lost and nothing is left."""
        until(lambda: not self.processes(), "end of every process", GONE)
        for file in self.runs.glob("*/*.json"):
            json.loads(file.read_bytes())  # no half-written JSON
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a torn line is told of; the promised ones count
            runs = find_runs(self.workspace)[::-1]
            assert "running" not in [run.status for run in runs]
            for run in runs:
                promised = self.witness / run.id
                steps = promised.read_text().split() if promised.exists() else []
                assert set(map(int, steps)) <= {row["step"] for row in run.history()}, run.id
                assert (run.reason is None) == (run.status in ("done", "pruned"))
                if notebooks and run.status != "done":
                    assert self.errors(run), f"{run} shows no error in its notebook"
        problems = [p for p in check_runs(self.workspace)[1] if "torn" not in p.text]
        assert not problems, problems
        return runs

    def errors(self, run: Run) -> list[str]:
        """Types of the errors in the executed notebook, which has to be one."""
        if not run.path.notebook.exists():
            return ["(not begun)"]
        notebook = nbformat.read(run.path.notebook, as_version=4)
        nbformat.validate(notebook)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        outputs = [output for cell in code for output in cell.outputs]
        return [output.ename for output in outputs if output.output_type == "error"]

    def show(self, run: Run) -> str:
        """What `lab show` prints of the run."""
        with self.lab("show", run.id) as process:
            said, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
        return " ".join(said.split())


def until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Wait for `condition` to hold; what it gave."""
    deadline = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(0.05)
    return value


def said_by(process: subprocess.Popen[str], code: int | None = None) -> str:
    """Everything a process says until it ends, with the exit code that is expected of it."""
    said, _ = process.communicate(timeout=PATIENCE)
    assert code is None or process.returncode == code, said
    assert "Traceback" not in said, said
    return said
