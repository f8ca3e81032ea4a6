"""`lab new notebook`."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="Start something from what is there.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    root.add_typer(app, name="new")


@app.callback()
def _group() -> None:
    """Start something from what is there."""


@app.command("notebook")
def notebook(
    path: Annotated[str, typer.Argument(metavar="PATH", help="As ablations/dropout.")],
    source: Annotated[
        str, typer.Option("--from", metavar="NOTEBOOK", help="The one to copy, as domains/image.")
    ],
    title: Annotated[str | None, typer.Option(help="Default: made from PATH.")] = None,
) -> None:
    """Copy a notebook: same cells and parameters, a title of its own, no outputs."""
    import lab
    from lab.numbers import counted

    made = lab.new_notebook(path, source, title=title)
    count = counted(len(made.parameters), "parameter")
    typer.echo(f"{made.path}  {made.title!r}, {count}, from {made.source}")
    typer.echo("Say in its first cell what it asks; then:")
    typer.echo(f"  lab run {made.path} --help")
    typer.echo(f"  lab run {made.path}")
