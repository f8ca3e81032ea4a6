"""Every command is documented, and the page says what the commands say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from lab.cli import app
from lab.cli.reference import commands, reference

ROOT = Path(__file__).parents[3]


def test_the_page_is_what_the_commands_say() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == reference(), "run `make docs`"


def test_every_command_and_option_has_help() -> None:
    def walk(command: object, words: str) -> list[str]:
        missing = [] if getattr(command, "help", None) else [words]
        for parameter in getattr(command, "params", []):
            if not getattr(parameter, "help", None):
                missing.append(f"{words} {parameter.name}")
        for name, inner in getattr(command, "commands", {}).items():
            missing += walk(inner, f"{words} {name}")
        return missing

    assert walk(typer.main.get_command(app), "lab") == []


def test_the_commands_of_the_contract_are_there() -> None:
    there = {" ".join(words[1:]) for words in commands(typer.main.get_command(app))}
    wanted = """run; suite run; suite status; overnight; runs; show; diagnose; rerun; note; tag;
    archive; check; compare; log new; log list; log actions; log done; log status; log check;
    log refresh; data list; data get; data path; presets; doctor"""
    assert {" ".join(words.split()) for words in wanted.split(";")} <= there


@pytest.mark.parametrize(
    "heavy", ["torch", "pandas", "scipy", "papermill", "nbformat", "pydantic", "sklearn", "numpy"]
)
def test_help_imports_nothing_heavy(heavy: str) -> None:
    code = (
        "import sys; sys.argv = ['lab', '--help']\n"
        "from lab.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"sys.exit({heavy!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0
