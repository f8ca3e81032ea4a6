"""What `lab show` and the site say of metrics: which counts, which has a best value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from helpers import write_run

import lab.log
import lab.site
from lab.workspace import Workspace

Lab = Callable[..., Any]

CURVES = {
    "train/lr": [0.1, 0.01],
    "time/epoch_seconds": [3.0, 2.0],
    "val/accuracy": [0.625, 0.5],
    "objective/value": [0.625, 0.5],
}


def lines(lab: Lab, run_id: str) -> dict[str, list[str]]:
    found = (line.split() for line in lab("show", run_id).out.splitlines())
    return {words[0]: words[1:] for words in found if words and "/" in words[0]}


def test_the_headline_is_marked_and_a_learning_rate_has_no_best(
    lab: Lab, workspace: Workspace
) -> None:
    write_run(workspace.runs, "20260120_100000", curves=CURVES, headline="val/accuracy")
    found = lines(lab, "20260120")
    assert found["val/accuracy"] == ["(headline)", "62.5%", "1", "50.0%", "max"]
    assert found["train/lr"] == ["0.01000"]
    assert found["time/epoch_seconds"] == ["2.000"]
    page = lab_page(workspace)
    assert '<td>train/lr</td><td class="right" data-key="" title=""></td>' in page
    assert 'class="strong"><td>val/accuracy</td>' in page


@pytest.mark.parametrize(
    ("curves", "record", "told"),
    [
        (CURVES, {}, False),
        (CURVES, {"sweep": {"study": "demo", "trial": 3}}, True),
        (CURVES | {"objective/value": [0.1, 0.2]}, {}, True),  # a value that is nowhere else
        ({"objective/value": [0.1, 0.2]}, {}, True),
    ],
)
def test_what_a_sweep_asks_for_is_told_once(
    lab: Lab, workspace: Workspace, curves: dict[str, Any], record: dict[str, Any], told: bool
) -> None:
    write_run(workspace.runs, "20260120_100000", curves=curves, **record)
    assert ("objective/value" in lines(lab, "20260120")) is told
    assert ("<td>objective/value</td>" in lab_page(workspace)) is told
    entry = lab_entry(workspace)
    assert ("=== objective ===" in entry) is told


def lab_page(workspace: Workspace) -> str:
    folder = lab.site.build(workspace=workspace).index.parent
    return (folder / "runs" / "20260120_100000.html").read_text(encoding="utf-8")


def lab_entry(workspace: Workspace) -> str:
    return lab.log.new("experiment", run="20260120_100000", dry_run=True, workspace=workspace).text


def test_the_accuracy_of_a_class_is_told_with_the_others(lab: Lab, workspace: Workspace) -> None:
    curves = {"val/accuracy": [0.5, 0.75], "val/accuracy/cat": [0.5, 0.25]}
    write_run(workspace.runs, "20260120_100000", curves=curves, headline="val/accuracy")
    assert lines(lab, "20260120")["val/accuracy/cat"] == ["50.0%", "1", "25.0%", "max"]
    assert "=== val ===\nTotal steps: 2\nBest accuracy: 75.00% (step 2)\n" in lab_entry(workspace)
    assert "\nBest accuracy cat: 50.00% (step 1)\n" in lab_entry(workspace)
