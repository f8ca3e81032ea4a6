"""A study written up: its numbers come from runs and trials, and one wrong digit is found."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import write_run, write_workspace
from sweep_helpers import CSV, visual_csv

import lab.log
from lab.errors import InputError
from lab.log.sweep_block import numbers_of, spans
from lab.record.files import write_json
from lab.sweep.confirmed import Confirmation, Confirmed
from lab.sweep.importing import import_study
from lab.sweep.plain import plain_study, study_of_plain
from lab.sweep.quiet import quiet_optuna
from lab.sweep.space import Parameter, Space
from lab.sweep.storage import OURS, create_folder, distribution, open_study, read_study
from lab.workspace import Workspace

pytestmark = pytest.mark.xdist_group("sweep entries")  # they share what takes long to write

SPACE = Space(
    name="night",
    objective="val/accuracy",
    notebook="notebooks/tiny.ipynb",
    n_trials=24,
    seeds=(0, 1),
    params=(
        Parameter("kind", "categorical", choices=("a", "b")),
        Parameter("lr", "float", 1e-4, 1e-1, log=True),
    ),
)


def add_trials(workspace: Workspace, numbers: range) -> None:
    """Trials of two seeds each, with their runs: the accuracy rises with the learning rate."""
    from optuna.trial import TrialState, create_trial

    folder = workspace.runs / "studies" / SPACE.name
    trials = []
    for number in numbers:
        rng = np.random.default_rng(number)
        params: dict[str, Any] = {
            "kind": "ab"[int(rng.integers(2))],
            "lr": float(10 ** (-4 + 3 * rng.random())),
        }
        values, runs = [], []
        for seed in SPACE.seeds:
            value = float(0.9 + 0.1 * np.log10(params["lr"]) + 0.01 * rng.normal())
            run_id = f"20260301_{number:02}{seed:02}00"
            write_run(
                workspace.runs, run_id, params=params | {"seed": seed}, headline="val/accuracy",
                curves={"val/accuracy": [value - 0.05, value, value - 0.01]},
            )  # fmt: skip
            values.append(value)
            runs.append(run_id)
        noted = {"phase": "random", "values": values, "seeds": list(SPACE.seeds), "runs": runs}
        with quiet_optuna():
            trials.append(
                create_trial(
                    state=TrialState.COMPLETE,
                    value=sum(values) / 2,
                    params=params,
                    distributions={p.name: distribution(p) for p in SPACE.params},
                    user_attrs={f"{OURS}{name}": value for name, value in noted.items()},
                )
            )
    open_study(folder).add_trials(trials)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace in which the study has been written up; nobody changes it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LAB_RUNS", raising=False)
        workspace = Workspace.load(write_workspace(tmp_path_factory.mktemp("written")))
    create_folder(workspace, SPACE, source="sweep.yaml", sampler="random")
    add_trials(workspace, range(24))
    lab.log.new("sweep", study="night", date="2026-03-02", workspace=workspace)
    return workspace


@pytest.fixture
def night(written: Workspace, workspace: Workspace) -> Workspace:
    """A copy of it."""
    shutil.copytree(written.root, workspace.root, dirs_exist_ok=True)
    return workspace


def test_the_entry_says_what_matters_and_holds(night: Workspace) -> None:
    text = night.research_log.read_text()
    assert "## 2026-03-02 Sweep night: `lr` matters" in text
    assert "| a narrower search | No: there are 24 configurations, 40 are needed |" in text
    assert "- [ ] Confirm the best of `night` on fresh seeds: trials " in text
    assert "- Not confirmed: the best 5 (trials " in text
    checked = lab.log.examine(workspace=night)
    assert checked.holds
    assert checked.sources == {"runs": 3}
    assert lab.log.refresh(workspace=night) == []
    assert "Sweep night" in lab.log.new("sweep", study="night", dry_run=True, workspace=night).text


def test_every_number_has_its_runs_its_field_and_its_aggregation(night: Workspace) -> None:
    snapshots = [json.loads(p.read_bytes()) for p in (night.root / "docs/evidence").glob("*.json")]
    part = {snapshot["spec"]["part"]: snapshot["numbers"] for snapshot in snapshots}
    verdict = {n["text"]: n for n in part["verdict"]}
    best = read_study("night", night).best
    assert best is not None
    told = verdict[f"{100 * (best.value or 0):.1f}%"]
    assert (told["field"], told["runs"]) == ("val/accuracy", list(best.run_ids))
    assert told["aggregation"] == f"mean over 2 seeds of trial {best.number}"
    rho = next(n for n in part["trials"] if "Spearman" in n["aggregation"])
    assert (rho["field"], rho["runs"]) == ("params.lr, val/accuracy", "all")
    shrunk = next(n for n in part["verdict"] if "shrunk" in n["aggregation"])
    assert shrunk["value"] < told["value"]


@pytest.mark.parametrize("part", ["Best observed", "| `lr` | all |", "- kind", "| a narrower"])
def test_one_wrong_digit_is_found(night: Workspace, part: str) -> None:
    lines = night.research_log.read_text().split("\n")
    row = next((i for i, line in enumerate(lines) if line.startswith((part, f"- {part}"))), None)
    if row is None:
        row = next(i for i, line in enumerate(lines) if "in this" in line or "bins of" in line)
    digits = [i for i, c in enumerate(lines[row]) if c.isdigit()]
    assert digits
    for i in (digits[0], digits[-1]):
        other = str((int(lines[row][i]) + 1) % 10)
        tampered = lines[row][:i] + other + lines[row][i + 1 :]
        night.research_log.write_text("\n".join([*lines[:row], tampered, *lines[row + 1 :]]))
        assert [drift.line for drift in lab.log.check(workspace=night)] == [row + 1]


def test_a_run_that_changed_is_found_and_named(night: Workspace) -> None:
    best = read_study("night", night).best
    assert best is not None
    path = night.runs / best.run_ids[0] / "summary.json"
    summary = json.loads(path.read_text())
    summary["val/accuracy"]["best"] -= 0.1
    path.write_text(json.dumps(summary))
    drifts = lab.log.check(workspace=night)
    printed = f"{100 * (best.value or 0):.1f}%"
    found = next(drift for drift in drifts if drift.printed == printed)
    assert found.reason == "value changed"
    assert set(best.run_ids) <= set(found.runs)


def test_trials_that_came_later_change_nothing_until_the_entry_is_written_again(
    night: Workspace,
) -> None:
    add_trials(night, range(24, 28))
    checked = lab.log.examine(workspace=night)
    assert checked.holds
    assert any("4 new trials" in note.text for note in checked.notes)
    lab.log.renew(extend=True, workspace=night)
    text = night.research_log.read_text()
    assert '"trials": "0-27"' in text
    assert "28 complete" in text
    assert lab.log.check(workspace=night) == []


def confirm(workspace: Workspace, trials: list[int], *, seeds: tuple[int, ...] = (7, 8, 9)) -> None:
    """Runs on fresh seeds of these trials, each a little worse than its search had promised."""
    by_number = {trial.number: trial for trial in read_study("night", workspace).trials}
    rows = []
    for number in trials:
        trial, ids, values = by_number[number], [], []
        for seed in seeds:
            value = float(trial.value or 0) - 0.03 + 0.001 * seed
            run_id = f"20260303_{number:02}{seed:02}00"
            write_run(
                workspace.runs, run_id, headline="val/accuracy",
                params=trial.params | {"seed": seed}, curves={"val/accuracy": [value]},
            )  # fmt: skip
            ids.append(run_id)
            values.append(value)
        rows.append(
            Confirmed(number, trial.params, trial.value or 0.0, seeds, tuple(values), tuple(ids))
        )
    found = Confirmation("night", "val/accuracy", "maximize", tuple(rows))
    write_json(workspace.runs / "studies" / "night" / "confirmation.json", asdict(found))


def test_an_entry_knows_of_the_confirmation_only_if_it_was_there(night: Workspace) -> None:
    best = [trial.number for trial in read_study("night", night).ranked()[:2]]
    confirm(night, best)
    assert lab.log.check(workspace=night) == []
    lab.log.new("sweep", "Confirmed", study="night", date="2026-03-04", workspace=night)
    text = night.research_log.read_text().partition("Confirmed\n")[2]
    promised = read_study("night", night).ranked()[0].value or 0.0
    told = f"{100 * (promised - 0.022):.1f}%"
    assert f"Recommended: trial {best[0]}, {told} [" in text
    assert "over 3 fresh seeds; the search had promised" in text
    assert "(2.2 points more)" in text
    assert "Not all confirmed: of the best 5, trials " in text
    assert lab.log.check(workspace=night) == []


def test_a_fresh_clone_is_checked_against_the_snapshot(night: Workspace) -> None:
    shutil.rmtree(night.runs)
    night.runs.mkdir()
    checked = lab.log.examine(workspace=night)
    assert checked.holds
    assert checked.sources == {"snapshot": 3}
    text = night.research_log.read_text()
    night.research_log.write_text(text.replace("24 complete\n", "25 complete\n"))
    assert [drift.printed for drift in lab.log.check(workspace=night)] == ["25"]


def test_a_study_that_was_here_and_is_gone_is_missed(night: Workspace) -> None:
    shutil.rmtree(night.runs / "studies")
    drifts = lab.log.check(workspace=night)
    assert drifts
    assert {drift.reason for drift in drifts} == {"run missing"}
    assert "study night" in str(drifts[0])


@pytest.mark.skipif(visual_csv() is None, reason=f"CVKAN_DATA does not hold {CSV}")
def test_an_imported_study_has_its_trials_in_the_snapshot(workspace: Workspace) -> None:
    source = visual_csv()
    assert source is not None
    import_study(source, objective="val_acc", name="visual", workspace=workspace)
    lab.log.new("sweep", study="visual", date="2026-01-20", workspace=workspace)
    text = workspace.research_log.read_text()
    assert "Sweep visual: no parameter is told from chance" in text
    assert "always answering `S3` scores 26.2%" in text
    snapshots = [
        json.loads(p.read_bytes()) for p in (workspace.root / "docs/evidence").glob("*.json")
    ]
    assert {len(snapshot["study"]["trials"]) for snapshot in snapshots} == {20}
    sources = [n["runs"] for s in snapshots for n in s["numbers"] if n["field"]]
    assert ["studies/visual"] in sources
    shutil.rmtree(workspace.runs / "studies")
    (workspace.runs / ".index-cited").unlink()
    assert lab.log.examine(workspace=workspace).sources == {"snapshot": 3}
    assert lab.log.check(workspace=workspace) == []


def test_what_cannot_be_written_up_is_refused_and_nothing_written(workspace: Workspace) -> None:
    with pytest.raises(InputError, match="needs a study"):
        lab.log.new("sweep", workspace=workspace)
    with pytest.raises(InputError, match="no such study"):
        lab.log.new("sweep", study="none", workspace=workspace)
    with pytest.raises(InputError, match="does not take this"):
        lab.log.new("sweep", study="none", by="lr", workspace=workspace)
    with pytest.raises(InputError, match="Only a sweep"):
        lab.log.new("suite", study="none", workspace=workspace)
    create_folder(workspace, SPACE, source="sweep.yaml")
    with pytest.raises(InputError, match="nothing to analyse"):
        lab.log.new("sweep", study="night", workspace=workspace)
    assert not Path(workspace.research_log).exists()


def test_a_study_comes_back_from_its_plain_values(night: Workspace) -> None:
    study = read_study("night", night)
    assert study_of_plain(json.loads(json.dumps(plain_study(study)))) == study


def test_numbers_in_few_characters() -> None:
    assert spans([3, 1, 2, 7, 9, 8, 20]) == "1-3,7-9,20"
    assert numbers_of("1-3,7-9,20") == [1, 2, 3, 7, 8, 9, 20]
    assert numbers_of(spans([])) == []


def test_the_same_state_is_not_written_up_twice(night: Workspace) -> None:
    before = night.research_log.read_bytes()
    with pytest.raises(InputError, match="Study night is written up already") as problem:
        lab.log.new("sweep", "Another title", study="night", workspace=night)
    assert "docs/research_log.md:" in str(problem.value)
    assert night.research_log.read_bytes() == before


def test_a_confirming_run_closes_what_the_entry_asks_for(night: Workspace) -> None:
    from lab.log.items.plan import looks_done

    def asked() -> str:
        found = [a for a in lab.log.actions(workspace=night) if a.text.startswith("Confirm the")]
        assert len(found) == 1
        return found[0].id

    assert asked() not in looks_done(workspace=night)
    about = {"study": "night", "trial": 3, "stage": "confirmation"}
    write_run(night.runs, "20260303_120000", sweep=about)
    assert looks_done(workspace=night)[asked()] == ("20260303_120000",)
