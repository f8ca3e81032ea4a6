"""`lab sweep run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.sweep import Json, app, go_on, metric_text, print_status, status_json

if TYPE_CHECKING:
    from rich.console import Console

    from lab.sweep.runner import Outcome, SweepState
    from lab.sweep.trial import Trial


def register() -> None:
    """Beside the other commands of `lab sweep`."""
    app.command("run")(run)


def run(
    file: Annotated[Path, typer.Argument(help="The space's YAML file.", show_default=False)],
    trials: Annotated[
        int | None, typer.Option(min=1, help="Trials the study is to have, instead of n_trials.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Trials at a time.")] = 1,
    on: Annotated[
        str,
        typer.Option(
            "--on", help="Where trials execute: pool, inline, slurm, dask or dask:HOST:PORT."
        ),
    ] = "pool",
    storage: Annotated[
        str | None,
        typer.Option(help="postgresql://USER@HOST/DATABASE, to share the study between machines."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a sweep, or go on with it, until its study has all its trials; then confirm the best."""
    from lab.cli.show import print_json, stderr, stdout
    from lab.sweep.runner import run_sweep
    from lab.sweep.space_file import read_space
    from lab.workspace import Workspace

    console = stderr() if as_json else stdout()
    watcher = _Progress(console, read_space(file, Workspace.find()).objective)
    outcome = run_sweep(
        file, trials=trials, workers=workers, on=on, storage=storage, watcher=watcher
    )
    if as_json:
        about = {"ran": outcome.ran, "recovered": outcome.recovered, "carried": outcome.carried}
        print_json(status_json(outcome.study) | about)
    else:
        _print(outcome, console)
    if outcome.interrupted or not outcome.study.complete:
        raise typer.Exit(1)


def _print(outcome: Outcome, console: Console) -> None:
    from lab.numbers import counted

    if outcome.carried:
        taken = counted(outcome.carried, "trial")
        console.print(f"{taken} taken over from {outcome.study.space.carry_over}")
    if outcome.recovered:
        console.print(f"{outcome.recovered} left behind by a process that is gone: taken up")
    print_status(outcome.study, console)
    after = go_on(outcome.study) or f"lab sweep analyze {outcome.study.name}"
    console.print(after, highlight=False, markup=False)


class _Progress:
    """One line a trial: what it is, its value, the best so far and the time left."""

    def __init__(self, console: Console, objective: str) -> None:
        self._console = console
        self._objective = objective

    def ended(self, trial: Trial, study: SweepState) -> None:
        from lab.duration import show_duration

        value = trial.state if trial.value is None else metric_text(self._objective, trial.value)
        parts = [f"trial {trial.number}", f"{study.begun} of {study.budget}", trial.phase, value]
        if "duplicate_of" in trial.extra:
            parts.append(f"from run {trial.extra['duplicate_of']}")
        if trial.state == "failed":
            parts.append(str(trial.extra.get("problem", "")))
        if study.best is not None and study.best.value is not None:
            best = metric_text(self._objective, study.best.value)
            parts.append(f"best {best} (trial {study.best.number})")
        if study.left:
            parts.append(f"about {show_duration(study.left)} left")
        self._console.print("  ".join(parts), highlight=False, markup=False)

    def confirming(self, trial: int, seed: int, value: float | None) -> None:
        told = "no value" if value is None else metric_text(self._objective, value)
        text = f"confirming  trial {trial}  seed {seed}  {told}"
        self._console.print(text, highlight=False, markup=False)
