"""Every committed suite asks for runs whose options go together, before the night begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import cvkan
from lab.schema import read_notebook_schema
from lab.suite.plan import plan_suite
from lab.suite.schema import read_suite
from lab.workspace import Workspace

ROOT = Path(__file__).parents[2]
SUITES = sorted((ROOT / "experiments" / "suites").glob("*.yaml"))
# What notebooks do with parameters that are no options of a configuration.
OWN_PARAMETERS = {"domain", "budget", "arm", "resume"}


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_every_run_of_a_suite_makes_a_configuration(path: Path) -> None:
    workspace = Workspace.load(ROOT)
    planned = plan_suite(read_suite(path), workspace)
    assert planned
    for item in planned:
        values = read_notebook_schema(item.notebook).defaults | item.params
        domain = values.get("domain", item.notebook.stem)
        given: dict[str, Any] = {
            name: value
            for name, value in values.items()
            if name not in OWN_PARAMETERS and value is not None
        }
        assert cvkan.config_for(domain, **given).domain == domain


def test_every_ablation_and_every_study_has_a_suite() -> None:
    asked = {
        f"{folder}_{path.stem}"
        for folder, plural in (("ablation", "ablations"), ("study", "studies"))
        for path in (ROOT / "notebooks" / plural).glob("*.ipynb")
    }
    assert asked <= {path.stem for path in SUITES}
