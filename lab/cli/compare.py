"""`lab compare`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from lab.cli.options import Interesting, Mix


def register(app: typer.Typer) -> None:
    app.command("compare")(compare)


def compare(
    by: Annotated[
        str | None,
        typer.Option(
            help="What the arms are: a parameter, or `arm` of a suite. Default: settings."
        ),
    ] = None,
    metric: Annotated[str | None, typer.Option(help="Default: each run's headline metric.")] = None,
    rows: Annotated[
        str | None, typer.Option(help="One table row per value of this, never pooled.")
    ] = None,
    where: Annotated[
        str | None, typer.Option(metavar="EXPR", help='Which runs, as "suite.name == pilot".')
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Only runs with its parameters, but for --by and seed."),
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="The arm all others are tested against. Default: all pairs.")
    ] = None,
    seed_param: Annotated[str, typer.Option(help="The parameter that only repeats.")] = "seed",
    interesting: Interesting = None,
    mix: Mix = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    markdown: Annotated[bool, typer.Option("--md", help="A Markdown table.")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="A LaTeX table.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="One line per row and arm.")] = False,
) -> None:
    """Compare arms over seeds: mean, spread, interval, differences, and what they allow to say."""
    import lab.api
    from lab.cli.show import print_json, stdout
    from lab.errors import InputError

    if as_json + markdown + latex + as_csv > 1:
        raise InputError("One form at a time", do="Give one of --json, --md, --latex, --csv.")
    comparison = lab.api.compare(
        by,
        where=where,
        like=like,
        metric=metric,
        rows=rows,
        baseline=baseline,
        seed_param=seed_param,
        interesting=interesting,
        mix=mix,
    )
    if as_json:
        print_json(comparison.as_dict())
    elif markdown:
        sys.stdout.write(comparison.to_markdown() + "\n")
    elif latex:
        sys.stdout.write(comparison.to_latex() + "\n")
    elif as_csv:
        sys.stdout.write(comparison.to_csv())
    else:
        stdout().print(comparison)
