"""`lab watch` and `lab plot` as they are typed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import seeded_runs, write_run
from waiting import PATIENCE, until

from lab.cli.braille import Canvas
from lab.record.catalogue import find_runs
from lab.workspace import Workspace

Lab = Callable[..., Any]

SCRIPT = """
import pathlib, time
import lab

run = lab.start(name="slow")
run.goal("val/loss", "min")
for epoch in range(1, 4):
    run.log({"train/loss": 1 / epoch, "val/accuracy": 1 - 0.5 / epoch}, step=epoch)
    while epoch == 1 and not pathlib.Path("watched").exists():
        time.sleep(0.02)
"""


def test_a_run_is_followed_to_its_end(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SCRIPT, encoding="utf-8")
    process = subprocess.Popen([sys.executable, str(tmp_path / "slow.py")], cwd=workspace.root)
    until(lambda: [run for run in find_runs(workspace) if run.path.metrics.is_file()])
    watch = subprocess.Popen(
        [sys.executable, "-m", "lab.cli", "watch"],
        cwd=workspace.root, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert watch.stdout is not None
        assert watch.stdout.readline().endswith("slow\n")
        assert watch.stdout.readline() == "step 1  train/loss 1.000  val/accuracy 50.0%\n"
        (workspace.root / "watched").touch()
        *_, third, last = watch.communicate(timeout=PATIENCE)[0].splitlines()
        assert third == "step 3  train/loss 0.3333  val/accuracy 83.3%"
        assert last.startswith("done  slow")
        assert (process.wait(PATIENCE), watch.returncode) == (0, 0)
    finally:
        process.kill()
        watch.kill()


def test_a_run_that_has_ended_is_drawn(lab: Lab, workspace: Workspace) -> None:
    curves = {"train/loss": [2.0, 1.0, 0.5], "val/loss": [2.0, 1.5, 1.4], "val/accuracy": [0.1, 0.2, 0.3]}  # fmt: skip # noqa: E501
    write_run(workspace.runs, "20260120_100000", params={"epochs": 3}, curves=curves)
    write_run(workspace.runs, "20260120_100001", curves=curves, status="failed")
    said = lab("watch", "20260120_100000")
    assert said.code == 0
    assert "epoch 3 of 3" in said.out
    assert "loss     train 0.5000  val 1.400" in said.out
    assert "accuracy val 30.0%" in said.out
    assert any("\u2801" <= letter <= "\u28ff" for letter in said.out)
    assert lab("watch", "20260120_100001").code == 1


def test_where_a_run_stands_as_json(lab: Lab, workspace: Workspace) -> None:
    write_run(
        workspace.runs, "20260120_100000", params={"epochs": 9}, curves={"val/loss": [2.0, 1.0]}
    )  # fmt: skip
    said = lab("watch", "20260120_100000", "--json")
    found = json.loads(said.out)
    assert (found["id"], found["status"], found["step"]) == ("20260120_100000", "done", 2)
    assert (found["epochs"], found["latest"]) == (9, {"val/loss": 1.0})


def test_nothing_to_watch(lab: Lab, workspace: Workspace) -> None:
    write_run(workspace.runs, "20260120_100000")
    said = lab("watch")
    assert said.code == 2
    assert said.err == "lab: No run is running. Name one to see how it went: lab watch RUN.\n"


def test_a_rising_line_in_braille() -> None:
    canvas = Canvas(2, 1, (0, 3), (0, 3))
    canvas.draw([(0, 0), (1, 1), (2, 2), (3, 3)], owner=0)
    # Dots of four columns and four rows: the diagonal, bottom left to top right.
    assert "".join(letter for letter, _ in canvas.rows()[0]) == "⡠⠊"


def test_a_gap_is_no_line() -> None:
    canvas = Canvas(4, 1, (0, 3), (0, 1))
    canvas.draw([(0, 0), (1, float("nan")), (3, 0)], owner=1)
    assert [owner for _, owner in canvas.rows()[0]] == [1, None, None, 1]


def test_plot_says_where_and_what(lab: Lab, workspace: Workspace) -> None:
    seeded_runs(workspace.runs, "pooling", {"mean": [0.5, 0.6, 0.55], "max": [0.4, 0.5, 0.45]})
    said = lab("plot", "--metric", "val/accuracy", "--by", "pooling")
    assert said.code == 0
    assert said.out.splitlines()[:2] == [
        "val-accuracy-by-pooling.png",
        "Diamonds: mean of the runs. Bars: 95% t interval of the mean.",
    ]
    assert (workspace.root / "val-accuracy-by-pooling.png").read_bytes()[:4] == b"\x89PNG"
    found = json.loads(lab("plot", "--metric", "val/accuracy", "--by", "pooling", "--json").out)
    assert found["panels"][0]["arms"][0]["points"][0]["mean"] == pytest.approx(0.55)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--metric", "val/acuracy", "--by", "pooling"), "Did you mean 'val/accuracy'?"),
        (("--metric", "val/accuracy", "--by", "poling"), "Did you mean 'pooling'?"),
        (("--metric", "val/accuracy", "--by", "pooling", "--out", "a.gif"), "Use one of .png"),
    ],
)
def test_plot_refuses_and_writes_nothing(
    lab: Lab, workspace: Workspace, words: tuple[str, ...], told: str
) -> None:
    seeded_runs(workspace.runs, "pooling", {"mean": [0.5], "max": [0.4]})
    before = sorted(workspace.root.iterdir())
    said = lab("plot", *words)
    assert said.code == 2
    assert told in said.err
    assert sorted(workspace.root.iterdir()) == before
