"""`lab log new|list|status`."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from lab.cli import log_actions, log_check, log_claim, log_import
from lab.cli.options import Interesting, Json, Mix

app = typer.Typer(help="The lab log: dated entries written from runs.", no_args_is_help=True)

Many = list[str] | None


def register(root: typer.Typer) -> None:
    log_actions.register(app)
    log_check.register(app)
    log_claim.register(app)
    log_import.register(app)
    root.add_typer(app, name="log")


class _PlotAlone(TyperCommand):
    """Takes `--plot` without a value where an option or nothing follows."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        after = [*args, "--"][1:]
        given = [
            "--plot=" if arg == "--plot" and following.startswith("-") else arg
            for arg, following in zip(args, after, strict=True)
        ]
        return super().parse_args(ctx, given)


@app.command("new", cls=_PlotAlone)
def new(
    kind: Annotated[str, typer.Argument(help="research, experiment, suite, campaign or sweep.")],
    title: Annotated[
        str | None, typer.Argument(help="Default: a verdict made from the data.")
    ] = None,
    category: Annotated[str | None, typer.Option(help="As Architecture or Training.")] = None,
    status: Annotated[str | None, typer.Option(help="As Resolved, Workaround, Open.")] = None,
    related: Annotated[Many, typer.Option(help="A related file; repeat it.")] = None,
    finding: Annotated[Many, typer.Option(help="A sentence of the finding; repeat it.")] = None,
    impact: Annotated[Many, typer.Option(help="What follows from it; repeat it.")] = None,
    action: Annotated[Many, typer.Option(help="An action item; repeat it.")] = None,
    runs: Annotated[
        str | None, typer.Option(metavar="EXPR", help='Which runs, as "suite.name == pilot".')
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="What is compared: a parameter, or `arm`. Default: settings.")
    ] = None,
    metric: Annotated[str | None, typer.Option(help="Default: each run's headline metric.")] = None,
    rows: Annotated[str | None, typer.Option(help="One table row per value of this.")] = None,
    interesting: Interesting = None,
    mix: Mix = False,
    plot: Annotated[
        str | None,
        typer.Option(
            metavar="[METRIC]",
            help="Draw curves into docs/figures; alone: of the compared metric.",
        ),
    ] = None,
    run: Annotated[str | None, typer.Option(help="The run an experiment entry tells of.")] = None,
    baseline: Annotated[
        str | None, typer.Option(help="The arm, or for an experiment the run, to hold against.")
    ] = None,
    suite: Annotated[str | None, typer.Option(help="The suite a suite entry tells of.")] = None,
    study: Annotated[str | None, typer.Option(help="The study a sweep entry tells of.")] = None,
    expect: Annotated[
        str | None, typer.Option(help='Of a planned experiment, as "val/accuracy > 0.7" or words.')
    ] = None,
    param: Annotated[
        Many, typer.Option("--param", "-p", metavar="NAME=VALUE", help="A value planned for it.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="Another log file than the usual.")] = None,
    day: Annotated[str | None, typer.Option("--date", help="YYYY-MM-DD; default today.")] = None,
    edit: Annotated[bool, typer.Option("--edit", help="Open it in $EDITOR first.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the entry.")] = False,
) -> None:
    """Write a log entry: from runs, or by hand.

    An experiment without a run is a planned one, with what is expected of it; the run that has its
    title or name completes the entry later.
    """
    import lab.log
    from lab.cli.items_table import tell_repeated
    from lab.cli.run import pairs

    entry = lab.log.new(
        kind,
        title,
        category=category,
        status=status,
        related=related or (),
        finding=finding or (),
        impact=impact or (),
        actions=action or (),
        runs=runs,
        by=by,
        metric=metric,
        rows=rows,
        run=run,
        baseline=baseline,
        interesting=interesting,
        mix=mix,
        plot=plot,
        suite=suite,
        study=study,
        expect=expect,
        params=pairs(param or []),
        file=file,
        date=_day(day),
        edit=edit,
        dry_run=dry_run,
    )
    if dry_run:
        typer.echo(entry.text)
    else:
        typer.echo(f"{entry.title}\n{entry.place}")
    tell_repeated(entry)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """Every entry of every log file, in order."""
    from rich.table import Table

    import lab.log
    from lab.cli.show import print_json, stdout

    entries = lab.log.entries()
    if as_json:
        print_json([entry.as_dict() for entry in entries])
        return
    if not entries:
        typer.echo("No entry yet: `lab log new` writes one, `lab log import FILE` brings some in.")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("date", "title", "status", "open", "where"):
        table.add_column(column)
    for entry in entries:
        open_items = sum(action.state == "open" for action in entry.actions)
        table.add_row(
            str(entry.date or ""),
            entry.title,
            entry.status or "",
            str(open_items or ""),
            entry.place,
        )
    stdout().print(table, markup=False)


@app.command("status")
def status(
    entry: Annotated[str, typer.Argument(help="Part of an entry's title, or its date.")],
    status: Annotated[str, typer.Argument(help="As Resolved, Confirmed, Workaround.")],
) -> None:
    """Set an entry's status; only its line changes."""
    import lab.log

    changed = lab.log.status(entry, status)
    typer.echo(f"{changed.title}: {changed.status}  ({changed.place})")


def _day(text: str | None) -> date | None:
    from lab.errors import InputError

    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise InputError("Not a date", seen=text, do="Write it as YYYY-MM-DD.") from None
