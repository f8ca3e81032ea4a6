"""Many processes at once: no folder is shared by two runs, no run of a suite is made twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
from aftermath import PATIENCE, Scene, said_by

# Starts and ends runs for so many seconds, each with lines of its own.
STARTER = """
import json, os, sys, time
import lab

until, number = time.monotonic() + float(sys.argv[1]), int(sys.argv[2])
count = 0
while time.monotonic() < until:
    run = lab.start({"seed": number})
    witness = os.open(f"{os.environ['WITNESS']}/{run.id}", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    for step in range(3):
        run.log({"train/loss": float(count), "train/number": number}, step=step)
        os.write(witness, f"{step}\\n".encode())
    os.close(witness)
    run.finish()
    count += 1
print(count)
"""


@pytest.mark.parametrize("seconds", [2, pytest.param(60, marks=pytest.mark.slow)])
def test_eight_processes_start_runs(scene: Scene, seconds: int) -> None:
    script = scene.root / "starter.py"
    script.write_text(STARTER, encoding="utf-8")
    starters = [
        subprocess.Popen(
            [sys.executable, str(script), str(seconds), str(number)],
            cwd=scene.root, env=scene.environment(), stdout=subprocess.PIPE, text=True,
        )
        for number in range(8)
    ]  # fmt: skip
    counts = [int(one.communicate(timeout=PATIENCE + 3 * seconds)[0]) for one in starters]
    runs = scene.aftermath()
    assert len(runs) == sum(counts) >= 8
    assert {run.status for run in runs} == {"done"}
    for number, count in enumerate(counts):
        mine = [run for run in runs if run.seed == number]
        losses = [{row["train/loss"] for row in run.history()} for run in mine]
        assert sorted(losses, key=min) == [{float(n)} for n in range(count)]
    for run in runs:
        assert [row["step"] for row in run.history()] == [0, 1, 2]


def test_two_suites_over_the_same_file(scene: Scene) -> None:
    """Each run is made once, both wait for all of them, and there is one entry."""
    file = scene.suite(seeds=6, workers=2, pause=0.2)
    with (scene.root / file).open("a") as suite:
        suite.write("log: {kind: suite, by: arm, title: Once}\n")
    both = [scene.lab("suite", "run", file, "--json") for _ in range(2)]
    answers = [json.loads(_json_of(said_by(one, code=0))) for one in both]
    runs = scene.aftermath()
    assert sorted((run.seed, run.status) for run in runs) == [(n, "done") for n in range(6)]
    assert answers[0]["runs"] == answers[1]["runs"]
    assert len(answers[0]["runs"]) == 6
    assert sorted(len(answer["entries"]) for answer in answers) == [0, 1]
    log = (scene.root / "docs" / "research_log.md").read_text()
    assert log.count("## ") == 1 + log.count("### ")


def test_one_of_two_suites_is_killed_and_the_other_makes_its_runs(scene: Scene) -> None:
    go = "while not os.path.exists(os.environ['WITNESS'] + '/go'):\n    time.sleep(0.05)"
    file = scene.suite(seeds=3, workers=1, trouble=go)
    first = scene.lab("suite", "run", file)
    (mine,) = scene.in_trouble()
    second = scene.lab("suite", "run", file)
    scene.in_trouble(runs=2)
    first.kill()
    said_by(first, code=-signal.SIGKILL)
    (scene.witness / "go").touch()
    said_by(second, code=0)
    runs = scene.aftermath()
    ends = sorted((run.seed, run.status) for run in runs)
    assert ends == [(0, "crashed"), (0, "done"), (1, "done"), (2, "done")]
    assert next(run.id for run in runs if run.status == "crashed") == mine
    assert "0 of 3 runs to do" in said_by(scene.lab("suite", "run", file), code=0)


def _json_of(said: str) -> str:
    """The JSON document; what is told beside it, on standard error, comes before."""
    return said[said.index("\n{") if "\n{" in said else 0 : said.rindex("}") + 1]
