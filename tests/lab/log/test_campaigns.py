"""A campaign: variants, changes, the way from the baseline to the best, and what to do next."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from helpers import write_run
from scipy import stats

import lab.log
from lab.errors import InputError
from lab.log.campaign.build import Task, campaign_of
from lab.log.campaign.words import next_steps, reading
from lab.record.catalogue import find_runs
from lab.stats.intervals import paired_difference
from lab.workspace import Workspace

PLAIN: dict[str, Any] = {"width": 64, "stem": "linear", "pooling": "mean", "lr": 0.1}
ARMS: dict[str, tuple[dict[str, Any], float]] = {
    "plain": ({}, 0.40),
    "wide": ({"width": 256}, 0.43),
    "deep": ({"stem": "deep"}, 0.42),
    "pooled": ({"stem": "deep", "pooling": "attention"}, 0.43),
    "all": ({"stem": "deep", "pooling": "attention", "width": 256}, 0.50),
    "fast": ({"stem": "deep", "pooling": "attention", "lr": 0.5}, 0.45),
}
NOISE = (0.0, 0.001, -0.001, 0.002, -0.002)


def night(
    runs: Path, seeds: int = 3, arms: Mapping[str, tuple[dict[str, Any], float]] = ARMS,
    *, metric: str = "val/accuracy", day: int = 20, **params: Any,
) -> None:  # fmt: skip
    order = itertools.count()
    for (arm, (changed, value)), seed in itertools.product(arms.items(), range(seeds)):
        i = next(order)
        write_run(
            runs,
            f"202601{day}_{10 + i // 60}{i % 60:02d}00",
            params=PLAIN | changed | params | {"seed": seed},
            curves={metric: [value + NOISE[seed] * (2 if arm == "all" else 1)]},
            headline=metric,
            seconds=60.0 if "width" in changed else 20.0,
            suite={"name": "width", "arm": arm, "index": i, "matrix": {"seed": seed}},
        )


def only_task(workspace: Workspace, **asked: Any) -> Task:
    (task,) = campaign_of(find_runs(workspace), **asked).tasks
    return task


def test_what_each_change_brought(workspace: Workspace) -> None:
    night(workspace.runs)
    task = only_task(workspace)
    assert (task.baseline.name, task.best.name) == ("plain", "all")
    found = {(c.before.name, c.after.name): c for c in task.changes}
    assert set(found) == {
        ("plain", "wide"), ("plain", "deep"), ("deep", "pooled"), ("pooled", "all"),
        ("wide", "all"), ("pooled", "fast"),
    }  # fmt: skip
    assert found["deep", "pooled"].what == (("pooling", "mean", "attention"),)
    assert found["deep", "pooled"].elsewhere == (("stem", "deep"),)
    assert [name for name, *_ in found["wide", "all"].what] == ["stem", "pooling"]
    leads = [change.found.mean for change in task.changes]
    assert leads == sorted(leads, reverse=True)


def test_the_leads_are_paired_t_intervals(workspace: Workspace) -> None:
    night(workspace.runs, seeds=5)
    task = only_task(workspace)
    change = next(c for c in task.changes if c.after.name == "all" and c.before.name == "pooled")
    values = [list(side.by_seed.values()) for side in (change.after, change.before)]
    expected = stats.ttest_rel(*values)
    low, high = expected.confidence_interval()
    assert (change.found.low, change.found.high) == pytest.approx((low, high))
    assert change.found.p == pytest.approx(expected.pvalue)
    assert change.found.adjusted is not None
    assert change.found.adjusted >= expected.pvalue


def test_the_way_to_the_best_goes_by_the_smallest_steps(workspace: Workspace) -> None:
    night(workspace.runs)
    ladder = only_task(workspace).ladder
    assert [change.after.name for change in ladder] == ["deep", "pooled", "all"]
    task = only_task(workspace)
    assert task.gain is not None
    assert sum(c.found.mean for c in ladder) == pytest.approx(task.gain.mean)


def test_of_a_loss_the_lowest_is_best(workspace: Workspace) -> None:
    night(workspace.runs, metric="val/loss")
    task = only_task(workspace)
    assert task.best.name == "plain"
    assert task.ladder == ()
    assert all(change.found.mean < 0 for change in task.changes)


def test_next_steps_name_what_was_not_tried(workspace: Workspace) -> None:
    night(workspace.runs)
    said = "\n".join(next_steps(only_task(workspace), several=False))
    assert "Run seeds 3 and 4 of `plain` and `all`" in said
    assert "Try `lr=0.5` on top of `all`" in said
    assert "`stem` back to linear and `pooling` back to mean" in said  # width was taken back alone
    assert "Try `width` above 256" in said


def test_nothing_is_proposed_twice_that_was_tried(workspace: Workspace) -> None:
    more = {"both": (ARMS["all"][0] | {"lr": 0.5}, 0.49)}
    night(workspace.runs, arms={**ARMS, **more})
    assert not any("on top of" in text for text in next_steps(only_task(workspace), several=False))


def test_alternatives_are_each_held_against_the_baseline(workspace: Workspace) -> None:
    arms: dict[str, tuple[dict[str, Any], float]] = {
        f"lr{lr}": ({"lr": lr}, 0.4 + lr / 10) for lr in (0.1, 0.2, 0.3, 0.4)
    }
    night(workspace.runs, arms=arms)
    task = only_task(workspace)
    assert {(c.before.name, c.after.name) for c in task.changes} == {
        ("lr0.1", "lr0.2"), ("lr0.1", "lr0.3"), ("lr0.1", "lr0.4"),
    }  # fmt: skip


def test_without_arms_variants_are_named_by_what_differs(workspace: Workspace) -> None:
    for i, (width, value) in enumerate(((64, 0.4), (128, 0.5), (64, 0.41), (128, 0.52))):
        write_run(workspace.runs, f"20260120_10000{i}", params={"width": width, "seed": i // 2},
                  curves={"val/accuracy": [value]}, headline="val/accuracy")  # fmt: skip
    task = only_task(workspace)
    assert [(v.name, v.n) for v in task.variants] == [("baseline", 2), ("width=128", 2)]


def test_tasks_are_never_pooled(workspace: Workspace) -> None:
    night(workspace.runs, dataset="a")
    night(workspace.runs, day=21, dataset="b", metric="val/loss")
    tasks = campaign_of(find_runs(workspace)).tasks
    assert [(t.name, t.metric) for t in tasks] == [
        ("image on a", "val/accuracy"), ("image on b", "val/loss"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([0.1], "observed ahead, one seed"),
        ([-0.1, -0.1], "observed behind, 2 seeds"),
        ([0.1, 0.11, 0.09], "ahead, 3 seeds"),
        ([0.1, -0.1, 0.05], "no clear difference, 3 seeds"),
        ([0.1, -0.1, 0.05, 0.0, 0.0], "cannot be told apart"),
    ],
)
def test_words_are_no_stronger_than_the_seeds(values: list[float], said: str) -> None:
    assert reading(paired_difference(values, [0.0] * len(values))) == said


def test_five_seeds_allow_a_verdict(workspace: Workspace) -> None:
    night(workspace.runs, seeds=5)
    readings = {
        (c.before.name, c.after.name): reading(c.found) for c in only_task(workspace).changes
    }
    assert readings["pooled", "all"] == "better"


def test_the_write_up_is_a_log_file_that_is_checked(workspace: Workspace) -> None:
    night(workspace.runs)
    write_run(workspace.runs, "20260122_100000", params=PLAIN | {"width": 9, "seed": 0},
              status="failed", error={"type": "ValueError", "message": "no", "cell": 2},
              suite={"name": "width", "arm": "odd", "index": 99, "matrix": {}})  # fmt: skip
    entry = lab.log.new("campaign", "Width & depth: first look", suite="width",
                        finding="Why we did it.", workspace=workspace)  # fmt: skip
    assert entry.place == "docs/experiments/width_depth_first_look.md:5"
    order = ["Why we did it.", "### In short", "### Baseline", "### From the baseline to the best",
             "### What each change brought", "### Final table", "### Cost", "### Impact",
             "### Action Items"]  # fmt: skip
    places = [entry.text.index(part) for part in order]
    assert places == sorted(places)
    assert "`all` has 50.0% validation accuracy, the baseline `plain` has 40.0%" in entry.text
    assert "- **Did not end well**: `odd` (one run)" in entry.text
    assert "- failed: ValueError: no, cell 2: `odd` (seed 0)" in entry.text
    assert lab.log.check(workspace=workspace) == []
    assert [e.title for e in lab.log.entries(workspace=workspace)] == [entry.title]
    assert entry.file.read_text("utf-8").startswith("# Width & depth: first look\n")
    text = entry.file.read_text(encoding="utf-8")
    entry.file.write_text(text.replace("+7.0 points", "+8.0 points", 1), encoding="utf-8")
    (drift,) = lab.log.check(workspace=workspace)
    assert (drift.printed, drift.recomputed) == ("+8.0", "+7.0")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"title": "T"}, "needs runs"),
        ({"runs": "width > 0"}, "needs a title"),
        ({"suite": "width", "baseline": "plian"}, "Did you mean 'plain'"),
        ({"title": "T", "suite": "widht"}, "No run is selected"),
    ],
)
def test_bad_input_writes_nothing(
    workspace: Workspace, asked: dict[str, Any], message: str
) -> None:
    night(workspace.runs, seeds=1)
    with pytest.raises(InputError, match=message):
        lab.log.new("campaign", workspace=workspace, **asked)
    assert list((workspace.root / "docs").iterdir()) == []
