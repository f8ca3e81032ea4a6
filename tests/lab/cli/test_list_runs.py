"""`lab runs` keeps to the width of a terminal, cuts no number, and gives a pipe everything."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import write_run
from rich.console import Console

from lab.cli.runs_table import print_runs
from lab.record.catalogue import find_runs
from lab.workspace import Workspace

Lab = Callable[..., Any]

ARM = "attention_over_all_patches"


@pytest.fixture
def runs(workspace: Workspace) -> Path:
    write_run(
        workspace.runs,
        "20260120_100000",
        params={"seed": 3},
        curves={"test/accuracy": [0.5, 0.625]},
        headline="test/accuracy",
        suite={"name": "night", "arm": ARM, "index": 0},
    )
    write_run(workspace.runs, "20260120_110000", params={"seed": 0}, status="failed",
              reason="exception", sweep={"study": "demo", "trial": 10})  # fmt: skip
    return workspace.runs


def printed(workspace: Workspace, width: int, *, terminal: bool = True) -> list[str]:
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=terminal, color_system=None)
    print_runs(find_runs(workspace), None, console)
    return [line.rstrip() for line in file.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("width", "columns", "told"),
    [
        (120, "id status notebook arm seed headline time", None),
        (99, "id status notebook arm seed headline time", "why a run ended needs"),
        (90, "id status notebook arm seed headline", "why a run ended and time need"),
        (80, "id status arm seed headline", "why a run ended, time and notebook need"),
        (60, "id status headline", "why a run ended, time, notebook, seed and arm need"),
    ],
)
def test_the_least_important_columns_go_first_and_are_told(
    workspace: Workspace, runs: Path, width: int, columns: str, told: str | None
) -> None:
    head, failed, done, *rest = printed(workspace, width)
    assert head.split() == columns.split()
    assert "test/accuracy 62.5%" in done
    assert "failed" in failed
    assert max(map(len, (head, failed, done))) <= width
    assert [line.rpartition(" a wider")[0] for line in " ".join(rest).splitlines()] == (
        [told] if told else []
    )


def test_not_even_the_narrowest_terminal_cuts_the_number(workspace: Workspace, runs: Path) -> None:
    assert "20260120_100000  done    test/accuracy 62.5%" in printed(workspace, 20)


def test_a_pipe_gets_everything(workspace: Workspace, runs: Path) -> None:
    _, failed, done = printed(workspace, 40, terminal=False)
    assert done.split() == [
        "20260120_100000", "done", "image", ARM, "3", "test/accuracy", "62.5%", "12s"
    ]  # fmt: skip
    assert "failed (exception)" in failed


def test_a_trial_is_named_by_its_study_and_number(lab: Lab, runs: Path) -> None:
    assert "demo #10" in lab("runs", "--where", "sweep.study == demo").out
    assert "demo #10" in lab("show", "20260120_11").out
