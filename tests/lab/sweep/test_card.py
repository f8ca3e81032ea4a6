"""The card: what it says of the 20 trials, the same bytes each time, and its files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from sweep_helpers import visual_study

from lab.log.card_text import card_text, write_card
from lab.sweep.analysis import Analysis, analyze
from lab.workspace import Workspace

pytestmark = pytest.mark.xdist_group("card")  # they share what takes long to work out


@pytest.fixture(scope="module")
def found() -> Analysis:
    return analyze(visual_study())


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("workspace")
    (root / "pyproject.toml").write_text("[tool.lab]\n", encoding="utf-8")
    return Workspace.find(root)


@pytest.fixture(scope="module")
def folder(found: Analysis, workspace: Workspace) -> Path:
    """The folder that `lab sweep analyze --out` writes."""
    out = workspace.root / "out"
    write_card(found, out, workspace)
    return out


def test_the_card_claims_nothing_that_twenty_trials_cannot_carry(
    found: Analysis, workspace: Workspace
) -> None:
    text = card_text(found, workspace)
    assert "Best observed: trial 26, 36.2% over one run." in text
    assert "What to expect when it is run again is unknown" in text
    assert "No parameter is told from chance with 20 configurations." in text
    assert "| matters |" not in text
    assert "Exploration too small for importance: 0 of 20" in text
    assert "always answering `S3` scores 26.2%" in text
    assert "not comparable across `batch_size`" in text
    assert "no evidence (suspect)" in text
    assert "| `batch_size` | 20 | -0.669 | 0.001 |" in text


def test_the_same_study_gives_the_same_bytes(workspace: Workspace, folder: Path) -> None:
    again = write_card(analyze(visual_study()), workspace.root / "again", workspace)
    assert sorted(p.name for p in again) == sorted(p.name for p in folder.iterdir())
    assert [p.read_bytes() for p in again] == [(folder / p.name).read_bytes() for p in again]


def test_the_tables_agree_with_the_json(folder: Path) -> None:
    numbers = json.loads((folder / "analysis.json").read_text(encoding="utf-8"))
    with (folder / "parameters.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["parameter"] for row in rows] == [row["parameter"] for row in numbers["parameters"]]
    assert float(rows[2]["rho"]) == numbers["parameters"][2]["rho"] == -0.668533
    assert numbers["best"]["observed"] == 0.3625
    assert numbers["best"]["expected"] is None
