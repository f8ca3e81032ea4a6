"""The page that `lab show` prints."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lab.cli.show import error_line, metric_value, status_text
from lab.duration import show_duration
from lab.record.advice import next_step
from lab.record.metrics import is_bookkeeping
from lab.record.resources import used_text

if TYPE_CHECKING:
    from lab.record.run import Run
    from lab.workspace import Workspace

_MANY = 12  # parameters; more would push the rest of the page off the screen


def print_run(run: Run, workspace: Workspace, console: Console) -> None:
    """Everything a person asks of one run, on one screen."""
    record = run.record
    title = Text(run.id, style="bold")
    if run.name and run.name != run.id:
        title.append(f"  {run.name}")
    title.append("  ").append(status_text(run.status, run.reason))
    console.print(title)
    console.print(_facts(run, workspace), markup=False)
    if record.get("error"):
        console.print(Text(error_line(record["error"]), style="red"))
    if advice := next_step(run):
        console.print(Text(advice, style="yellow"))
    if run.metrics:
        console.print()
        console.print(_metrics(run), markup=False)
    if run.params:
        console.print()
        console.print(_params(run.params), markup=False)
    for name, text in run.notes.items():
        console.print(f"note  {name}: {text}", highlight=False, markup=False)


def _facts(run: Run, workspace: Workspace) -> Table:
    record = run.record
    git = record.get("git") or {}
    table = Table.grid(padding=(0, 2))
    table.add_row("notebook", run.notebook or "-")
    if record.get("suite"):
        suite = record["suite"]
        table.add_row("suite", f"{suite['name']}, arm {suite['arm']}")
    if run.trial:
        table.add_row("trial", run.trial)
    started = f"{run.started:%Y-%m-%d %H:%M:%S} UTC" if run.started else "-"
    table.add_row("started", f"{started}, took {show_duration(run.seconds)}")
    host = record.get("host") or "machine not said"
    table.add_row("on", f"{host}, {record.get('device') or 'device not said'}")
    if used := used_text(record):
        table.add_row("used", used)
    if git.get("sha"):
        dirty = ", with changes" if git.get("dirty") else ""
        if dirty:
            there = run.path.diff.exists()
            dirty += " (environment/diff.patch)" if there else " to other files than code"
        table.add_row("code", f"{git['sha'][:10]} on {git.get('branch')}{dirty}")
    for source in record.get("data") or []:
        table.add_row("data", f"{source['name']}  {str(source['sha256'])[:12]}")
    if run.tags:
        table.add_row("tags", " ".join(run.tags))
    if origin := record.get("imported"):
        table.add_row("imported", f"from {origin['source']} ({origin['from']}, {origin['id']})")
    if again := record.get("rerun"):
        table.add_row("repeats", f"{again['of']}. {again.get('said') or ''}".strip())
    table.add_row("folder", workspace.relative(run.path.root))
    return table


def _params(params: dict[str, Any]) -> Table:
    """Name and value, in two columns of pairs where there are many."""
    pairs = [(name, str(value)) for name, value in params.items()]
    side_by_side = 2 if len(pairs) > _MANY else 1
    height = -(-len(pairs) // side_by_side)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for _ in range(side_by_side):
        table.add_column("parameter")
        table.add_column("value")
    for row in range(height):
        table.add_row(*itertools.chain(*pairs[row::height]))
    return table


def _metrics(run: Run) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("metric", "best", "at step", "last", "goal"):
        table.add_column(column, justify="left" if column in ("metric", "goal") else "right")
    # What tells how the run went has no best value, and comes last.
    told = [(name, entry) for name, entry in run.metrics.items() if name not in run.told_twice]
    for name, entry in sorted(told, key=lambda pair: is_bookkeeping(pair[0])):
        best = (
            _shown(name, entry["best"]),
            "-" if entry["best_step"] is None else str(entry["best_step"]),
        )
        logged = is_bookkeeping(name)
        table.add_row(
            Text(f"{name} (headline)", style="bold") if name == run.headline else Text(name),
            *(("", "") if logged else best),
            _shown(name, entry["last"]),
            "" if logged else entry["goal"],
        )
    return table


def _shown(name: str, value: Any) -> str:
    return "-" if value is None else metric_value(name, value)
