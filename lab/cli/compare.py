"""`lab compare`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("compare")(compare)


def compare(
    by: Annotated[str, typer.Option(help="What the arms are: a parameter, or `arm` of a suite.")],
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
    baseline: Annotated[str | None, typer.Option(help="The arm others are held against.")] = None,
    seed_param: Annotated[str, typer.Option(help="The parameter that only repeats.")] = "seed",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    markdown: Annotated[bool, typer.Option("--md", help="A Markdown table.")] = False,
) -> None:
    """Compare arms over seeds: n, mean, spread, difference to the best and to the baseline."""
    import lab.api
    from lab.cli.show import print_json, stdout

    comparison = lab.api.compare(
        by,
        where=where,
        like=like,
        metric=metric,
        rows=rows,
        baseline=baseline,
        seed_param=seed_param,
    )
    if as_json:
        print_json(comparison.as_dict())
    elif markdown:
        sys.stdout.write(comparison.to_markdown() + "\n")
    else:
        stdout().print(comparison)
