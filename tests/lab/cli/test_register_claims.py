"""`lab log claim`, `lab log claims`, and the exit code of a claim that does not hold."""

from __future__ import annotations

import json

import pytest
from helpers import seeded_runs
from typer.testing import CliRunner

import lab.log
from lab.cli import app
from lab.workspace import Workspace

CLAIM = ["log", "claim", "attention beats mean", "--by", "pooling", "--expect", "attention>mean"]


def test_registered_listed_and_contradicted(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_WORKSPACE", str(workspace.root))
    cli = CliRunner()
    seeded_runs(workspace.runs, "pooling", {"mean": (0.4, 0.41), "attention": (0.42, 0.43)})
    made = cli.invoke(app, CLAIM)
    assert made.exit_code == 0
    assert made.stdout.startswith("Observed, not settled. As expected on average over 2 seeds")
    assert cli.invoke(app, ["log", "check"]).exit_code == 0
    # The same seeds again count by the newest run, with new ones five: a verdict the other way.
    worse = tuple(0.3 + 0.001 * i for i in range(6))
    better = tuple(0.5 + 0.002 * i for i in range(6))
    seeded_runs(workspace.runs, "pooling", {"mean": better, "attention": worse}, start=30)
    checked = cli.invoke(app, ["log", "check"])
    assert checked.exit_code == 1
    assert "contradicted, observed on its day: attention beats mean" in checked.stdout
    (found,) = json.loads(cli.invoke(app, ["log", "check", "--json"]).stdout)
    assert (found["reason"], found["printed"]) == ("claim contradicted", "attention beats mean")
    (listed,) = json.loads(cli.invoke(app, ["log", "claims", "--json"]).stdout)
    assert (listed["state"], listed["on_its_day"], listed["seeds"]) == (
        "contradicted", "observed", 6,
    )  # fmt: skip
    lab.log.status("Claim", "Contradicted", workspace=workspace)
    assert cli.invoke(app, ["log", "check"]).exit_code == 0
