"""Options that several commands have, each with one wording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SuiteFile = Annotated[Path, typer.Argument(help="The suite's YAML file.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Interesting = Annotated[
    float | None,
    typer.Option(
        metavar="SIZE",
        help="The smallest difference worth knowing, in the metric's unit: 0.01 is one point.",
    ),
]
Mix = Annotated[bool, typer.Option("--mix", help="A verdict even over mixed settings or data.")]
