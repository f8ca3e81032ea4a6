"""`lab sweep refine|compare|promote`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.cli.sweep import Json, Name, app, change_text, interval_text, metric_text

if TYPE_CHECKING:
    from rich.console import Console

    from lab.stats.intervals import Difference
    from lab.sweep.comparing import Side, SweepComparison
    from lab.sweep.promotion import Promotion
    from lab.sweep.refinement import Option
    from lab.workspace import Workspace


def register() -> None:
    """Beside the other commands of `lab sweep`."""
    app.command("refine")(refine)
    app.command("compare")(compare)
    app.command("promote")(promote)


def refine(
    study: Name,
    out: Annotated[
        Path | None, typer.Option(help="The folder of the new files, else experiments/sweeps.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write no file.")] = False,
    as_json: Json = False,
) -> None:
    """Write the next spaces of a study, an aggressive and a conservative one, with reasons."""
    from dataclasses import asdict

    from lab.cli.show import print_json, stdout
    from lab.sweep import read_study, write_refinement
    from lab.sweep import refine as compute
    from lab.sweep.refinement import SWEEPS
    from lab.workspace import Workspace

    workspace = Workspace.find()
    found = compute(read_study(study, workspace))
    folder = out or workspace.root / SWEEPS
    paths = [] if dry_run else write_refinement(found, folder)
    if as_json:
        about = {"study_name": found.study, "files": [str(path) for path in paths]}
        options = {o.name: asdict(o) for o in (found.aggressive, found.conservative)}
        print_json(about | options | {"same": found.same, "notes": list(found.told)})
        return
    console = stdout()
    for option in found.options:
        _print_option(option, console)
    for note in found.told:
        console.print(f"- {note}", highlight=False, markup=False)
    for path in paths:
        console.print(f"lab sweep run {workspace.relative(path)}", highlight=False, markup=False)


def _print_option(option: Option, console: Console) -> None:
    console.print(f"[bold]{option.name}[/bold]", highlight=False)
    console.print(f"  {option.described}", highlight=False)
    if not option.changes:
        console.print("  nothing changes", highlight=False)
    for change in option.changes:
        text = f"  {change.parameter}: {change.old} -> {change.new} ({change.reason})"
        console.print(text, highlight=False, markup=False)


def compare(
    a: Annotated[str, typer.Argument(help="The study before.", show_default=False)],
    b: Annotated[str, typer.Argument(help="The study after.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Whether the second of two studies did better: their winners, and their spaces."""
    from dataclasses import asdict

    from lab.cli.show import print_json, stdout
    from lab.sweep import compare as compute

    found = compute(a, b)
    if as_json:
        answers = {"answer": found.answer, "space_answer": found.space_answer}
        print_json(asdict(found) | answers)
    else:
        _print_comparison(found, stdout())


def _print_comparison(found: SweepComparison, console: Console) -> None:
    from rich.table import Table

    a, b = found.a.study, found.b.study
    table = Table(box=None, header_style="bold")
    for column in ("", a, b):
        table.add_column(column, justify="right" if column else "left")
    for name, cells in _sides(found.a, found.b, found.objective):
        table.add_row(name, *cells)
    console.print(table)
    console.print(f"{found.objective}, {found.direction}d; above zero {b} is better", style="dim")
    if found.winners is None:
        console.print(
            "winners: not compared, since both have to be confirmed on fresh seeds "
            "(`lab sweep run FILE` does it once the search is whole)",
            highlight=False,
        )
    else:
        how = "paired by seed" if found.winners.paired else "unpaired"
        told = _difference(found.winners, found.objective, how)
        console.print(f"winners on fresh seeds: {told}: {_said(found.answer)}", highlight=False)
    if found.spaces is None:
        console.print("spaces: not compared, since too few trials were random", highlight=False)
    else:
        told = _difference(found.spaces, found.objective, "means of the random trials")
        console.print(f"spaces: {told}: {_said(found.space_answer)}", highlight=False)


def _sides(a: Side, b: Side, objective: str) -> list[tuple[str, list[str]]]:
    def text(value: float | None) -> str:
        return "–" if value is None else metric_text(objective, value)

    pair = (a, b)
    return [
        ("complete trials", [str(side.complete) for side in pair]),
        ("best of the search", [text(side.best) for side in pair]),
        (
            "chosen, on fresh seeds",
            [
                "–" if w is None else f"{text(w.mean)} ({len(w.values)})"
                for w in (a.winner, b.winner)
            ],
        ),
        (
            "mean of the random trials",
            [f"{text(side.random_mean)} ({len(side.random)})" for side in pair],
        ),
    ]


