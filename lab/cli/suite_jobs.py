"""`lab suite status`, `lab suite cancel`, and `lab suite run --detach`: suites on a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from lab.cli.options import Json, SuiteFile
from lab.cli.suite_page import plan_row

if TYPE_CHECKING:
    from rich.console import Console

    from lab.suite.cluster import Standing
    from lab.suite.plan import PlannedRun
    from lab.suite.schema import Suite
    from lab.workspace import Workspace


def register(app: typer.Typer) -> None:
    app.command("status")(status)
    app.command("cancel")(cancel)


_STYLES = {"done": "green", "running": "cyan", "queued": "blue", "due": "yellow"}


def status(file: SuiteFile, as_json: Json = False) -> None:
    """Which runs of a suite are there, under way or in the queue, and why the others are due."""
    from lab.cli.show import print_json, stdout
    from lab.suite import status as suite_status
    from lab.workspace import Workspace

    workspace = Workspace.find()
    rows = suite_status(file, workspace=workspace)
    if as_json:
        print_json([_row(row, workspace) for row in rows])
    else:
        print_standing(rows, stdout())


def cancel(file: SuiteFile, as_json: Json = False) -> None:
    """Cancel the Slurm jobs of a suite; runs under way end as stopped."""
    from lab.cli.show import print_json, stdout
    from lab.numbers import counted
    from lab.suite import cancel as cancel_suite
    from lab.workspace import Workspace

    workspace = Workspace.find()
    cancelled = cancel_suite(file, workspace=workspace)
    stopped = [state.last.run_id for state in cancelled if state.last is not None]
    if as_json:
        jobs = [state.task.job_id for state in cancelled]
        print_json({"cancelled": jobs, "stopped": stopped})
        return
    console = stdout()
    if not cancelled:
        console.print("No Slurm job of this suite is under way or in the queue.")
        return
    waiting = len(cancelled) - len(stopped)
    told = f"{counted(len(stopped), 'run')} stopped, {counted(waiting, 'job')} taken from the queue"
    console.print(told, highlight=False)
    again = f"lab suite run {workspace.relative(file)} --on slurm"
    console.print(f"Again, only what is missing:  [bold]{again}[/bold]", highlight=False)


def detach(
    suite: Suite,
    plan: list[PlannedRun],
    workspace: Workspace,
    console: Console,
    *,
    workers: int | None,
    file: Path,
) -> dict[str, object]:
    """Submit what is due, say what was submitted, and leave it to Slurm; what `--json` prints."""
    from lab.numbers import counted
    from lab.suite.cluster import submit_plan

    made = submit_plan(plan, workspace, workers=workers, retries=suite.retries)
    jobs = sorted({task.job_id.partition("_")[0] for task in made.tasks.values()}, key=int)
    new = len(made.tasks) - made.found
    told = f"{counted(new, 'run')} submitted" + (f" as Slurm job {', '.join(jobs)}" if jobs else "")
    console.print(f"[bold]{suite.name}[/bold]: {told}", highlight=False)
    if made.found:
        console.print(f"{counted(made.found, 'run')} in the queue or under way before")
    for item, error in made.refused:
        console.print(f"[red]refused[/red]  {item.label}  {error}", highlight=False)
    path = workspace.relative(file)
    for command, why in (
        (f"lab suite status {path}", "where they stand"),
        (f"lab suite run {path} --on slurm", "follow them; writes the log entry when all are done"),
        (f"lab suite cancel {path}", "cancel them"),
    ):
        console.print(f"  {command:<52}  {why}", highlight=False)
    if made.refused:
        raise typer.Exit(1)
    return {
        "suite": suite.name,
        "submitted": new,
        "jobs": [made.tasks[index].job_id for index in sorted(made.tasks)],
    }


def print_standing(rows: list[Standing], console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    from lab.numbers import capital, counted

    table = Table(box=None, header_style="bold")
    for column in ("", "run", "id", "why"):
        table.add_column(column)
    for row in rows:
        mark = Text(row.state, _STYLES[row.state])
        # The id of a run that is done stands beside it already.
        why = "" if row.state == "done" else row.why
        table.add_row(mark, row.item.label, row.run_id or "", why)
    console.print(table)
    counts = {state: sum(row.state == state for row in rows) for state in _STYLES}
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    number = counted(len(rows), "run")
    console.print(f"{capital(number)}: {told}." if rows else "The suite has no runs.")


def _row(row: Standing, workspace: Workspace) -> dict[str, object]:
    return plan_row(row.item, workspace) | {
        "state": row.state,
        "id": row.run_id,
        "job": row.job_id,
        "why": row.why,
    }
