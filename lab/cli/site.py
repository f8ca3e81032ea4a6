"""`lab site build`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Logs and runs as pages that open without a server.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    root.add_typer(app, name="site")


@app.callback()
def _site() -> None:
    """Logs and runs as pages that open without a server."""


@app.command("build")
def build(
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Default: the folder `site`.")
    ] = None,
    where: Annotated[
        str | None, typer.Option(metavar="EXPR", help='Only runs that match: "status == done".')
    ] = None,
    notebooks: Annotated[
        bool, typer.Option("--notebooks/--no-notebooks", help="With the executed notebooks.")
    ] = True,
    full_figures: Annotated[
        bool, typer.Option("--full-figures", help="Figures as they were saved, not made smaller.")
    ] = False,
) -> None:
    """Write the log and the runs as a folder of pages: entries, runs with curves, open actions."""
    import lab.site
    from lab.numbers import counted, size_text

    site = lab.site.build(out, where=where, notebooks=notebooks, full_figures=full_figures)
    held = f"{counted(site.entries, 'entry', 'entries')}, {counted(site.runs, 'run')}"
    typer.echo(
        f"{site.index}\n{counted(site.pages, 'page')} ({held}), {size_text(site.size)}; "
        f"{counted(site.written, 'file')} written, {site.removed or 'none'} removed"
    )