def _difference(found: Difference, objective: str, how: str) -> str:
    interval = ""
    if found.low is not None and found.high is not None:
        ends = (
            change_text(objective, end).removesuffix(" points") for end in (found.low, found.high)
        )
        interval = f" [{', '.join(ends)}]"
    return f"{change_text(objective, found.mean)}{interval}, {how}"


def _said(answer: str) -> str:
    return "too few to say" if answer == "unknown" else answer


def promote(
    study: Name,
    top: Annotated[int, typer.Option(min=1, help="How many, of each branch with --by.")] = 5,
    by: Annotated[
        str | None, typer.Option(metavar="NAME", help="The best of each value of this parameter.")
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", metavar="NAME=VALUE", help="A value over the search's."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Fresh seeds for each.")] = 3,
    file: Annotated[
        Path | None,
        typer.Option(help="The suite, else experiments/suites/STUDY_promoted.yaml."),
    ] = None,
    run: Annotated[bool, typer.Option("--run", help="Run the suite at once.")] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Runs at a time, instead of the suite's.")
    ] = None,
    on: Annotated[
        str, typer.Option("--on", help="Where runs execute: pool, inline, slurm or dask.")
    ] = "pool",
    as_json: Json = False,
) -> None:
    """Write a suite that trains the best again on fresh seeds, and compare what it came to."""
    from lab.cli.show import stderr, stdout
    from lab.sweep import promote as compute
    from lab.sweep import read_study
    from lab.workspace import Workspace

    workspace = Workspace.find()
    source = read_study(study, workspace)
    options: dict[str, Any] = {"top": top, "by": by, "seeds": seeds, "file": file}
    options["params"] = _typed(source.space.notebook, param or [], workspace)
    found = compute(source, **options, workspace=workspace)
    console = stderr() if as_json else stdout()
    if run and found.due:
        _run(found.suite, workers, on, workspace, console)
        found = compute(source, **options, workspace=workspace)
    if as_json:
        _print_json(found)
    else:
        _print_promotion(found, workspace, console)
    if run and found.due:
        raise typer.Exit(1)


def _run(file: Path, workers: int | None, on: str, workspace: Workspace, console: Console) -> None:
    from lab.cli.progress import Progress
    from lab.suite import plan_suite, read_suite, run_suite_plan
    from lab.suite.runner import workers_for

    suite = read_suite(file)
    plan = plan_suite(suite, workspace)
    count = workers_for(on, workers, suite.workers)
    with Progress([item for item in plan if item.due], workspace, console) as progress:
        run_suite_plan(
            plan, workspace, on=on, workers=count, retries=suite.retries, watcher=progress
        )


def _typed(notebook: str | None, given: list[str], workspace: Workspace) -> dict[str, Any]:
    """The values of -p as the notebook's annotations say."""
    from lab.cli.run import pairs
    from lab.notebook.contract import read_schema

    texts = pairs(given)
    if not texts or notebook is None:
        return {}
    values = read_schema(workspace.root / notebook, workspace).coerce(texts, text=True)
    return {name: values[name] for name in texts}


def _print_json(found: Promotion) -> None:
    from dataclasses import asdict

    from lab.cli.show import print_json

    rows = [
        asdict(row) | {"mean": row.mean, "interval": row.interval, "gain": found.gain(row)}
        for row in found.rows
    ]
    about = {"study_name": found.study, "suite": str(found.suite), "due": found.due}
    print_json(about | {"changes": dict(found.changes), "arms": rows})


def _print_promotion(found: Promotion, workspace: Workspace, console: Console) -> None:
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for column in ("arm", "search", "fresh seeds", "95% interval", "seeds", "against the search"):
        table.add_column(column, justify="left" if column == "arm" else "right")
    for row in found.rows:
        interval, gain = row.interval, found.gain(row)
        table.add_row(
            row.arm,
            metric_text(found.objective, row.search),
            "–" if row.mean is None else metric_text(found.objective, row.mean),
            interval_text(found.objective, interval),
            str(len(row.values)),
            "–" if gain is None else change_text(found.objective, gain),
        )
    console.print(table)
    told = ", ".join(f"{name}={value}" for name, value in found.changes.items())
    console.print(
        f"{found.objective}" + (f"; the search ran without {told}" if told else ""), style="dim"
    )
    path = workspace.relative(found.suite)
    again = f"lab compare --by suite.arm --where 'suite.name == {found.suite.stem}'"
    after = f"{found.due} runs to do: lab suite run {path}" if found.due else again
    console.print(after, highlight=False, markup=False)
