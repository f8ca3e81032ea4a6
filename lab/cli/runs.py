"""`lab runs`, `lab show`, `lab diagnose`, `lab note`, `lab tag`, `lab archive`, `lab check`."""

from __future__ import annotations

from typing import Annotated

import typer

_SCREENFUL = 50  # runs on a terminal unless --limit says otherwise; a pipe gets them all

RunId = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's id, or enough of its beginning.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


def register(app: typer.Typer) -> None:
    app.command("runs")(runs)
    app.command("show")(show)
    app.command("diagnose")(diagnose)
    app.command("note")(note)
    app.command("tag", context_settings={"ignore_unknown_options": True})(tag)
    app.command("archive")(archive)
    app.command("check")(check)


def runs(
    where: Annotated[
        str | None, typer.Option(metavar="EXPR", help='As "status == done and epochs > 2".')
    ] = None,
    sort: Annotated[
        str | None, typer.Option(metavar="METRIC", help="By its best value, better first.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    as_json: Json = False,
) -> None:
    """List runs, newest first."""
    from lab.cli.runs_table import print_runs
    from lab.cli.show import print_json, stdout
    from lab.record.catalogue import as_json as run_json
    from lab.record.catalogue import find_runs
    from lab.workspace import Workspace

    workspace = Workspace.find()
    found = find_runs(workspace, where=where, sort=sort, limit=limit)
    if as_json:
        print_json([run_json(run) for run in found])
        return
    if not found:
        place = workspace.relative(workspace.runs)
        stdout().print(f"No runs{' match' if where else f' in {place} yet'}.")
        return
    console = stdout()
    shown = found[:_SCREENFUL] if console.is_terminal and limit is None else found
    print_runs(shown, sort, console)
    if len(shown) < len(found):
        console.print(f"... and {len(found) - len(shown)} more; --limit {len(found)} shows them")


def show(run_id: RunId, as_json: Json = False) -> None:
    """One run: how it ended, its parameters, and best against last of each metric."""
    from lab.cli.run_page import print_run
    from lab.cli.show import print_json, stdout
    from lab.record.catalogue import as_json as run_json
    from lab.record.catalogue import find_run
    from lab.workspace import Workspace

    workspace = Workspace.find()
    run = find_run(workspace, run_id)
    if as_json:
        print_json(run_json(run))
    else:
        print_run(run, workspace, stdout())


def diagnose(run_id: RunId, as_json: Json = False) -> None:
    """What a run's curves say, each finding with its rule and what to do next."""
    import lab.diagnosis
    from lab.cli.show import print_json, stdout
    from lab.record.catalogue import find_run
    from lab.workspace import Workspace

    diagnosis = lab.diagnosis.diagnose(find_run(Workspace.find(), run_id))
    if as_json:
        print_json(diagnosis.as_dict())
    else:
        stdout().print(diagnosis)


def note(run_id: RunId, text: Annotated[str, typer.Argument(help="What to remember.")]) -> None:
    """Add a note to a run."""
    from lab.cli.show import stdout
    from lab.record.catalogue import find_run
    from lab.record.edit import add_note
    from lab.workspace import Workspace

    run = find_run(Workspace.find(), run_id)
    add_note(run, text)
    stdout().print(f"noted on {run.id}", highlight=False)


def tag(
    run_id: RunId,
    changes: Annotated[list[str], typer.Argument(metavar="+T|-T...", help="Tags to add or take.")],
) -> None:
    """Add tags (+T) to a run or take them off (-T)."""
    from lab.cli.show import stdout
    from lab.record.catalogue import find_run
    from lab.record.edit import change_tags
    from lab.workspace import Workspace

    run = find_run(Workspace.find(), run_id)
    tags = change_tags(run, changes)
    stdout().print(f"{run.id}  {' '.join(tags) or 'no tags'}", highlight=False)


def archive(
    run_ids: Annotated[list[str], typer.Argument(metavar="RUN...", help="Runs to put away.")],
    force: Annotated[bool, typer.Option("--force", help="Also runs that an entry cites.")] = False,
) -> None:
    """Move runs to runs/archive/; nothing is deleted, and no run that an entry cites is moved."""
    import lab
    from lab.cli.show import stdout
    from lab.workspace import Workspace

    workspace = Workspace.find()
    for folder in lab.archive(*run_ids, force=force, workspace=workspace):
        stdout().print(workspace.relative(folder), highlight=False)


def check(
    run_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN...]", help="Default: every run.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify run folders: JSON, summary against metrics, data hashes; exit 1 on a problem."""
    from lab.cli.show import print_json, stdout
    from lab.numbers import capital, counted
    from lab.record.verify import check_runs
    from lab.workspace import Workspace

    workspace = Workspace.find()
    checked, problems = check_runs(workspace, run_ids or None)
    if as_json:
        print_json([problem.as_dict() for problem in problems])
    else:
        for problem in problems:
            stdout().print(f"{problem.id}  {problem.file}: {problem.text}", highlight=False)
        told = f"{counted(checked, 'run')} checked, {counted(len(problems), 'problem')}"
        stdout().print(capital(told), highlight=False)
    if problems:
        raise typer.Exit(1)
