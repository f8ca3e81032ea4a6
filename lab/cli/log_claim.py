"""`lab log claim`, `lab log claims`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.cli.options import Json

_STYLES = {"supported": "green", "contradicted": "red", "weakened": "yellow", "unknown": "dim"}


def register(log: typer.Typer) -> None:
    """Add the commands to `lab log`."""
    log.command("claim")(claim)
    log.command("claims")(claims)


def claim(
    text: Annotated[str, typer.Argument(help="What is claimed, in one sentence.")],
    by: Annotated[str, typer.Option(help="The parameter whose values are the arms, or `arm`.")],
    expect: Annotated[
        str, typer.Option(help='In quotes: "a>b" better, "a>=b" no worse, "a=b" as good, "a>b>c".')
    ],
    metric: Annotated[str | None, typer.Option(help="Default: the runs' headline metric.")] = None,
    runs: Annotated[
        str | None, typer.Option(metavar="EXPR", help="Which runs; default all with these arms.")
    ] = None,
    rows: Annotated[str | None, typer.Option(help="It has to hold for each value of this.")] = None,
    margin: Annotated[
        float | None, typer.Option(help="What >= and = allow; 0.01 (a point) for accuracies.")
    ] = None,
    entry: Annotated[
        str | None, typer.Option(help="Put it into this entry: its date or part of its title.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="Another log file than the usual.")] = None,
    day: Annotated[str | None, typer.Option("--date", help="YYYY-MM-DD; default today.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print it.")] = False,
) -> None:
    """Register a claim with the runs that carry it; `lab log check` tests it again later."""
    import lab.log
    from lab.cli.items_table import tell_repeated

    made = lab.log.claim(
        text, by=by, expect=expect, metric=metric, runs=runs, rows=rows, margin=margin,
        entry=entry, file=file, date=day, dry_run=dry_run,
    )  # fmt: skip
    if dry_run:
        typer.echo(made.entry.text)
    else:
        typer.echo(f"{made.says}\n{made.entry.place}")
    tell_repeated(made.entry)


def claims(as_json: Json = False) -> None:
    """Every registered claim, tested again on all runs there are."""
    from rich.table import Table
    from rich.text import Text

    import lab.log
    from lab.cli.show import print_json, stdout

    found = lab.log.claims()
    if as_json:
        print_json([one.as_dict() for one in found])
        return
    if not found:
        typer.echo("No claim is registered; `lab log claim --help` shows how.")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("id", "state", "on its day", "claim", "seeds", "new runs", "where"):
        table.add_column(column)
    for one in found:
        table.add_row(
            one.id, Text(one.state, style=_STYLES.get(one.state, "")), one.on_its_day or "",
            Text(one.text), str(one.seeds), str(len(one.new_runs) or ""), one.place,
        )  # fmt: skip
    stdout().print(table)
    for one in found:
        if one.changed or one.state in ("contradicted", "unknown"):
            stdout().print(f"{one.id}  {one.says}", markup=False, highlight=False)
