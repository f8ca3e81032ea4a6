"""`lab presets`."""

from __future__ import annotations

from typing import Annotated

import typer


def register(root: typer.Typer) -> None:
    root.command("presets")(presets)


def presets(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Every preset: parameters by name, for `lab run --preset NAME` and for suites."""
    from rich.table import Table

    from lab.cli.show import print_json, stdout
    from lab.presets import presets as registered

    found = registered()
    if as_json:
        rows = [
            {
                "id": name,
                "notebook": item.notebook,
                "description": item.description,
                "params": dict(item.values),
            }
            for name, item in found.items()
        ]
        print_json(rows)
        return
    table = Table(box=None, header_style="bold")
    for column in ("preset", "notebook", "what it is"):
        table.add_column(column)
    for name, item in found.items():
        table.add_row(name, item.notebook, item.description)
    stdout().print(table)
