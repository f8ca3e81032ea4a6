"""Advice on unknown names: all where they are few, else the nearest and where to see all."""

from __future__ import annotations

import pytest
from helpers import write_run

import lab
from lab.errors import QueryError, nearest
from lab.workspace import Workspace

MANY = [f"parameter_{number}" for number in range(30)]


def test_few_names_are_all_told() -> None:
    assert nearest("epoch", ["epochs", "lr"], see="`x`") == (
        "Did you mean 'epochs'? Allowed: epochs, lr."
    )
    assert nearest("epoch", []) == "Allowed: none."


def test_of_many_names_the_nearest_are_told() -> None:
    told = nearest("epoch", [*MANY, "epochs", "epoch_seconds"], see="`lab runs`")
    assert told == (
        "Did you mean 'epochs'? The nearest of 32: epochs, epoch_seconds. `lab runs` shows all."
    )
    assert nearest("zzz", MANY, see="`lab runs`") == "30 are known. `lab runs` shows all."
    # A name inside a longer one is near, however long that is.
    assert "val/accuracy_of_the_minority" in nearest(
        "val/acc", [*MANY, "val/accuracy_of_the_minority"], see="`lab runs`"
    )


def test_many_names_are_all_told_where_nothing_else_shows_them() -> None:
    assert nearest("parameter", MANY).endswith("parameter_28, parameter_29.")


@pytest.mark.parametrize("asked", [{"where": "parameter_x == 1"}, {"sort": "parameter_x/y"}])
def test_runs_with_many_names(workspace: Workspace, asked: dict[str, str]) -> None:
    curves = {f"val/{name}": [0.5] for name in MANY}
    write_run(workspace.runs, "20260120_100000", params=dict.fromkeys(MANY, 1), curves=curves)
    with pytest.raises(lab.LabError) as caught:
        lab.runs(**asked, workspace=workspace)  # type: ignore[arg-type]
    message = str(caught.value)
    assert message.endswith("`lab runs --json` shows all.")
    assert message.count("parameter_") < 8
    if "where" in asked:
        assert isinstance(caught.value, QueryError)
