"""`lab sweep run|list|status|import|coverage`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from lab.sweep.runner import SweepState
    from lab.sweep.study import Study
    from lab.sweep.trial import Trial

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Name = Annotated[str, typer.Argument(help="The study.", metavar="STUDY", show_default=False)]

app = typer.Typer(help="Search the parameters of a notebook.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    root.add_typer(app, name="sweep")


@app.command("run")
def run(
    file: Annotated[Path, typer.Argument(help="The space's YAML file.", show_default=False)],
    trials: Annotated[
        int | None, typer.Option(min=1, help="Trials the study is to have, instead of n_trials.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Trials at a time.")] = 1,
    as_json: Json = False,
) -> None:
    """Run a sweep, or go on with it, until its study has all its trials."""
    from lab.cli.show import print_json, stderr, stdout
    from lab.sweep.runner import run_sweep

    console = stderr() if as_json else stdout()
    outcome = run_sweep(file, trials=trials, workers=workers, watcher=_Progress(console))
    if as_json:
        print_json(_status(outcome.study) | {"ran": outcome.ran})
    else:
        if outcome.recovered:
            console.print(f"{outcome.recovered} left behind by a process that is gone: taken up")
        _print_status(outcome.study, console)
        again = f"lab sweep run {file}"
        console.print(
            f"Go on: {again}"
            if outcome.interrupted
            else f"lab sweep coverage {outcome.study.name}",
            highlight=False,
        )
    if outcome.interrupted or not outcome.study.complete:
        raise typer.Exit(1)


class _Progress:
    """One line a trial: what it is, its value, the best so far and the time left."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def ended(self, trial: Trial, study: SweepState) -> None:
        from lab.duration import show_duration

        value = trial.state if trial.value is None else _value(trial.value)
        parts = [f"trial {trial.number}", f"{study.begun} of {study.budget}", trial.phase, value]
        if "duplicate_of" in trial.extra:
            parts.append(f"from run {trial.extra['duplicate_of']}")
        if trial.state == "failed":
            parts.append(str(trial.extra.get("problem", "")))
        if study.best is not None and study.best.value is not None:
            parts.append(f"best {_value(study.best.value)} (trial {study.best.number})")
        if study.left:
            parts.append(f"about {show_duration(study.left)} left")
        self._console.print("  ".join(parts), highlight=False, markup=False)


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
    for column in rows[0]:
        table.add_column(column, justify="right" if column in ("trials", "best") else "left")
    for row in rows:
        cells = (_value(cell) if isinstance(cell, float) else cell for cell in row.values())
        table.add_row(*("–" if cell is None else str(cell) for cell in cells))
    stdout().print(table)


def _storage_rows(url: str) -> list[dict[str, Any]]:
    from lab.sweep.from_optuna import list_storage

    return list_storage(url)


def _workspace_rows() -> list[dict[str, Any]]:
    from lab.sweep.storage import load_study, study_names
    from lab.workspace import Workspace

    workspace = Workspace.find()
    studies = [load_study(name, workspace) for name in study_names(workspace)]
    return [
        {
            "name": study.name,
            "direction": study.direction,
            "trials": len(study.trials),
            "best": None if study.best is None else study.best.value,
            "objective": study.objective,
            "source": study.source,
        }
        for study in studies
    ]


@app.command("status")
def status(study: Name, as_json: Json = False) -> None:
    """How far a study is, and its best trial."""
    from lab.cli.show import print_json, stdout
    from lab.sweep.study import read_study

    found = read_study(study)
    if as_json:
        print_json(_status(found))
    else:
        _print_status(found, stdout())


def _status(study: Study) -> dict[str, Any]:
    best = study.best
    states = ("complete", "pruned", "failed", "running")
    return {
        "study": study.name,
        "objective": study.objective,
        "direction": study.direction,
        "n_trials": study.space.n_trials,
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
    }


def _print_status(study: Study, console: Console) -> None:
    about = _status(study)
    counts = ", ".join(f"{count} {state}" for state, count in about["trials"].items() if count)
    phases = ", ".join(f"{count} {phase}" for phase, count in about["phases"].items() if count)
    console.print(f"[bold]{study.name}[/bold]: {counts or 'no trials yet'}", highlight=False)
    if phases:
        console.print(f"phases: {phases}", highlight=False)
    problems = [t for t in study.trials if t.state == "failed" and "problem" in t.extra]
    for trial in problems[-3:]:
        text = f"trial {trial.number} failed: {trial.extra['problem']}"
        console.print(text, highlight=False, markup=False)
    best = study.best
    if best is None or best.value is None:
        return
    where = f", run {', '.join(best.run_ids)}" if best.run_ids else ""
    console.print(
        f"best {study.objective}: {_value(best.value)} in trial {best.number}{where}",
        highlight=False,
    )
    for name, value in best.params.items():
        console.print(f"  {name} = {value}", highlight=False, markup=False)


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
        print_json(_status(found.study) | {"notes": list(found.notes)})
        return
    console = stdout()
    for note in found.notes:
        console.print(note, highlight=False, markup=False)
    _print_status(found.study, console)
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


def _value(value: float) -> str:
    return f"{value:.4g}"
