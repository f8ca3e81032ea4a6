"""`lab diff`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.cli.options import Json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from lab.reproduce.change import Change
    from lab.reproduce.differing import RunDiff

RunId = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or enough of its start.")]


def register(app: typer.Typer) -> None:
    app.command("diff")(diff)


def diff(
    a: RunId,
    b: RunId,
    patch: Annotated[
        bool, typer.Option("--patch", help="Only the code, as a patch that git apply takes.")
    ] = False,
    as_json: Json = False,
) -> None:
    """In what two runs differ: parameters, code, packages, data, machine, metrics."""
    import lab
    from lab.cli.show import print_json, stdout

    found = lab.diff(a, b)
    if as_json:
        print_json(found.as_dict())
    elif patch:
        _print_patch(found)
    else:
        _print(found, stdout())


def _print_patch(found: RunDiff) -> None:
    from lab.errors import InputError

    if found.code.unknown:
        raise InputError("The code cannot be compared", seen=found.code.unknown, do="Fetch it.")
    typer.echo(found.code.patch, nl=False)


def _print(found: RunDiff, console: Console) -> None:
    a, b = found.a.id, found.b.id
    _section(console, "parameters", _table(found.parameters, a, b))
    _print_code(found, console)
    _print_packages(found, console)
    data = [(change.name, _short(change.a), _short(change.b)) for change in found.data]
    _section(console, "data", _rows(data, a, b))
    _section(console, "machine", _table(found.machine, a, b))
    _section(console, "metrics", _metrics(found))


def _print_packages(found: RunDiff, console: Console) -> None:
    """Versions that changed as a table; what one run has alone in a line."""
    both = [change for change in found.packages if None not in (change.a, change.b)]
    same = "not recorded" if not found.packages_known else "the same"
    if found.packages and not both:
        same = "the same versions"
    _section(console, "packages", _table(both, found.a.id, found.b.id), same)
    for run, alone in (
        (found.a.id, [f"{c.name} {c.a}" for c in found.packages if c.b is None]),
        (found.b.id, [f"{c.name} {c.b}" for c in found.packages if c.a is None]),
    ):
        if alone:
            text = f"  only {run}: {', '.join(alone)}"
            console.print(text, highlight=False, markup=False)


def _section(console: Console, name: str, table: Table | None, same: str = "the same") -> None:
    if table is None:
        console.print(f"[bold]{name}[/bold]  {same}")
    else:
        console.print(f"[bold]{name}[/bold]")
        console.print(table, markup=False)


def _table(changes: Iterable[Change], a: str, b: str) -> Table | None:
    return _rows(((change.name, change.a, change.b) for change in changes), a, b)


def _short(sha256: str | None) -> str | None:
    return sha256 and sha256[:12]


def _rows(rows: Iterable[tuple[str, Any, Any]], a: str, b: str) -> Table | None:
    from rich.table import Table

    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 2))
    for column in ("", a, b):
        table.add_column(column, overflow="fold")
    for name, *values in rows:
        table.add_row(name, *("-" if value is None else str(value) for value in values))
    return table if table.row_count else None


def _print_code(found: RunDiff, console: Console) -> None:
    code = found.code
    if code.same or (code.same is None and not code.files):
        console.print(f"[bold]code[/bold]  {'the same' if code.same else 'not recorded'}")
        return
    commits = " -> ".join(code.commits)
    said = "differs" if code.same is False else "not recorded"
    console.print(f"[bold]code[/bold]  {said} ({commits})", highlight=False)
    if code.unknown:
        console.print(f"  Its files cannot be compared: {code.unknown}", highlight=False)
    for file in code.files:
        counts = "binary" if file.added is None else f"+{file.added} -{file.removed}"
        console.print(f"  {counts:>12}  {file.path}", highlight=False, markup=False)
    for cell in code.cells if code.unknown else ():
        console.print(f"  notebook: {cell}", highlight=False, markup=False)
    if code.files:
        command = f"lab diff {found.a.id} {found.b.id} --patch"
        console.print(f"  {command}", style="dim", highlight=False)


def _metrics(found: RunDiff) -> Table | None:
    from rich.table import Table

    from lab.cli.show import metric_value
    from lab.numbers import delta

    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 2))
    for column in ("", found.a.id, found.b.id, "difference"):
        table.add_column(column, justify="right" if column else "left")
    twice = found.a.told_twice & found.b.told_twice
    for metric in found.metrics:
        if metric.name in twice:
            continue
        values = ("-" if v is None else metric_value(metric.name, v) for v in (metric.a, metric.b))
        change = metric.difference
        said = "" if change is None else delta(metric.name, change, like=metric.a)
        table.add_row(metric.name, *values, "=" if metric.same else said)
    return table if table.row_count else None
