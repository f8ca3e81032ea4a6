"""The command reference docs/cli.md, written from the commands' own help: `make docs`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import typer

_HEAD = """# Commands

Written from `--help` by `make docs`; a test holds it to what the commands say.
Exit codes: 0 done; 1 the work itself failed (a run failed, a check found drift); 2 bad input.
"""


def commands(command: object, words: tuple[str, ...] = ("lab",)) -> Iterator[tuple[str, ...]]:
    """Every command under `command`, groups before their members."""
    yield words
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        yield from commands(inner, (*words, name))


def reference() -> str:
    """The whole page."""
    from lab.cli import app

    parts = [_HEAD]
    for words in commands(typer.main.get_command(app)):
        parts.append(f"## `{' '.join(words)}`\n\n```text\n{_help(words)}\n```\n")
    return "\n".join(parts)


def _help(words: tuple[str, ...]) -> str:
    # A process of its own, so that the page is what a terminal of 100 columns without colour shows.
    environment = os.environ | {"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1", "LINES": "40"}
    for name in ("FORCE_COLOR", "GITHUB_ACTIONS", "PY_COLORS"):
        environment.pop(name, None)
    shown = subprocess.run(
        [sys.executable, "-m", "lab.cli", *words[1:], "--help"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return "\n".join(line.rstrip() for line in shown.stdout.strip().splitlines())


if __name__ == "__main__":
    page = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
    page.write_text(reference(), encoding="utf-8")
    print(f"wrote {page.name}")
