"""Two studies compared, trials carried over, and the best trained longer."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from scipy.stats import ttest_ind, ttest_rel
from sweep_notebook import SPACE, write_space, write_tiny

from lab.errors import InputError, SweepError
from lab.record.files import write_json
from lab.sweep import (
    Parameter,
    Space,
    Study,
    Trial,
    compare,
    promote,
    refine,
    write_refinement,
)
from lab.sweep.runner import run_sweep
from lab.sweep.standing import standing, trials_text
from lab.sweep.storage import create_folder, studies_folder
from lab.workspace import Workspace

EMPTY = Space("a", ())


def made(name: str, random: list[float]) -> Study:
    """A study with these random trials, and one that was carried over and would spoil the mean."""
    trials = [Trial(i, {"x": i}, v, "complete", "random", (v,)) for i, v in enumerate(random)]
    carried = Trial(99, {"x": 1}, 100.0, "complete", "imported", (100.0,))
    trials.append(replace(carried, extra={"carried_from": "old trial 3"}))
    return Study(name, "val/accuracy", "maximize", replace(EMPTY, name=name), tuple(trials))


def confirm(workspace: Workspace, name: str, values: list[float], seeds: list[int]) -> None:
    folder = studies_folder(workspace) / name
    folder.mkdir(parents=True)
    row = {"trial": 0, "params": {}, "search": 0.9, "seeds": seeds, "values": values}
    rows = [row | {"run_ids": [str(seed) for seed in seeds]}]
    about = {"study": name, "objective": "val/accuracy", "direction": "maximize"}
    write_json(folder / "confirmation.json", about | {"rows": rows})


A, B = [0.50, 0.52, 0.55, 0.51, 0.53], [0.60, 0.61, 0.66, 0.62, 0.65]


def test_winners_are_compared_by_seed_and_spaces_by_their_random_trials(
    workspace: Workspace,
) -> None:
    confirm(workspace, "a", A, [0, 1, 2, 3, 4])
    confirm(workspace, "b", B, [0, 1, 2, 3, 4])
    found = compare(made("a", A), made("b", B), workspace=workspace)
    assert found.winners is not None
    assert found.winners.paired
    expected = ttest_rel(B, A)
    assert found.winners.p == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.95)
    assert (found.winners.low, found.winners.high) == pytest.approx((interval.low, interval.high))
    assert found.answer == "better"
    assert found.spaces is not None
    welch = ttest_ind(B, A, equal_var=False)
    assert found.spaces.p == pytest.approx(welch.pvalue)
    assert found.space_answer == "better"
    assert found.b.best == 0.66  # not the 100 that was carried over
    back = compare(made("b", B), made("a", A), workspace=workspace)
    assert (back.answer, back.space_answer) == ("worse", "worse")
    # Of a loss, less is better.
    lower = [replace(made(n, v), direction="minimize") for n, v in (("a", A), ("b", B))]
    assert compare(*lower, workspace=workspace).answer == "worse"


def test_three_seeds_give_an_interval_and_no_word(workspace: Workspace) -> None:
    confirm(workspace, "a", A[:3], [0, 1, 2])
    confirm(workspace, "b", B[:3], [5, 6, 7])
    found = compare(made("a", A[:3]), made("b", B[:3]), workspace=workspace)
    assert found.winners is not None
    assert not found.winners.paired
    assert (found.answer, found.space_answer) == ("unknown", "unknown")


def test_without_confirmation_the_best_of_the_searches_is_no_answer(workspace: Workspace) -> None:
    found = compare(made("a", A), made("b", B), workspace=workspace)
    assert found.winners is None
    assert found.answer == "unknown"
    with pytest.raises(InputError, match="not the same direction"):
        compare(made("a", A), replace(made("b", B), direction="minimize"), workspace=workspace)
    with pytest.raises(InputError, match="not compared with itself"):
        compare(made("a", A), made("a", B), workspace=workspace)


def test_trials_are_carried_over_marked_and_do_not_use_up_the_budget(workspace: Workspace) -> None:
    write_tiny(workspace.root)
    first = run_sweep(write_space(workspace.root), workspace=workspace).study
    text = SPACE.replace("study_name: tiny", "study_name: next\ncarry_over: tiny")
    text = text.replace("low: 0.0, high: 1.0", "low: 0.2, high: 0.8").replace(
        "trials: 6", "trials: 2"
    )
    outcome = run_sweep(write_space(workspace.root, text, "next.yaml"), workspace=workspace)
    inside = [trial for trial in first.trials if 0.2 <= trial.params["x"] <= 0.8]
    assert 0 < len(inside) < 6
    carried = [t for t in outcome.study.trials if "carried_from" in t.extra]
    assert outcome.carried == len(carried) == len(inside)
    assert [t.params for t in carried] == [t.params for t in inside]
    assert [t.value for t in carried] == [t.value for t in inside]
    assert {t.phase for t in carried} == {"imported"}
    assert [t.extra["carried_from"] for t in carried] == [f"tiny trial {t.number}" for t in inside]
    assert len(outcome.study.trials) == len(inside) + 2
    assert outcome.ran == 2
    again = run_sweep(workspace.root / "next.yaml", workspace=workspace)
    assert (again.carried, again.ran) == (0, 0)
    missing = write_space(
        workspace.root, text.replace("over: tiny", "over: tinny").replace("next", "x")
    )
    with pytest.raises(SweepError, match=r"not there.*Did you mean 'tiny'"):
        run_sweep(missing, workspace=workspace)
    assert not (studies_folder(workspace) / "x").exists()


def test_the_best_of_each_branch_run_longer_on_fresh_seeds(workspace: Workspace) -> None:
    import lab.suite

    write_tiny(workspace.root)
    study = run_sweep(write_space(workspace.root), workspace=workspace).study
    kinds = {trial.params["kind"] for trial in study.trials}
    assert kinds == {"a", "b"}
    found = promote("tiny", top=1, by="kind", params={"steps": 5}, seeds=2, workspace=workspace)
    assert found.suite == workspace.root / "experiments" / "suites" / "tiny_promoted.yaml"
    suite = yaml.safe_load(found.suite.read_text(encoding="utf-8"))
    assert suite["matrix"] == {"seed": [1, 2]}  # the search had the notebook's own seed, 0
    best = {
        k: max((t for t in study.trials if t.params["kind"] == k), key=lambda t: t.value or 0)
        for k in kinds
    }
    assert {run["arm"] for run in suite["runs"]} == {f"{k}_{t.number}" for k, t in best.items()}
    for run in suite["runs"]:
        kind = run["params"]["kind"]
        assert run["params"] == {"steps": 5, **best[kind].params}
    assert found.due == 4
    assert [row.mean for row in found.rows] == [None, None]

    lab.suite.run(found.suite, workspace=workspace)
    after = promote("tiny", top=1, by="kind", params={"steps": 5}, seeds=2, workspace=workspace)
    assert after.due == 0
    for row in after.rows:
        # Three steps more are worth 0.03, and seed s is worth 0.001 s.
        expected = (best[row.branch].value or 0) + 0.03
        assert row.values == pytest.approx((expected + 0.001, expected + 0.002))
        assert after.gain(row) == pytest.approx(0.0315)


def test_what_cannot_be_promoted_is_told_and_nothing_written(workspace: Workspace) -> None:
    write_tiny(workspace.root)
    run_sweep(write_space(workspace.root), trials=2, workspace=workspace)
    with pytest.raises(InputError, match="no such parameter: kin"):
        promote("tiny", by="kin", workspace=workspace)
    with pytest.raises(InputError, match="few values"):
        promote("tiny", by="x", workspace=workspace)
    with pytest.raises(InputError, match="steps"):
        promote("tiny", params={"steps": "many"}, workspace=workspace)
    assert not (workspace.root / "experiments").exists()
    bare = Space("bare", (Parameter("x", "float", 0.0, 1.0),))
    create_folder(workspace, bare, source="x.csv")
    with pytest.raises(InputError, match="names no notebook"):
        promote("bare", workspace=workspace)


def test_the_commands_print_one_document(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from lab.cli import app

    write_tiny(workspace.root)
    run_sweep(write_space(workspace.root), workspace=workspace)
    monkeypatch.chdir(workspace.root)
    app(
        ["sweep", "promote", "tiny", "--top", "2", "-p", "steps=4", "--json"], standalone_mode=False
    )
    told = json.loads(capsys.readouterr().out)
    assert (told["study_name"], told["changes"], told["due"]) == ("tiny", {"steps": 4}, 6)
    app(["sweep", "status", "tiny", "--json"], standalone_mode=False)
    told = json.loads(capsys.readouterr().out)
    assert told["study_name"] == "tiny"
    assert told["confirmed"] is None
    assert Path("experiments/suites/tiny_promoted.yaml").is_file()


NOISY = """\
import random
import lab

