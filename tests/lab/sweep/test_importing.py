"""Studies made elsewhere: tables and real Optuna storages."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from lab.errors import SweepError
from lab.sweep.coverage import coverage
from lab.sweep.from_optuna import list_storage
from lab.sweep.importing import import_study
from lab.workspace import Workspace

TABLE = """\
trial_number,val_acc,encoder,lr,batch_size,depth,train_loss,temperature
3,0.2,cnn,0.0001,8,2.0,1.5,
4,0.4,context,0.002,64,,1.1,7.5
7,0.3,cnn,0.01,8,5.0,1.2,
9,,context,0.001,16,,1.0,9.0
"""


def objective(trial: optuna.Trial) -> float:
    kind = trial.suggest_categorical("kind", ["a", "b"])
    x = trial.suggest_float("x", 1e-4, 1.0, log=True)
    if kind == "a":
        x += trial.suggest_int("n", 1, 5)
    trial.report(x, 0)
    if trial.number == 2:
        raise optuna.TrialPruned
    return x


def test_a_table_is_read_with_its_types_and_conditions(
    workspace: Workspace, tmp_path: Path
) -> None:
    file = tmp_path / "old.csv"
    file.write_text(TABLE, encoding="utf-8")
    found = import_study(file, objective="val_acc", workspace=workspace)
    space = found.study.space
    assert found.study.inferred
    assert [(p.name, p.type_text) for p in space.params] == [
        ("encoder", "categorical"),
        ("lr", "float (log)"),
        ("batch_size", "categorical"),
        ("depth", "int"),
        ("temperature", "float"),
    ]
    assert space.parameter("depth").when == {"encoder": ("cnn",)}
    assert space.parameter("temperature").when == {"encoder": ("context",)}
    assert any("Taken for results" in n and "train_loss" in n for n in found.notes)
    trials = found.study.trials
    assert [t.number for t in trials] == [3, 4, 7, 9]
    assert [t.state for t in trials] == ["complete"] * 3 + ["failed"]
    assert trials[0].params == {"encoder": "cnn", "lr": 0.0001, "batch_size": 8, "depth": 2}
    assert trials[0].extra["train_loss"] == 1.5
    with pytest.raises(SweepError, match="There is a study of that name"):
        import_study(file, objective="val_acc", workspace=workspace)
    with pytest.raises(SweepError, match=r"no such column: val_ac\..*'val_acc'"):
        import_study(file, objective="val_ac", name="b", workspace=workspace)


@pytest.mark.parametrize("kind", ["sqlite", "journal"])
def test_an_optuna_study_comes_over_whole(workspace: Workspace, tmp_path: Path, kind: str) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    file = tmp_path / "study"
    if kind == "sqlite":
        url = f"sqlite:///{file}"
        storage: object = url
    else:
        url = str(file)
        storage = JournalStorage(JournalFileBackend(url))
    made = optuna.create_study(
        study_name="there",
        storage=storage,
        sampler=optuna.samplers.RandomSampler(seed=1),  # type: ignore[arg-type]
    )
    made.optimize(objective, n_trials=12)
    assert list_storage(url) == [
        {"name": "there", "direction": "minimize", "trials": 12, "best": made.best_value}
    ]
    study = import_study(url, objective="loss", workspace=workspace).study
    assert (study.name, study.direction, study.objective) == ("there", "minimize", "loss")
    assert [t.params for t in study.trials] == [t.params for t in made.trials]
    assert [t.value for t in study.complete] == [
        t.value for t in made.trials if t.state.name == "COMPLETE"
    ]
    assert study.trials[2].state == "pruned"
    assert study.trials[2].steps == made.trials[2].intermediate_values
    assert study.space.parameter("n").when == {"kind": ("a",)}
    x = study.space.parameter("x")
    assert (x.low, x.high, x.log) == (1e-4, 1.0, True)  # as declared, not as seen
    about = coverage(study, workspace)["visited"]
    assert about["trials"] == 12
    assert sum(branch["trials"] for branch in about["branches"]) == 12
    seen = {int(10 * x.scaled(t.params["x"])) for t in study.complete}
    row = next(p for p in about["parameters"] if p["name"] == "x")
    assert row["complete"] == len(seen)


def test_a_storage_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(SweepError, match="No such file"):
        list_storage(str(tmp_path / "nothing.log"))
    with pytest.raises(SweepError, match="No such file"):
        list_storage(f"sqlite:///{tmp_path / 'nothing.db'}")
    assert not (tmp_path / "nothing.db").exists()
