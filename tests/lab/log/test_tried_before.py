"""An entry says how often its question was tried before."""

from __future__ import annotations

from typing import Any

from helpers import seeded_runs

import lab.log
from lab.log.blocks import block_text
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


def test_evidence_does_not_grow_with_what_came_before(workspace: Workspace) -> None:
    sizes, texts = [], []
    for i in range(31):
        params = CIFAR | {"depth": i}
        seeded_runs(workspace.runs, "pooling", VALUES, params=params, start=10 * i)
        texts.append(entry(workspace, f"Try {i}", f"depth == {i}"))
        sizes.append(len(texts[-1]))
    # 4 runs a try: from the 26th on, more than 100 runs came before.
    assert max(sizes[27:]) - min(sizes[27:]) < 50
    assert "This question was tried 30 times before: " in texts[-1]
    assert '"Try 29" (2026-01-20) and 26 before these' in texts[-1]
    # The latest 100 of 120 runs are those of 25 tries; this entry has 4 of its own.
    told = "In this entry and the latest 100 of 120 earlier runs: `mean` 2 seeds in 52 runs and "
    assert told + "`attention` 2 seeds in 52 runs." in texts[-1]
    assert lab.log.check(workspace=workspace) == []
    assert lab.log.examine(workspace=workspace, snapshot=True).holds


def test_the_counts_of_what_came_before_are_checked(workspace: Workspace) -> None:
    many = {arm: tuple(0.4 + seed / 1000 for seed in range(60)) for arm in VALUES}
    seeded_runs(workspace.runs, "pooling", many, params=CIFAR)
    entry(workspace, "First", "seed < 99")
    seeded_runs(workspace.runs, "pooling", VALUES, params=CIFAR | {"depth": 2}, start=200)
    text = entry(workspace, "Second", "depth == 2")
    assert "tried once before" in text
    log = workspace.research_log
    whole = log.read_text("utf-8")
    for printed, wrong in (("latest 100 of", "latest 101 of"), ("of 120 earl", "of 102 earl")):
        log.write_text(whole.replace(printed, wrong), "utf-8")
        (drift,) = lab.log.check(workspace=workspace)
        assert (drift.printed, drift.recomputed) == (wrong.split()[1], printed.split()[1])
    log.write_text(whole.replace('"earlier_runs": 120', '"earlier_runs": 102'), "utf-8")
    assert any(drift.reason == "evidence changed" for drift in lab.log.check(workspace=workspace))


def test_evidence_that_names_every_run_is_still_read(workspace: Workspace) -> None:
    """As it was written before only the latest runs were pinned."""
    seeded_runs(workspace.runs, "pooling", VALUES, params=CIFAR)
    runs = sorted(path.name for path in workspace.runs.iterdir() if path.name.startswith("2026"))
    before = [{"date": "2026-01-20", "title": f"Try {i}", "runs": runs} for i in range(6)]
    spec = {"kind": "tried", "by": "pooling", "runs": runs, "entries": before, "unwritten": runs}
    text = block_text(spec | {"seed_param": "seed"}, workspace)
    assert 'tried 6 times before: "Try 2" (2026-01-20), "Try 3"' in text
    assert "4 runs with these settings were never written up" in text
    assert text.endswith("So far, with this entry: `mean` 2 seeds and `attention` 2 seeds.")
