"""`lab suite run`, `lab suite status`, `lab overnight`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from lab.record.run import Run
    from lab.suite.plan import PlannedRun
    from lab.suite.runner import Outcome
    from lab.suite.schema import Suite
    from lab.workspace import Workspace

OVERNIGHT = Path("experiments/suites/overnight.yaml")

File = Annotated[Path, typer.Argument(help="The suite's YAML file.", show_default=False)]
Workers = Annotated[int | None, typer.Option(min=1, help="Runs at a time, instead of the file's.")]
On = Annotated[
    str,
    typer.Option("--on", help="Where runs execute: pool, inline, slurm, dask or dask:HOST:PORT."),
]
Detach = Annotated[bool, typer.Option("--detach", help="With --on slurm: submit, and come back.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Run all, also what is there already.")]
Until = Annotated[str | None, typer.Option(help="Start no run after this time, as 07:00.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would run, and why.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]

app = typer.Typer(help="Run many notebooks as one piece of work.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    root.add_typer(app, name="suite")
    root.command("overnight")(overnight)


@app.command("run")
def run(
    file: File,
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
            _print_plan(plan, console)
        return
    if detach:
        _detach(suite, plan, workspace, console, workers, on, until, file, as_json)
        return
    outcome = _execute(suite, plan, workspace, console, workers=workers, on=on, until=until)
    entries = _write_entries(suite, outcome, workspace, console)
    if as_json:
        print_json(_outcome_json(suite, outcome, entries))
    else:
        again = f"lab suite run {workspace.relative(file)}" + (
            f" --on {on}" if on != "pool" else ""
        )
        _print_end(suite, outcome, workspace, console, again)
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
    from lab.cli.suite_jobs import detach
    from lab.errors import InputError

    if on != "slurm" or until is not None:
        raise InputError(
            "Only Slurm goes on without this process, and without a clock",
            seen=f"--on {on} --detach" + (f" --until {until}" if until else ""),
            do="Say --on slurm --detach.",
        )
    told = detach(suite, plan, workspace, console, workers=workers, file=file)
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
    console.print(f"[bold]{suite.name}[/bold]: {len(due)} of {len(plan)} runs to do, {pace}")
    if due and on == "slurm":
        console.print("Ctrl-C cancels the jobs; with --detach they are left to Slurm", style="dim")
    if len(due) < len(plan):
        console.print(f"{len(plan) - len(due)} are done already (lab suite status says which)")
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


def _print_plan(plan: list[PlannedRun], console: Console) -> None:
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for column in ("", "run", "why"):
        table.add_column(column)
    for item in plan:
        mark = "[green]done[/green]" if not item.due else "[yellow]due[/yellow]"
        table.add_row(mark, item.label, item.why)
    console.print(table)
    due = sum(item.due for item in plan)
    console.print(f"{due} of {len(plan)} runs are due.")


def _print_end(
    suite: Suite, outcome: Outcome, workspace: Workspace, console: Console, again: str
) -> None:
    from lab.record.catalogue import find_run

    ids = outcome.ids
    runs = [find_run(workspace, run_id) for run_id in ids]
    _print_verdict(suite, runs, workspace, console)
    _print_comparison(suite, runs, console)
    _print_failures(outcome, console)
    console.print()
    if outcome.complete:
        console.print("What to try next:")
        for command, why in (
            (f"lab show {ids[-1]}", "one run: parameters, best against last"),
            ("lab log actions --open", "what the entry asks for"),
            ("lab runs", "every run, newest first"),
            ("make lab", "the same notebooks in JupyterLab"),
        ):
            console.print(f"  {command:<32}  {why}", highlight=False)
    else:
        console.print(f"Again, only what is missing:  [bold]{again}[/bold]", highlight=False)


def _print_verdict(suite: Suite, runs: list[Run], workspace: Workspace, console: Console) -> None:
    """The lines that the morning report begins with."""
    from lab.errors import LabError
    from lab.log.report import verdict_lines
    from lab.log.selection import rows_for

    if not runs:
        return
    item = suite.log_items[0] if suite.log_items else None
    by, metric = (item.by, item.metric) if item else ("arm", None)
    try:
        rows = (item.rows if item else None) or rows_for(runs, metric)
        lines = verdict_lines(suite.name, runs, workspace, by=by, metric=metric, rows=rows)
    except LabError as error:
        console.print(f"\n[yellow]no verdict[/yellow]  {error}", highlight=False)
        return
    console.print(f"\n{lines[0]}", style="bold", markup=False, highlight=False)
    for line in lines[1:]:
        console.print(line, markup=False, highlight=False)


def _print_comparison(suite: Suite, runs: list[Run], console: Console) -> None:
    """What the suite's first log item compares, where there is anything to compare."""
    from lab.comparison import compare
    from lab.errors import LabError
    from lab.log.selection import rows_for

    for item in suite.log_items[:1]:
        try:
            rows = item.rows or rows_for(runs, item.metric)
            comparison = compare(runs, by=item.by, metric=item.metric, rows=rows)
        except LabError as error:
            console.print(f"\n[yellow]no comparison[/yellow]  {error}", highlight=False)
        else:
            console.print()
            console.print(comparison)


def _print_failures(outcome: Outcome, console: Console) -> None:
    from lab.cli.show import failure_text
    from lab.numbers import counted

    failed = outcome.failures
    if failed or outcome.refused:
        bad = counted(len(failed) + len(outcome.refused), "run")
        console.print(f"\n[red]{bad} did not end well[/red]")
    for item, run in failed:
        console.print(failure_text(item.label, run))
    for item, error in outcome.refused:
        console.print(f"  {item.label}: {error}")
    if outcome.not_started:
        left = len(outcome.not_started)
        verb = "was" if left == 1 else "were"
        console.print(f"[yellow]{counted(left, 'run')} {verb} not started[/yellow]")


def plan_row(item: PlannedRun, workspace: Workspace) -> dict[str, object]:
    return {
        "suite": item.suite,
        "arm": item.arm,
        "index": item.index,
        "matrix": item.matrix,
        "notebook": workspace.relative(item.notebook),
        "params": item.params,
        "due": item.due,
        "id": item.satisfied_by,
        "why": item.why,
    }


def _outcome_json(suite: Suite, outcome: Outcome, entries: list[str]) -> dict[str, object]:
    return {
        "suite": suite.name,
        "complete": outcome.complete,
        "runs": outcome.ids,
        "ran": [run.id for run in outcome.runs.values()],
        "failed": [run.id for _, run in outcome.failures],
        "not_started": [item.index for item in outcome.not_started],
        "entries": entries,
    }
