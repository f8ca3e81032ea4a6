"""`lab data list|get|precompute|path`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

app = typer.Typer(help="Data sets: what is there, where, and how to get it.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A data set; `lab data list` shows all.")]


def register(root: typer.Typer) -> None:
    root.add_typer(app, name="data")


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Every data set, and whether it is there."""
    from rich.table import Table

    from lab.cli.show import print_json, stdout
    from lab.datasets import datasets

    found = [_row(name, item) for name, item in datasets().items()]
    if as_json:
        print_json(found)
        return
    table = Table(box=None, header_style="bold")
    for column in ("data set", "domain", "there", "what it is"):
        table.add_column(column)
    for row in found:
        there = "embedded" if row["embedded"] else "yes" if row["available"] else "no"
        style = "green" if row["available"] else "yellow"
        table.add_row(row["id"], row["domain"], f"[{style}]{there}[/{style}]", row["description"])
    stdout().print(table)
    missing = [row for row in found if not row["available"]]
    for row in missing:
        stdout().print(f"{row['id']}: {row['get']}", style="dim", highlight=False)


@app.command("get")
def get(name: Name) -> None:
    """Fetch a data set, if it can be fetched."""
    from lab.cli.show import stdout
    from lab.datasets import fetched

    stdout().print(str(fetched(name)), highlight=False, soft_wrap=True)


@app.command("precompute")
def precompute(
    name: Name,
    n_fft: Annotated[int, typer.Option(min=2, help="Samples of a spectrogram window.")] = 1024,
    hop: Annotated[int, typer.Option(min=1, help="Samples between two frames.")] = 512,
) -> None:
    """Write the spectrograms of every recording once; trainings find them by themselves."""
    from lab.cli.show import stdout
    from lab.datasets import precomputed

    for folder in precomputed(name, n_fft=n_fft, hop=hop):
        stdout().print(str(folder), highlight=False, soft_wrap=True)


@app.command("path")
def path(
    name: Name, as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False
) -> None:
    """Where a data set's file or folder is."""
    from lab.cli.show import print_json, stdout
    from lab.datasets import located

    found = located(name)
    if as_json:
        print_json({"id": name, "path": str(found)})
    else:
        stdout().print(str(found), highlight=False, soft_wrap=True)


def _row(name: str, item: Any) -> Mapping[str, Any]:
    from lab.datasets import advice

    found = item.find()
    return {
        "id": name,
        "domain": item.domain,
        "description": item.description,
        "embedded": item.embedded,
        "available": bool(item.embedded or found),
        "path": str(found) if found else None,
        "get": advice(item),
    }
