"""Somebody installs another `lab` while runs go on: they end as they would have."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from aftermath import Scene, said_by

import lab

HOLD = (
    "while not os.path.exists(place + '.go'):\n    time.sleep(0.05)\n"
    "run.log({'val/x': 1.0}, step=4)"
)
# What a module that was rewritten meanwhile does to those that were imported before.
BROKEN = "raise ImportError(\"cannot import name 'newer' from an older lab\")\n"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A copy of `lab` that a test may change."""
    shutil.copytree(
        Path(lab.__file__).parent,
        tmp_path / "installed" / "lab",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    return tmp_path / "installed"


def replace(installed: Path) -> None:
    """Make every module of the copy another one, as an upgrade may."""
    for module in (installed / "lab").rglob("*.py"):
        module.write_text(BROKEN, encoding="utf-8")
    for cache in list((installed / "lab").rglob("__pycache__")):
        shutil.rmtree(cache)


@pytest.mark.parametrize("warm", ["on", "off"])
def test_a_run_under_way_ends_well(scene: Scene, installed: Path, warm: str) -> None:
    env = {"PYTHONPATH": str(installed), "LAB_WARM": warm}
    going = scene.run(trouble=HOLD, env=env)
    (run_id,) = scene.in_trouble()
    replace(installed)
    (scene.witness / f"{run_id}.go").touch()
    said_by(going, code=0)
    (run,) = scene.aftermath()
    assert run.status == "done"
    assert run.last("val/x") == 1.0
    assert run.path.notebook.exists()


def test_a_suite_ends_with_its_verdict_and_entry(scene: Scene, installed: Path) -> None:
    """What a suite does after its last run is loaded before its first one."""
    file = scene.suite(seeds=1, workers=1, trouble=HOLD)
    with (scene.root / file).open("a") as suite:
        suite.write("log: {kind: suite, by: arm, title: After the upgrade}\n")
    night = scene.lab("suite", "run", file, env={"PYTHONPATH": str(installed)})
    (run_id,) = scene.in_trouble()
    replace(installed)
    (scene.witness / f"{run_id}.go").touch()
    said = said_by(night, code=0)
    assert "log entry" in said
    assert "After the upgrade" in (scene.root / "docs" / "research_log.md").read_text()
    assert [run.status for run in scene.aftermath()] == ["done"]
    assert "0 of 1 run to do" in said_by(scene.lab("suite", "run", file), code=0)
