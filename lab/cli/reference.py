"""The command reference docs/cli.md, written from the commands' own help: `make docs`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

_HEAD = """# Commands

Written from `--help` by `make docs`; a test holds it to what the commands say.
Exit codes: 0 done; 1 the work itself failed (a run failed, a check found drift); 2 bad input.
"""
_WIDTH = 78  # columns, which is what help takes of any terminal as wide or wider


def commands(command: object, words: tuple[str, ...] = ("lab",)) -> Iterator[tuple[str, ...]]:
    """Every command under `command`, groups before their members."""
    yield words
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        yield from commands(inner, (*words, name))


def reference() -> str:
    """The whole page."""
    from lab.cli import app

    root = typer.main.get_command(app)
    parts = [_HEAD]
    for words in commands(root):
        parts.append(f"## `{' '.join(words)}`\n\n```text\n{_help(root, words)}\n```\n")
    return "\n".join(parts)


def _help(root: Any, words: tuple[str, ...]) -> str:
    command, context = root, _context(root, words[0], None)
    for word in words[1:]:
        command = command.commands[word]
        context = _context(command, word, context)
    return "\n".join(line.rstrip() for line in command.get_help(context).strip().splitlines())


def _context(command: Any, name: str, parent: Any) -> Any:
    return command.context_class(
        command, info_name=name, parent=parent, terminal_width=_WIDTH, **command.context_settings
    )


if __name__ == "__main__":
    page = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
    page.write_text(reference(), encoding="utf-8")
    print(f"wrote {page.name}")
