"""`lab plot`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("plot")(plot)


def plot(
    metric: Annotated[str, typer.Option(help="What is drawn over epochs, as val/loss.")],
    by: Annotated[str, typer.Option(help="What the arms are: a parameter, or `arm` of a suite.")],
    where: Annotated[
        str | None, typer.Option(metavar="EXPR", help='Which runs, as "suite.name == pilot".')
    ] = None,
    rows: Annotated[str | None, typer.Option(help="One panel per value of this.")] = None,
    seed_param: Annotated[str, typer.Option(help="The parameter that only repeats.")] = "seed",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A .png, .svg, .pdf or .html; default a .png here."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="The numbers as one JSON document, no file.")
    ] = False,
) -> None:
    """Draw a metric over epochs: mean and band over seeds, a line per arm."""
    from lab.cli.show import print_json, stdout
    from lab.errors import InputError
    from lab.plotting import curves_of_runs, figure_name, save_plot
    from lab.plotting.files import kind_of
    from lab.plotting.limits import cut_bands
    from lab.record.catalogue import find_runs
    from lab.workspace import Workspace

    path = out or Path(f"{figure_name(metric, by, rows)}.png")
    kind_of(path)
    found = find_runs(Workspace.find(), where=where)
    if where and not found:
        raise InputError("No run matches", seen=where, do="See `lab runs`.")
    curves = curves_of_runs(found, metric=metric, by=by, rows=rows, seed_param=seed_param)
    if as_json:
        print_json(curves.as_dict())
        return
    save_plot(curves, path, force=force)
    told = f"{curves.bands} {cut_bands(curves)}".strip()
    stdout().print(f"{path}\n{told}", highlight=False, markup=False)
    for note in curves.notes:
        stdout().print(note, highlight=False, markup=False)
