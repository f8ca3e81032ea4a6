"""`lab watch` and `lab stop`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from lab.cli.watching import Snapshot, Watch
    from lab.record.run import Run
    from lab.workspace import Workspace

_LOOK = 0.5  # seconds between looks

RunId = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's id, or enough of its beginning.")
]


def register(app: typer.Typer) -> None:
    app.command("watch")(watch)
    app.command("stop")(stop)


def watch(
    run_id: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="Default: the newest that is running.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Where it stands now, as one JSON document.")
    ] = False,
) -> None:
    """Follow a run: its curves, epoch, time left; ends with it. Ctrl-C stops only the watching."""
    from lab.cli.show import print_json, stdout
    from lab.cli.watching import Watch
    from lab.workspace import Workspace

    watching = Watch(_run(run_id, Workspace.find()))
    if as_json:
        print_json(watching.look().as_dict())
        return
    console = stdout()
    try:
        last = _live(watching, console) if console.is_terminal else _lines(watching, console)
    except KeyboardInterrupt:
        console.print("No longer watching; the run goes on.")
        return
    if last.run.status != "done":
        raise typer.Exit(1)


def stop(run_id: RunId) -> None:
    """Stop a running run, as Ctrl-C would where it was started; its suite goes on."""
    from lab.cli.show import status_text, stdout
    from lab.duration import show_duration
    from lab.record.stop import stop as stop_run

    run = stop_run(run_id)
    text = status_text(run.status, run.reason).append(f"  {run.id}", style="default")
    stdout().print(text.append(f"  after {show_duration(run.seconds)}", style="dim"))


def _run(run_id: str | None, workspace: Workspace) -> Run:
    from lab.errors import InputError
    from lab.record.catalogue import find_run, find_runs

    if run_id is not None:
        return find_run(workspace, run_id)
    running = [run for run in find_runs(workspace) if run.status == "running"]
    if not running:
        raise InputError("No run is running", do="Name one to see how it went: lab watch RUN.")
    return running[0]


def _live(watching: Watch, console: Console) -> Snapshot:
    """A picture that is drawn anew until the run ends; the last one stays."""
    from rich.live import Live

    from lab.cli.watching import ended, render

    snapshot = watching.look()
    with Live(render(snapshot, console.width), console=console, auto_refresh=False) as live:
        while snapshot.run.status == "running":
            time.sleep(_LOOK)
            snapshot = watching.look()
            live.update(render(snapshot, console.width), refresh=True)
    console.print(ended(snapshot))
    return snapshot


def _lines(watching: Watch, console: Console) -> Snapshot:
    """A line for each step, where there is no terminal; of a run that has ended the picture."""
    from lab.cli.watching import ended, render

    snapshot = watching.look()
    if snapshot.run.status != "running":
        console.print(render(snapshot, console.width))
        return snapshot
    console.print(f"{snapshot.run.id}  {snapshot.label}", highlight=False, markup=False)
    told: object = None
    while True:
        if snapshot.step is not None and snapshot.latest != told:
            told = snapshot.latest
            console.print(snapshot.told, highlight=False, markup=False)
        if snapshot.run.status != "running":
            console.print(ended(snapshot))
            return snapshot
        time.sleep(_LOOK)
        snapshot = watching.look()
