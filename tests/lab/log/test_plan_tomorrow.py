"""Tomorrow's plan: what to run, by which command, and how long it takes."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from helpers import write_notebook, write_run

import lab
from lab.cli.next import _to_run_text
from lab.errors import InputError
from lab.workspace import Workspace

SUITE = """name: pooling
workers: 2
matrix: {seed: [0, 1]}
defaults: {notebook: notebooks/image.ipynb, params: {epochs: 5}}
runs:
  - {arm: mean, params: {pooling: mean}}
  - {arm: attention, params: {pooling: attention}}
"""
PARAMETERS = 'epochs: int = 5  # passes\npooling: str = "mean"  # how\nseed: int = 0  # repeats'
FILE = "experiments/suites/pooling.yaml"


@pytest.fixture
def place(workspace: Workspace) -> Workspace:
    """A workspace with a suite of four runs, all done: mean takes 100 s, attention 200 s."""
    write_notebook(workspace.root, "image", PARAMETERS)
    (workspace.root / "experiments" / "suites").mkdir(parents=True)
    (workspace.root / FILE).write_text(SUITE, encoding="utf-8")
    for i, arm in enumerate(("mean", "attention")):
        for seed in (0, 1):
            write_run(
                workspace.runs, f"20260120_10{i}{seed}00",
                params={"epochs": 5, "pooling": arm, "seed": seed},
                curves={"val/accuracy": [0.5]}, headline="val/accuracy",
                notebook="notebooks/image.ipynb", seconds=(100.0, 200.0)[i],
                suite={"name": "pooling", "arm": arm, "index": 0, "matrix": {"seed": seed}},
            )  # fmt: skip
    return workspace


def asks(place: Workspace, *items: str, day: str = "2026-01-21") -> None:
    lines = "".join(f"- [ ] {item}\n" for item in items)
    place.research_log.write_text(f"## {day} Entry\n\n{lines}", encoding="utf-8")


def test_seeds_that_a_suite_lacks(place: Workspace) -> None:
    asks(place, "Is it the seed? (closes with suite `pooling`, `seed=2`, `seed=3`)")
    plan = lab.next(workspace=place)
    (group,) = plan.to_run
    assert (group.name, group.file, group.workers) == ("pooling", FILE, 2)
    assert (group.runs, group.done, group.unknown) == (4, 0, 0)
    assert group.seconds == plan.seconds == 2 * 100 + 2 * 200
    assert group.before == f"add 2, 3 to `seed` under `matrix:` in {FILE}"
    assert group.command == f"lab suite run {FILE}"
    # The notebook was written after its runs, so that seeds 0 and 1 are due again.
    assert (group.also, group.also_seconds) == (4, 600)


def test_a_suite_that_is_done_in_part(place: Workspace) -> None:
    asks(place, "Which pooling? (closes with suite `pooling`)", day="2026-01-20")
    (place.runs / "20260120_101100" / "run.json").rename(place.runs / "gone.json")
    (group,) = lab.next(workspace=place).to_run
    assert (group.runs, group.done, group.seconds, group.before) == (1, 3, 200, None)
    assert group.command == f"lab suite run {FILE}"


def test_another_value_is_scaled_by_epochs(place: Workspace) -> None:
    asks(place, "Longer (closes with suite `pooling`, `epochs=10`)")
    (group,) = lab.next(workspace=place).to_run
    assert (group.runs, group.seconds) == (2, 2 * 100 + 2 * 200)
    assert group.before == f"copy {FILE}, give it a `name:` and `epochs: 10`"


def test_a_run_that_two_items_ask_for_counts_once(place: Workspace) -> None:
    asks(
        place,
        "One (closes with suite `pooling`, `seed=2`)",
        "Two (closes with suite `pooling`, `seed=2`, `seed=3`)",
    )
    plan = lab.next(workspace=place)
    assert (plan.runs, plan.seconds) == (4, 600)
    assert [a.text[:3] for a in plan.to_run[0].actions] == ["Two", "One"]


def test_what_was_never_run_has_no_known_length(place: Workspace) -> None:
    other = SUITE.replace("image", "audio").replace("name: pooling", "name: other")
    (place.root / "experiments" / "suites" / "other.yaml").write_text(other)
    source = place.root / "notebooks" / "image.ipynb"
    (place.root / "notebooks" / "audio.ipynb").write_bytes(source.read_bytes())
    asks(place, "Sound (notebooks/audio)", "Sound too (closes with suite `other`)")
    plan = lab.next(workspace=place)
    (group,) = plan.to_run
    assert (group.name, group.runs, group.unknown, plan.seconds) == ("other", 4, 4, 0)
    assert len(group.actions) == 2


def test_a_notebook_alone(place: Workspace) -> None:
    (place.root / FILE).unlink()
    asks(place, "More (closes with notebook `image`, `epochs=20`)")
    (group,) = lab.next(workspace=place).to_run
    assert group.command == "lab run notebooks/image.ipynb -p epochs=20"
    assert group.seconds == 4 * 150  # the median of 100, 100, 200, 200, for four times the epochs


def test_runs_without_a_suite_are_each_begun_from_one_that_is_like_it(place: Workspace) -> None:
    (place.root / FILE).unlink()
    asks(place, "Run seed 2 of every arm")
    text = place.research_log.read_text() + "\nOf runs `20260120_100000` and `20260120_101000`.\n"
    place.research_log.write_text(text)
    (group,) = lab.next(workspace=place).to_run
    assert group.runs == 2
    assert group.commands == (
        "lab rerun 20260120_100000 -p seed=2",
        "lab rerun 20260120_101000 -p seed=2",
    )
    assert group.command == group.commands[0]
    shown = _to_run_text(group).plain
    assert all(command in shown for command in group.commands)


def test_what_is_old_what_is_left_and_what_looks_done(place: Workspace) -> None:
    asks(place, "Write it up", "Any (closes with `epochs=5`)", day="2026-01-20")
    today = date.today().isoformat()
    with place.research_log.open("a") as log:
        log.write(f"\n## {today} Now\n\n- [ ] Ask a colleague\n- [x] Drink coffee\n")
    plan = lab.next(workspace=place)
    assert [item.action.text[:3] for item in plan.looks_done] == ["Any"]
    assert [action.text for action in plan.by_hand] == ["Ask a colleague"]
    assert [action.text[:5] for action in plan.stale] == ["Any (", "Write"]
    assert (plan.open, plan.stale_after, plan.to_run) == (3, 30, ())
    assert lab.next(workspace=place, stale_after=10**6).stale == ()
    json.dumps(plan.as_dict())


def test_a_fresh_clone_has_nothing_to_plan_from(place: Workspace, tmp_path: Path) -> None:
    asks(place, "Run seed 2 of every arm", "x (closes with suite `pooling`)")
    text = place.research_log.read_text() + "\nOf run `20260120_100000`.\n"
    place.research_log.write_text(text)
    for folder in place.runs.iterdir():
        folder.rename(tmp_path / folder.name)
    plan = lab.next(workspace=place)
    assert (plan.recorded, plan.open) == (0, 2)
    assert [group.name for group in plan.to_run] == ["pooling"]
    assert [action.text for action in plan.stale] == [
        "x (closes with suite `pooling`)", "Run seed 2 of every arm",
    ]  # fmt: skip


def test_bad_input(place: Workspace) -> None:
    with pytest.raises(InputError, match="not negative: -1"):
        lab.next(stale_after=-1, workspace=place)
