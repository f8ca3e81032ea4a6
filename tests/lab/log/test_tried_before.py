"""An entry says how often its question was tried before."""

from __future__ import annotations

from typing import Any

from helpers import seeded_runs

import lab.log
from lab.workspace import Workspace

CIFAR = {"dataset": "cifar10"}
VALUES = {"mean": (0.40, 0.41), "attention": (0.42, 0.43)}


def entry(workspace: Workspace, title: str, runs: str, **more: Any) -> str:
    asked = {"by": "pooling", "date": "2026-01-20", "workspace": workspace} | more
    return lab.log.new("research", title, runs=runs, **asked).text


def test_the_first_try_says_nothing(workspace: Workspace) -> None:
    seeded_runs(workspace.runs, "pooling", VALUES, params=CIFAR)
    assert "tried" not in entry(workspace, "First", "seed < 9")


def test_later_tries_count_earlier_entries(workspace: Workspace) -> None:
    for i in range(3):
        seeded_runs(workspace.runs, "pooling", VALUES, params=CIFAR | {"depth": i}, start=10 * i)
        text = entry(workspace, f"Try {i}", f"depth == {i}")
    assert 'This question was tried 2 times before: "Try 0" (2026-01-20) and "Try 1"' in text
    assert "So far, with this entry: `mean` 2 seeds in 6 runs and `attention` 2 seeds" in text
    assert lab.log.check(workspace=workspace) == []


def test_the_same_runs_again_are_no_new_try(workspace: Workspace) -> None:
    seeded_runs(workspace.runs, "pooling", VALUES, params=CIFAR)
    entry(workspace, "First", "seed < 9")
    assert "was tried" not in entry(workspace, "Again", "seed < 1")


def test_another_task_metric_or_parameter_is_another_question(workspace: Workspace) -> None:
    seeded_runs(workspace.runs, "pooling", VALUES, params=CIFAR)
    entry(workspace, "First", "dataset == cifar10")
    seeded_runs(workspace.runs, "pooling", VALUES, params={"dataset": "fsdd"}, start=10)
    assert "was tried" not in entry(workspace, "Other data", "dataset == fsdd")
    seeded_runs(workspace.runs, "norm", VALUES, params=CIFAR, start=20)
    assert "was tried" not in entry(workspace, "Norm", "norm in [mean, attention]", by="norm")


def test_runs_never_written_up_are_told(workspace: Workspace) -> None:
    seeded_runs(workspace.runs, "pooling", VALUES, params=CIFAR)
    seeded_runs(workspace.runs, "pooling", VALUES, params={"dataset": "other"}, start=10)
    text = entry(workspace, "First", "dataset == cifar10 and seed < 1")
    assert "2 runs with these settings were never written up: `20260120_100100`" in text
    assert "`mean` 2 seeds and `attention` 2 seeds" in text
