"""`lab run`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from lab.record.run import Run
    from lab.workspace import Workspace

Notebook = Annotated[
    Path | None, typer.Argument(metavar="NOTEBOOK", help="The notebook to run.", show_default=False)
]
Param = Annotated[
    list[str] | None,
    typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter's value; repeat it."),
]
Preset = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Values by name, below -p; `lab presets` lists them."),
]
Tag = Annotated[list[str] | None, typer.Option("--tag", metavar="T", help="A tag; repeat it.")]
Name = Annotated[str | None, typer.Option(help="A name for the run.")]
Timeout = Annotated[str | None, typer.Option(help="Stop the run after this long, as 2h or 30m.")]
On = Annotated[
    str,
    typer.Option("--on", help="Where it executes: pool, inline, slurm, dask or dask:HOST:PORT."),
]
Slurm = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help="What Slurm is asked for, as gpus=1; repeat it."),
]
Detach = Annotated[bool, typer.Option("--detach", help="With --on slurm: submit, and come back.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Help = Annotated[
    bool, typer.Option("--help", "-h", help="Show this, or with a notebook its parameters.")
]


def register(app: typer.Typer) -> None:
    app.command("run", add_help_option=False)(run)


def run(
    context: typer.Context,
    notebook: Notebook = None,
    param: Param = None,
    preset: Preset = None,
    tag: Tag = None,
    name: Name = None,
    timeout: Timeout = None,
    on: On = "pool",
    slurm: Slurm = None,
    detach: Detach = False,
    as_json: Json = False,
    show_help: Help = False,
) -> None:
    """Run a notebook headless; `lab run NOTEBOOK --help` lists its own parameters.

    With --preset the notebook may be left out: a preset names its own.
    """
    if notebook is None and preset is not None:
        notebook = _notebook_of(preset)
    if notebook is None:
        typer.echo(context.get_help())
        raise typer.Exit(0 if show_help else 2)
    if show_help:
        _print_parameters(notebook, preset)
        return
    from lab.duration import parse_duration
    from lab.executors import run_notebook

    params = _params(notebook, preset, pairs(param or []))
    seconds = parse_duration(timeout) if timeout else None
    asked: dict[str, object] = {**pairs(slurm or [], "--slurm")}
    if detach:
        _submit(
            on, as_json, notebook, params, tags=tag or (), name=name, timeout=seconds, slurm=asked
        )
        return
    follow(
        notebook,
        params,
        as_json,
        lambda **watch: run_notebook(
            notebook,
            params,
            tags=tag or (),
            name=name,
            timeout=seconds,
            on=on,
            slurm=asked,
            **watch,
        ),
    )


def _submit(on: str, as_json: bool, notebook: Path, params: dict[str, Any], **options: Any) -> None:
    from lab.cli.show import print_json, stdout
    from lab.errors import InputError
    from lab.executors.running import submit_notebook

    if on != "slurm":
        raise InputError(
            "Only Slurm goes on without this process", seen=f"--on {on}", do="Say --on slurm."
        )
    job = submit_notebook(notebook, params, **options)
    if as_json:
        print_json({"job": job})
        return
    console = stdout()
    console.print(f"submitted as Slurm job [bold]{job}[/bold]", highlight=False)
    for command, why in (
        (f'lab runs --where "slurm.job == {job}"', "its run, once it has started"),
        (f"squeue --jobs {job}", "where it stands in the queue"),
    ):
        console.print(f"  {command:<40}  {why}", highlight=False)


def _notebook_of(preset: str) -> Path:
    from lab.presets import find_preset

    return Path(find_preset(preset).notebook)


def _params(notebook: Path, preset: str | None, typed: dict[str, str]) -> dict[str, Any]:
    """Every parameter of the notebook: as typed, else as the preset has it, else its default."""
    from lab.notebook.contract import read_schema
    from lab.presets import preset_values
    from lab.workspace import Workspace

    schema = read_schema(notebook, Workspace.find())
    given = schema.coerce(typed, text=True)
    return schema.coerce(
        preset_values(preset, schema.names) | {name: given[name] for name in typed}
    )


def pairs(texts: list[str], option: str = "-p") -> dict[str, str]:
    """The values typed as NAME=VALUE, by name."""
    from lab.errors import ParameterError

    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            what = "Not a parameter" if option == "-p" else "Not a resource"
            raise ParameterError(what, seen=text, do=f"Write it as {option} NAME=VALUE.")
        found[name.strip()] = value
    return found


def _print_parameters(notebook: Path, preset: str | None) -> None:
    """The notebook's parameters; with a preset the values it would run with."""
    from rich.table import Table
    from rich.text import Text

    from lab.cli.show import stdout
    from lab.notebook.contract import read_schema
    from lab.presets import preset_values
    from lab.workspace import Workspace

    schema = read_schema(notebook, Workspace.find())
    values = schema.coerce(preset_values(preset, schema.names))
    table = Table(box=None, header_style="bold")
    for column in ("parameter", "type", f"preset {preset}" if preset else "default", "what it is"):
        table.add_column(column)
    for parameter in schema.parameters:
        value = values[parameter.name]
        style = "" if value == parameter.default else "bold"
        table.add_row(
            parameter.name, parameter.annotation, Text(repr(value), style), parameter.comment
        )
    console = stdout()
    console.print(f"Parameters of [bold]{notebook}[/bold]\n")
    console.print(table, markup=False)
    first = schema.parameters[0].name if schema.parameters else "NAME"
    given = f"--preset {preset}" if preset else str(notebook)
    console.print(f"\nlab run {given} -p {first}=VALUE", highlight=False)


def follow(
    notebook: Path,
    params: dict[str, Any],
    as_json: bool,
    execute: Callable[..., Run],
    notes: tuple[str, ...] = (),
    conclude: Callable[[Run, Console], Run] | None = None,
) -> None:
    """Execute with a progress display, print how it ended, and exit 1 unless it is done."""
    from lab.cli.progress import single_run
    from lab.cli.show import print_json, stderr, stdout
    from lab.record.catalogue import as_json as run_json
    from lab.workspace import Workspace

    workspace = Workspace.find()
    console = stderr() if as_json else stdout()
    for note in notes:
        console.print(f"[yellow]{note}[/yellow]")
    with single_run(notebook, params, workspace, console) as on_start:
        ended = execute(on_start=on_start)
    if not as_json:
        _print_end(ended, workspace, console)
    if conclude is not None:
        ended = conclude(ended, console)
    if as_json:
        print_json(run_json(ended))
    if ended.status != "done":
        raise typer.Exit(1)


def _print_end(ended: Run, workspace: Workspace, console: Console) -> None:
    from lab.cli.show import outcome_text

    console.print(outcome_text(Path(ended.notebook or "notebook").stem, ended))
    where = workspace.relative(ended.path.root)
    console.print(f"  {where}  (lab show {ended.id})", style="dim", highlight=False)
