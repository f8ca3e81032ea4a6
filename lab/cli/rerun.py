"""`lab rerun`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.options import Json
from lab.cli.run import On, Param, Timeout, follow, pairs

if TYPE_CHECKING:
    from rich.console import Console

    from lab.record.run import Run


def register(app: typer.Typer) -> None:
    app.command("rerun")(rerun)


def rerun(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="The run to repeat.")],
    param: Param = None,
    source: Annotated[
        bool,
        typer.Option(
            "--source", help="The recorded notebook and code instead of those of now (needs git)."
        ),
    ] = False,
    timeout: Timeout = None,
    on: On = "pool",
    as_json: Json = False,
) -> None:
    """Run a recorded run again, and say whether its numbers come again.

    First come the source, packages, data and machine that differ. At the end the numbers are
    exactly equal, or differ no more than seeds do, or by more, or nothing can tell.
    """
    from lab.duration import parse_duration
    from lab.executors import run_notebook
    from lab.reproduce.again import prepared, record
    from lab.workspace import Workspace

    seconds = parse_duration(timeout) if timeout else None
    workspace = Workspace.find()
    with prepared(run_id, pairs(param or []), workspace, source=source, on=on) as again:

        def conclude(ended: Run, console: Console) -> Run:
            run, found = record(ended, again, workspace)
            for late in run.record["rerun"]["differences"][len(again.plan.differences) :]:
                console.print(f"  [yellow]{late}[/yellow]", highlight=False)
            if found is not None:
                console.print(f"  {found.text}", highlight=False, markup=False, soft_wrap=True)
            console.print(f"  lab diff {again.plan.of.id} {run.id}", style="dim", highlight=False)
            return run

        follow(
            again.plan.notebook,
            again.plan.params,
            as_json,
            lambda **watch: run_notebook(
                again.plan.notebook,
                again.plan.params,
                workspace=again.workspace,
                tags=again.plan.tags,
                timeout=seconds,
                on=on,
                **watch,
            ),
            notes=again.plan.differences,
            conclude=conclude,
        )
