"""What the commands on suites print: a plan, how a suite ended, and both as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from lab.record.run import Run
    from lab.suite.plan import PlannedRun
    from lab.suite.runner import Outcome
    from lab.suite.schema import Suite
    from lab.workspace import Workspace


def print_plan(plan: list[PlannedRun], console: Console) -> None:
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for column in ("", "run", "why"):
        table.add_column(column)
    for item in plan:
        mark = "[green]done[/green]" if not item.due else "[yellow]due[/yellow]"
        table.add_row(mark, item.label, item.why)
    console.print(table)
    due = sum(item.due for item in plan)
    noun, verb = ("run", "is") if len(plan) == 1 else ("runs", "are")
    console.print(f"{due} of {len(plan)} {noun} {verb} due.")


def print_end(
    suite: Suite, outcome: Outcome, workspace: Workspace, console: Console, again: str
) -> None:
    from lab.record.catalogue import find_run

    ids = outcome.ids
    runs = [find_run(workspace, run_id) for run_id in ids]
    told = _print_verdict(suite, runs, workspace, console)
    _print_comparison(suite, runs, console, words=not told)
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


def _print_verdict(suite: Suite, runs: list[Run], workspace: Workspace, console: Console) -> bool:
    """The lines that the morning report begins with; whether there are any."""
    from lab.errors import LabError
    from lab.log.report import verdict_lines
    from lab.log.selection import rows_for

    if not runs:
        return False
    item = suite.log_items[0] if suite.log_items else None
    by, metric = (item.by, item.metric) if item else ("arm", None)
    try:
        rows = (item.rows if item else None) or rows_for(runs, metric)
        lines = verdict_lines(suite.name, runs, workspace, by=by, metric=metric, rows=rows)
    except LabError as error:
        console.print(f"\n[yellow]no verdict[/yellow]  {error}", highlight=False)
        return False
    console.print(f"\n{lines[0]}", style="bold", markup=False, highlight=False)
    for line in lines[1:]:
        console.print(line, markup=False, highlight=False)
    return True


def _print_comparison(suite: Suite, runs: list[Run], console: Console, *, words: bool) -> None:
    """What the suite's first log item compares, where there is anything to compare."""
    from lab.comparison import compare
    from lab.comparison.tables import rich_table
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
            console.print(rich_table(comparison, words=words))


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


def outcome_row(suite: Suite, outcome: Outcome, entries: list[str]) -> dict[str, object]:
    return {
        "suite": suite.name,
        "complete": outcome.complete,
        "runs": outcome.ids,
        "ran": [run.id for run in outcome.runs.values()],
        "failed": [run.id for _, run in outcome.failures],
        "not_started": [item.index for item in outcome.not_started],
        "entries": entries,
    }
