"""`lab export` and `lab import`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.options import Json

if TYPE_CHECKING:
    from rich.console import Console

    from lab.exchange.result import Exported, Imported

_SHOWN = 20  # ids that are printed one a line


def register(app: typer.Typer) -> None:
    app.command("export")(export)
    app.command("import")(import_)


def export(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN", help="Runs; without --to the last word is the zip file to write."
        ),
    ] = [],  # noqa: B006 (typer copies it)
    to: Annotated[
        str | None,
        typer.Option(metavar="TOOL:ADDRESS", help="mlflow:URI, mlflow:DIR or tensorboard:DIR."),
    ] = None,
    where: Annotated[
        str | None, typer.Option(metavar="EXPR", help="All ended runs that match, as in lab runs.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write runs to a zip file, MLflow or TensorBoard.

    The zip file holds a checksum of every file, for `lab import` on another machine.
    Nothing is overwritten: a run that the target holds already is left as it is there.
    """
    import lab
    from lab.cli.show import print_json, stdout

    file = words[-1] if words and to is None else None
    run_ids = words if to is not None else words[:-1]
    done = lab.export(*run_ids, file=file, to=to, where=where)
    if as_json:
        print_json(done.as_dict())
    else:
        _print_exported(done, stdout())


def import_(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A zip file of lab export, an MLflow address, database or folder, TensorBoard "
            "event files or a folder of them, or a CSV file.",
        ),
    ],
    kind: Annotated[
        str | None,
        typer.Option("--from", metavar="KIND", help="zip, mlflow, tensorboard or csv."),
    ] = None,
    new_ids: Annotated[
        bool,
        typer.Option("--new-ids", help="Give a run a new id where another run has its own (zip)."),
    ] = False,
    experiment: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this experiment (mlflow); repeat it."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="A column that is a metric (csv); repeat it."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring in runs of a zip file, MLflow, TensorBoard, CSV.

    Either all come in or none. Nothing is overwritten: what is here already is passed over.
    """
    import lab
    from lab.cli.show import print_json, stdout

    done = lab.import_runs(
        source, kind=kind, new_ids=new_ids, experiments=experiment or (), metrics=metric or ()
    )
    if as_json:
        print_json(done.as_dict())
    else:
        _print_imported(done, stdout())


def _print_exported(done: Exported, console: Console) -> None:
    from lab.numbers import capital, counted

    console.print(f"{capital(counted(len(done.runs), 'run'))} written to {done.target}")
    if done.there:
        console.print(f"{capital(counted(len(done.there), 'run'))} there already, not touched")
    _print_notes(done.notes, console)


def _print_imported(done: Imported, console: Console) -> None:
    from lab.numbers import capital, counted

    console.print(f"{capital(counted(len(done.runs), 'run'))} imported from {done.source}")
    old = {new: was for was, new in done.renamed}
    for run_id in done.runs[:_SHOWN]:
        was = f"  (was {old[run_id]})" if run_id in old else ""
        console.print(f"  {run_id}{was}", highlight=False)
    if len(done.runs) > _SHOWN:
        console.print(f"  ... and {len(done.runs) - _SHOWN} more")
    if done.here:
        console.print(f"{capital(counted(len(done.here), 'run'))} here already, passed over")
    _print_notes(done.notes, console)


def _print_notes(notes: tuple[str, ...], console: Console) -> None:
    for note in notes:
        console.print(note, style="yellow", highlight=False, markup=False)
