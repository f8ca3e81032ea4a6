"""A search that is not finished, not confirmed, or made from two versions is told as such."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sweep_helpers import drawn, plain_space
from sweep_notebook import SPACE, write_space, write_tiny
from typer.testing import CliRunner

from lab.cli import app
from lab.cli.show import stdout
from lab.cli.sweep import print_confirmation
from lab.log.items.closing import closer_of
from lab.sweep import Study, read_study
from lab.sweep.advice import actions_of, flags_of
from lab.sweep.analysis import Analysis, analyze
from lab.sweep.confirmed import Confirmation, Confirmed
from lab.sweep.origins import code_of, data_of
from lab.sweep.runner import run_sweep
from lab.sweep.standing import standing, trials_text
from lab.workspace import Workspace

SOURCE = "experiments/sweeps/plain.yaml"


def searched(trials: int, asked: int) -> Study:
    space = plain_space(2, n_trials=asked, notebook="notebooks/tiny.ipynb")
    study = drawn(space, trials, lambda params, rng: params["x0"] + 0.1 * rng.normal(), seed=3)
    return replace(study, notebook="notebooks/tiny.ipynb", source=SOURCE)


def confirmed(study: Study, *numbers: int) -> Study:
    rows = [
        Confirmed(n, dict(study.trials[n].params), 1.0, (1, 2, 3), (0.9, 0.8, 0.7), ("a", "b", "c"))
        for n in numbers
    ]
    found = Confirmation(study.name, study.objective, study.direction, tuple(rows))
    return replace(study, confirmed=found)


@pytest.fixture(scope="module")
def half() -> Analysis:
    return analyze(searched(12, 24))


def test_half_a_search_is_told_as_half(half: Analysis) -> None:
    found = standing(half.study)
    assert (found.stage, found.missing, found.unconfirmed) == ("unfinished", 12, ())
    assert trials_text(half.study) == "12 of 24 trials: 12 complete"
    assert "12 of 24 trials have ended" in flags_of(half)[0]
    (item,) = [text for text in actions_of(half) if "Finish the search" in text]
    assert f"`lab sweep run {SOURCE}`" in item
    closer = closer_of(item)
    assert closer is not None
    # Trials 12 to 23 are missing.
    assert closer.conditions[0].text == "sweep.study == 'plain' and sweep.trial >= 23"


def test_a_whole_search_without_fresh_seeds_asks_for_them(half: Analysis) -> None:
    study = searched(24, 24)
    best = [trial.number for trial in study.ranked()[:5]]
    found = standing(study)
    assert (found.stage, list(found.unconfirmed)) == ("unconfirmed", best)
    assert found.problems == [
        f"Not confirmed: the best 5 (trials {', '.join(map(str, best))}) have not been run again "
        "on fresh seeds."
    ]
    items = actions_of(replace(half, study=study))
    assert any(text.startswith("Confirm the best of `plain` on fresh seeds: ") for text in items)
    some = standing(confirmed(study, *best[:3]))
    assert (some.confirmed, list(some.unconfirmed)) == (3, best[3:])
    assert some.problems[0].startswith("Not all confirmed: of the best 5, trials ")
    assert standing(confirmed(study, *best)).stage == "complete"


def test_where_no_seed_or_no_confirmation_is_asked_for_a_whole_search_is_complete() -> None:
    study = searched(24, 24)
    none = replace(study.space, confirm={"top": 0, "seeds": 3, "final_seeds": 5})
    assert standing(replace(study, space=none)).stage == "complete"
    assert standing(replace(study, seeded=False)).stage == "complete"


def test_trials_that_were_taken_over_or_put_back_do_not_count() -> None:
    study = searched(24, 24)
    taken = [replace(t, phase="imported") for t in study.trials[:4]]
    back = replace(study.trials[4], state="failed", extra={"problem": "interrupted"})
    held = replace(study, trials=(*taken, back, *study.trials[5:]))
    assert (standing(held).ended, standing(held).missing) == (19, 5)
    # One made elsewhere has nothing to finish.
    elsewhere = replace(study, trials=tuple(taken))
    assert (standing(elsewhere).stage, standing(elsewhere).missing) == ("imported", 0)


def test_trials_of_two_versions_of_the_data_are_told(half: Analysis) -> None:
    def made(number: int) -> dict[str, object]:
        sha = "a" * 64 if number < 7 else "b" * 64
        return {"run_data": {"arc": [sha]}, "run_code": ["c" * 64]}

    trials = tuple(replace(t, extra=made(t.number)) for t in half.study.trials)
    study = replace(half.study, trials=trials)
    assert [one.problem for one in code_of(study)] == [None]
    told = "Not all trials are of one version of the data `arc`: aaaaaaaa in 7 trials (first 0); "
    assert [one.problem for one in data_of(study)] == [told + "bbbbbbbb in 5 trials (first 7)."]
    assert data_of(study)[0].problem in flags_of(replace(half, study=study))


def test_status_list_and_card_of_a_search_that_was_stopped(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiny(workspace.root)
    text = SPACE.replace("n_trials: 6", "n_trials: 2").replace("confirm: none", "confirm: {top: 1}")
    file = write_space(workspace.root, text)
    run_sweep(file, trials=1, workspace=workspace)
    monkeypatch.chdir(workspace.root)
    said = lab("sweep", "status", "tiny")
    assert "tiny: 1 of 2 trials: 1 complete" in said
    assert "Go on: lab sweep run tiny.yaml" in said
    assert "1 of 2" in lab("sweep", "list")
    (row,) = json.loads(lab("sweep", "list", "--json"))
    assert (row["stage"], row["trials"], row["asked"]) == ("unfinished", 1, 2)
    assert "- **trials**: 1 of 2 trials: 1 complete" in lab("sweep", "analyze", "tiny")

    whole = run_sweep(file, workspace=workspace)
    assert standing(whole.study).stage == "complete"
    card = lab("sweep", "analyze", "tiny")
    assert "Red flags" not in card
    assert "- **code**: code `" in card
    # Asked for more, it is not finished again.
    write_space(workspace.root, text.replace("n_trials: 2", "n_trials: 3"))
    run_sweep(file, trials=2, workspace=workspace)
    assert trials_text(read_study("tiny", workspace)) == "2 of 3 trials: 2 complete"


def lab(*words: str) -> str:
    result = CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_entry_of_a_finished_search_stays_as_it_was_when_more_is_asked_for(
    tmp_path: Path,
) -> None:
    from lab.log.evidence.pinned import pinned

    study = searched(24, 24)
    spec = {"trials": "0-23", "asked": 24}
    later = replace(study, space=replace(study.space, n_trials=60))
    assert standing(later).missing == 36
    assert pinned(later, spec) == study


def test_values_are_shown_as_their_metric_is(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [Confirmed(7, {}, 0.5, (1, 2), (0.41, 0.45), ("a", "b"))]
    shown = []
    for objective, direction in (("val/accuracy", "maximize"), ("val/mse", "minimize")):
        found = Confirmation("plain", objective, direction, tuple(rows))
        print_confirmation(found, objective, stdout())
        shown.append(capsys.readouterr().out)
    assert "7 50.0% 43.0%" in " ".join(shown[0].split())
    assert "+7.0 points" in shown[0]
    assert "chosen: trial 7, 43.0% on 2 fresh seeds" in shown[0]
    assert "chosen: trial 7, 0.43 on 2 fresh seeds" in shown[1]
    assert "points" not in shown[1]
