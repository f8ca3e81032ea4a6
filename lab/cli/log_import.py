"""`lab log import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.options import Json

if TYPE_CHECKING:
    from lab.log.importing import ImportResult


_MARKS = {"imported": "new", "present": "there", "different": "there, other text"}


def register(app: typer.Typer) -> None:
    app.command("import")(import_)


def import_(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="A log written elsewhere.")],
    file: Annotated[
        Path | None, typer.Option(help="The log file it goes to; default: by what it holds.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would come.")] = False,
    as_json: Json = False,
) -> None:
    """Bring the entries of another log in: each as it is, in date order, and only once.

    Dated entries go to the research log, or to the experiment log where all are experiments. A
    document without any date becomes a file of its own among the longer write-ups.
    """
    import lab.log
    from lab.cli.show import print_json

    result = lab.log.import_entries(source, file, dry_run=dry_run)
    if as_json:
        print_json(result.as_dict())
    else:
        _print(result, dry_run)


def _print(result: ImportResult, dry_run: bool) -> None:
    from rich.table import Table

    from lab.cli.show import stdout
    from lab.numbers import counted

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("", "date", "title", "actions", "open", "where"):
        table.add_column(column)
    for entry in result.entries:
        table.add_row(
            _MARKS[entry.state],
            entry.date or "",
            entry.title,
            str(entry.actions or ""),
            str(entry.open or ""),
            entry.place,
        )
    console = stdout()
    if result.entries:
        console.print(table, markup=False)
    new = [entry for entry in result.entries if entry.state == "imported"]
    would = "would go" if dry_run else "went"
    if new or result.written:
        items = counted(sum(entry.actions for entry in new), "action item")
        typer.echo(
            f"{counted(len(new), 'entry', 'entries')} with {items} {would} to {result.target}"
        )
    else:
        typer.echo("Nothing is new: every entry is there already.")
    if count := result.count("different"):
        one = "One entry is" if count == 1 else f"{count} entries are"
        typer.echo(f"{one} there with other text: compare by hand, neither text was changed")
    if result.releveled:
        typer.echo(
            f"The headings of {counted(result.releveled, 'entry', 'entries')} moved to the level "
            "that entries have here"
        )
    if result.left_out:
        typer.echo(f"{counted(result.left_out, 'line')} outside any entry stayed behind")