run = lab.start()
luck = random.Random(f"{x} {depth} {seed}").gauss(0, 0.02)
run.log({"val/accuracy": 0.9 - (x - 0.3) ** 2 - 0.02 * (depth - 3) ** 2 + luck}, step=0)
"""
CHEAP = """\
study_name: cheap
notebook: notebooks/tiny.ipynb
objective: val/accuracy
n_trials: 24
confirm: {top: 2, seeds: 5, final_seeds: 5}
param_ranges:
  x: {type: float, low: 0.0, high: 1.0}
  depth: {type: int, low: 1, high: 6}
"""


@pytest.mark.slow
def test_a_refined_space_is_run_and_set_against_the_first(workspace: Workspace) -> None:
    write_tiny(workspace.root, NOISY)
    first = run_sweep(write_space(workspace.root, CHEAP), workers=2, workspace=workspace)
    assert standing(first.study).stage == "complete"
    (file, *_) = write_refinement(refine(first.study), workspace.root)
    text = file.read_text(encoding="utf-8")
    file.write_text(re.sub(r"n_trials: \d+", "n_trials: 22", text), encoding="utf-8")
    second = run_sweep(file, workers=2, workspace=workspace)
    assert second.carried > 0
    own = [trial for trial in second.study.trials if trial.phase != "imported"]
    assert [trial.phase for trial in own].count("random") == 20
    assert (standing(second.study).ended, standing(second.study).stage) == (22, "complete")
    inside = second.study.space.parameter("x")
    assert all(inside.contains(trial.params["x"]) for trial in own)
    found = compare("cheap", second.study.name, workspace=workspace)
    assert (found.a.complete, found.b.complete) == (24, 22)
    assert found.winners is not None
    assert found.winners.paired
    assert found.spaces is not None
    assert found.spaces.mean > 0  # where the good trials lay, random ones are better
    assert found.space_answer in ("better", "not told apart")
    # A study with nothing but what it took over has not begun.
    held = replace(second.study, trials=tuple(t for t in second.study.trials if t not in own))
    assert standing(held).ended == 0
    assert trials_text(held).startswith("0 of 22 trials: ")
