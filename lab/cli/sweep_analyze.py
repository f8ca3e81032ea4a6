"""`lab sweep analyze`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.cli.sweep import Json, Name, app


def register() -> None:
    """Beside the other commands of `lab sweep`."""
    app.command("analyze")(analyze)


def analyze(
    study: Name,
    out: Annotated[
        Path | None,
        typer.Option(help="Write the card, its tables and numbers into this folder."),
    ] = None,
    as_json: Json = False,
) -> None:
    """The card of a study: what its trials show, and what they do not, as Markdown."""
    import sys

    from lab.cli.show import print_json, stderr
    from lab.log.card_text import card_text, write_card
    from lab.sweep.analysis import analyze as compute
    from lab.sweep.analysis import as_json as plain
    from lab.workspace import Workspace

    workspace = Workspace.find()
    found = compute(study, workspace=workspace)
    if as_json:
        print_json(plain(found))
    elif out is None:
        sys.stdout.write(card_text(found, workspace))
    if out is not None:
        for path in write_card(found, out, workspace):
            stderr().print(f"wrote {path}", highlight=False)
