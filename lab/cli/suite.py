"""`lab suite run`, `lab suite status`, `lab overnight`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli import suite_jobs
from lab.cli.options import Json, SuiteFile
from lab.cli.suite_page import outcome_row, plan_row, print_end, print_plan

if TYPE_CHECKING:
    from rich.console import Console

    from lab.suite.plan import PlannedRun
    from lab.suite.runner import Outcome
    from lab.suite.schema import Suite
    from lab.workspace import Workspace

OVERNIGHT = Path("experiments/suites/overnight.yaml")

Workers = Annotated[int | None, typer.Option(min=1, help="Runs at a time, instead of the file's.")]
On = Annotated[
    str,
    typer.Option("--on", help="Where runs execute: pool, inline, slurm, dask or dask:HOST:PORT."),
]
Detach = Annotated[bool, typer.Option("--detach", help="With --on slurm: submit, and come back.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Run all, also what is there already.")]
Until = Annotated[str | None, typer.Option(help="Start no run after this time, as 07:00.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would run, and why.")]

app = typer.Typer(help="Run many notebooks as one piece of work.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    suite_jobs.register(app)
    root.add_typer(app, name="suite")
    root.command("overnight")(overnight)


@app.command("run")
def run(
    file: SuiteFile,
    workers: Workers = None,
    on: On = "pool",
    fresh: Fresh = False,
    until: Until = None,
    detach: Detach = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Run what a suite asks for and is not there yet, then write its log entry."""
    _run(file, workers, on, fresh, until, detach, dry_run, as_json)


def overnight(
    workers: Workers = None,
    on: On = "pool",
    fresh: Fresh = False,
    until: Until = None,
    detach: Detach = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """The same as `lab suite run experiments/suites/overnight.yaml`."""
    from lab.workspace import Workspace

    file = Workspace.find().root / OVERNIGHT
    _run(file, workers, on, fresh, until, detach, dry_run, as_json)


def _run(
    file: Path,
    workers: int | None,
    on: str,
    fresh: bool,
    until: str | None,
    detach: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    from lab.cli.show import print_json, stderr, stdout
    from lab.suite import plan_suite, read_suite
    from lab.workspace import Workspace

    workspace = Workspace.find()
    suite = read_suite(file)
    plan = plan_suite(suite, workspace, fresh=fresh)
    console = stderr() if as_json else stdout()
    if dry_run:
        if as_json:
            print_json([plan_row(item, workspace) for item in plan])
        else:
            print_plan(plan, console)
        return
    if detach:
        _detach(suite, plan, workspace, console, workers, on, until, file, as_json)
        return
    outcome = _execute(suite, plan, workspace, console, workers=workers, on=on, until=until)
    entries = _write_entries(suite, outcome, workspace, console)
    if as_json:
        print_json(outcome_row(suite, outcome, entries))
    else:
        again = f"lab suite run {workspace.relative(file)}" + (
            f" --on {on}" if on != "pool" else ""
        )
        print_end(suite, outcome, workspace, console, again)
    if not outcome.complete:
        raise typer.Exit(1)


def _detach(
    suite: Suite,
    plan: list[PlannedRun],
    workspace: Workspace,
    console: Console,
    workers: int | None,
    on: str,
    until: str | None,
    file: Path,
    as_json: bool,
) -> None:
    from lab.cli.show import print_json
    from lab.errors import InputError

    if on != "slurm" or until is not None:
        raise InputError(
            "Only Slurm goes on without this process, and without a clock",
            seen=f"--on {on} --detach" + (f" --until {until}" if until else ""),
            do="Say --on slurm --detach.",
        )
    told = suite_jobs.detach(suite, plan, workspace, console, workers=workers, file=file)
    if as_json:
        print_json(told)


def _execute(
    suite: Suite,
    plan: list[PlannedRun],
    workspace: Workspace,
    console: Console,
    *,
    workers: int | None,
    on: str,
    until: str | None,
) -> Outcome:
    from datetime import datetime

    from lab.cli.ahead import load_ahead
    from lab.cli.progress import Progress
    from lab.duration import parse_clock
    from lab.suite import run_suite_plan
    from lab.suite.runner import check_until, workers_for

    due = [item for item in plan if item.due]
    deadline = parse_clock(until, datetime.now()) if until else None
    check_until(deadline, on)
    count = workers_for(on, workers, suite.workers)
    pace = f"{count} at a time" if count else "as many at a time as Slurm has room for"
    planned = f"{len(plan)} {'run' if len(plan) == 1 else 'runs'}"
    console.print(f"[bold]{suite.name}[/bold]: {len(due)} of {planned} to do, {pace}")
    if due and on == "slurm":
        console.print("Ctrl-C cancels the jobs; with --detach they are left to Slurm", style="dim")
    if len(due) < len(plan):
        there = len(plan) - len(due)
        verb = "is" if there == 1 else "are"
        console.print(f"{there} {verb} done already (lab suite status says which)")
    if due:
        load_ahead()
    with Progress(due, workspace, console) as progress:
        return run_suite_plan(
            plan,
            workspace,
            on=on,
            workers=count,
            retries=suite.retries,
            until=deadline,
            watcher=progress,
        )


def _write_entries(
    suite: Suite, outcome: Outcome, workspace: Workspace, console: Console
) -> list[str]:
    """Write the log entries of a suite that ran something; says where each one stands."""
    from lab.suite.cluster import owed_entries

    owed = owed_entries(outcome.plan, workspace)
    if not (outcome.runs or owed) or outcome.not_started or outcome.interrupted:
        return []
    if not outcome.entries_are_due:
        if suite.log_items:
            console.print("log entry  left to the other process that carried out this suite")
        return []
    from lab.errors import LabError
    from lab.log import new_for_suite

    written = []
    for item in suite.log_items:
        try:
            entry = new_for_suite(suite.name, item, outcome.ids, workspace)
        except LabError as error:
            # The runs are there all the same, and so are the suite's other entries.
            console.print(f"[yellow]no {item.kind} entry[/yellow]  {error}", highlight=False)
            continue
        written.append(entry.place)
        console.print(f"log entry  [bold]{entry.title}[/bold]  {entry.place}", highlight=False)
    for note in owed:
        note.unlink(missing_ok=True)
    return written
