"""`lab sweep list|status|import|coverage`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from lab.sweep.confirmed import Confirmation
    from lab.sweep.study import Study

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Name = Annotated[str, typer.Argument(help="The study.", metavar="STUDY", show_default=False)]

app = typer.Typer(help="Search the parameters of a notebook.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    root.add_typer(app, name="sweep")


@app.command("list")
def list_(
    storage: Annotated[
        str | None, typer.Option(help="An Optuna storage (URL or file) instead of this workspace.")
    ] = None,
    as_json: Json = False,
) -> None:
    """The studies there are, oldest first."""
    from lab.cli.show import print_json, stdout

    rows = _workspace_rows() if storage is None else _storage_rows(storage)
    if as_json:
        print_json(rows)
        return
    if not rows:
        stdout().print("No studies. `lab sweep run FILE` or `lab sweep import FILE` makes one.")
        return
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    shown = [_in_columns(row) for row in rows]
    for column in shown[0]:
        table.add_column(column, justify="right" if column in ("trials", "best") else "left")
    for row in shown:
        objective = str(row.get("objective", ""))
        cells = (
            metric_text(objective, cell) if isinstance(cell, float) else cell
            for cell in row.values()
        )
        table.add_row(*("–" if cell is None else str(cell) for cell in cells))
    stdout().print(table)


def _storage_rows(url: str) -> list[dict[str, Any]]:
    from lab.sweep.from_optuna import list_storage

    return list_storage(url)


def _workspace_rows() -> list[dict[str, Any]]:
    from lab.sweep.standing import standing
    from lab.sweep.storage import read_study, study_names
    from lab.workspace import Workspace

    workspace = Workspace.find()
    return [
        {
            "study_name": study.name,
            "stage": found.stage,
            "trials": len(study.trials),
            "ended": found.ended,
            "asked": found.asked,
            "best": None if study.best is None else study.best.value,
            "objective": study.objective,
            "direction": study.direction,
            "source": study.source,
        }
        for study in (read_study(name, workspace) for name in study_names(workspace))
        for found in [standing(study)]
    ]


def _in_columns(row: dict[str, Any]) -> dict[str, Any]:
    """A study as the table shows it: how many of the trials asked for have ended in one column."""
    if row.get("asked") is not None and row["ended"] < row["asked"]:
        row = row | {"trials": f"{row['ended']} of {row['asked']}"}
    return {name: cell for name, cell in row.items() if name not in ("ended", "asked")}


@app.command("status")
def status(study: Name, as_json: Json = False) -> None:
    """How far a study is, and its best trial."""
    from lab.cli.show import print_json, stdout
    from lab.sweep.storage import read_study

    found = read_study(study)
    if as_json:
        print_json(status_json(found))
        return
    print_status(found, stdout())
    if again := go_on(found):
        stdout().print(again, highlight=False, markup=False)


def go_on(study: Study) -> str | None:
    """The command that finishes a search; None where there is nothing to finish."""
    from lab.sweep.standing import standing

    unfinished = standing(study).stage in ("unfinished", "unconfirmed")
    return f"Go on: lab sweep run {study.source}" if unfinished else None


def status_json(study: Study) -> dict[str, Any]:
    from dataclasses import asdict

    from lab.sweep.standing import standing

    best, confirmed, stands = study.best, study.confirmed, standing(study)
    states = ("complete", "pruned", "failed", "running")
    return {
        "study_name": study.name,
        "objective": study.objective,
        "direction": study.direction,
        "n_trials": study.space.n_trials,
        "stage": stands.stage,
        "missing": stands.missing,
        "unconfirmed": list(stands.unconfirmed),
        "trials": {state: sum(t.state == state for t in study.trials) for state in states},
        "phases": {
            phase: sum(t.phase == phase for t in study.trials)
            for phase in ("random", "adaptive", "imported")
        },
        "best": None
        if best is None
        else {
            "trial": best.number,
            "value": best.value,
            "params": best.params,
            "runs": list(best.run_ids),
        },
        "confirmed": None
        if confirmed is None
        else {
            "winner": confirmed.winner.trial,
            "ties": list(confirmed.ties),
            "rows": [
                asdict(row) | {"mean": row.mean, "interval": row.interval, "drop": drop}
                for row in confirmed.rows
                for drop in [confirmed.drop(row)]
            ],
        },
    }


def print_status(study: Study, console: Console) -> None:
    from lab.sweep.standing import standing, trials_text

    about = status_json(study)
    phases = ", ".join(f"{count} {phase}" for phase, count in about["phases"].items() if count)
    console.print(f"[bold]{study.name}[/bold]: {trials_text(study)}", highlight=False)
    if phases:
        console.print(f"phases: {phases}", highlight=False)
    problems = [t for t in study.trials if t.state == "failed" and "problem" in t.extra]
    for trial in problems[-3:]:
        text = f"trial {trial.number} failed: {trial.extra['problem']}"
        console.print(text, highlight=False, markup=False)
    for text in standing(study).problems:
        console.print(f"[yellow]{text}[/yellow]", highlight=False)
    best = study.best
    if best is None or best.value is None:
        return
    where = f", run {', '.join(best.run_ids)}" if best.run_ids else ""
    console.print(
        f"best {study.objective}: {metric_text(study.objective, best.value)} "
        f"in trial {best.number}{where}",
        highlight=False,
    )
    for name, value in best.params.items():
        told = value_text(value) if isinstance(value, float) else value
        console.print(f"  {name} = {told}", highlight=False, markup=False)
    if study.confirmed is None:
        one_seed = len(best.values) == 1
        luck = "one seed, and the best of many" if one_seed else "the best of many"
        console.print(f"That is {luck}: expect less of it on another seed.", highlight=False)
    else:
        print_confirmation(study.confirmed, study.objective, console)


def print_confirmation(found: Confirmation, objective: str, console: Console) -> None:
    """The best of the search beside what they came to on fresh seeds."""
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for column in ("trial", "search", "fresh seeds", "95% interval", "seeds", "drop"):
        table.add_column(column, justify="right")
    for row in found.rows:
        interval = row.interval
        table.add_row(
            str(row.trial),
            metric_text(objective, row.search),
            metric_text(objective, row.mean),
            interval_text(objective, interval),
            str(len(row.values)),
            change_text(objective, found.drop(row)),
        )
    console.print(table)
    winner, ties = found.winner, found.ties
    mean = metric_text(objective, winner.mean)
    told = f"trial {winner.trial}, {mean} on {len(winner.values)} fresh seeds"
    console.print(f"chosen: {told}", highlight=False)
    if ties:
        others = ", ".join(map(str, ties))
        console.print(f"not told from it by these seeds: trials {others}", highlight=False)


@app.command("import")
def import_(
    source: Annotated[str, typer.Argument(help="A CSV file, or an Optuna storage (URL or file).")],
    objective: Annotated[
        str | None, typer.Option(help="The column, or the name, of what was optimized.")
    ] = None,
    space: Annotated[Path | None, typer.Option(help="A space file; else it is inferred.")] = None,
    name: Annotated[str | None, typer.Option(help="What the study is to be called here.")] = None,
    study: Annotated[
        str | None, typer.Option(help="Which study of a storage that has several.")
    ] = None,
    minimize: Annotated[bool, typer.Option("--minimize", help="Lower is better.")] = False,
    as_json: Json = False,
) -> None:
    """Bring in a study made elsewhere."""
    from lab.cli.show import print_json, stdout
    from lab.sweep.importing import import_study

    found = import_study(
        source,
        objective=objective,
        space=space,
        name=name,
        study=study,
        direction="minimize" if minimize else None,
    )
    if as_json:
        print_json(status_json(found.study) | {"notes": list(found.notes)})
        return
    console = stdout()
    for note in found.notes:
        console.print(note, highlight=False, markup=False)
    print_status(found.study, console)
    console.print(f"lab sweep coverage {found.study.name}", highlight=False)


@app.command("coverage")
def coverage(
    study: Annotated[str, typer.Argument(help="A study, or a space file.", metavar="STUDY|FILE")],
    as_json: Json = False,
) -> None:
    """What a search space holds, and what of it was visited, as Markdown."""
    import sys

    from lab.cli.show import print_json
    from lab.log.render import render
    from lab.sweep.coverage import coverage as compute
    from lab.workspace import Workspace

    workspace = Workspace.find()
    found = compute(study, workspace)
    if as_json:
        print_json(found)
    else:
        sys.stdout.write(render("sweep_coverage", workspace, c=found))


def value_text(value: float) -> str:
    return f"{value:.4g}"


def metric_text(metric: str, value: float) -> str:
    """A value of the objective: "52.2%", "0.3681"."""
    from lab.numbers import is_fraction, percent

    return percent(value) if is_fraction(metric) else value_text(value)


def interval_text(metric: str, interval: tuple[float, float] | None) -> str:
    return "–" if interval is None else " to ".join(metric_text(metric, end) for end in interval)


def change_text(metric: str, value: float) -> str:
    """A difference of two values of the objective, signed: "+4.8 points", "-0.0123"."""
    from lab.numbers import is_fraction, points

    return points(value) if is_fraction(metric) else f"{value:+.4g}"
