"""`lab log actions|done|reject|reopen`."""

from __future__ import annotations

from typing import Annotated

import typer

from lab.cli.options import Json

Name = Annotated[str, typer.Argument(help="An action's number, its id, or part of its words.")]

_MONTH = 30  # days: lab.log.entry.STALE_DAYS, which is not imported to keep `lab --help` quick


def register(log: typer.Typer) -> None:
    log.command("actions")(actions)
    log.command("done")(done)
    log.command("reject")(reject)
    log.command("reopen")(reopen)


def actions(
    only_open: Annotated[bool, typer.Option("--open", help="Open ones, stale or not.")] = False,
    only_done: Annotated[bool, typer.Option("--done", help="Done ones.")] = False,
    only_rejected: Annotated[bool, typer.Option("--rejected", help="Rejected ones.")] = False,
    only_stale: Annotated[bool, typer.Option("--stale", help="Open and old ones.")] = False,
    stale_after: Annotated[
        int, typer.Option(min=0, metavar="DAYS", help="Open for longer than this is stale.")
    ] = _MONTH,
    each: Annotated[
        bool, typer.Option("--all", help="Each of many that are alike, in full.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Action items of every log file, with age, line, and what looks done."""
    import lab.log
    from lab.cli.items_table import folds, item_table
    from lab.cli.show import print_json, stdout

    asked = {
        "open": only_open,
        "done": only_done,
        "rejected": only_rejected,
        "stale": only_stale,
    }
    found = [
        item
        for item in lab.log.actions()
        if not any(asked.values()) or asked[item.state] or (only_stale and item.stale(stale_after))
    ]
    answered = lab.log.looks_done() if any(item.state == "open" for item in found) else {}
    if as_json:
        print_json(
            [
                item.as_dict()
                | {
                    "stale": item.stale(stale_after),
                    "looks_done": list(answered.get(item.id, ())),
                }
                for item in found
            ]
        )
        return
    console = stdout()
    groups = {
        "Open": [i for i in found if i.state == "open" and not i.stale(stale_after)],
        f"Stale, open for more than {stale_after} days": [i for i in found if i.stale(stale_after)],
        "Done": [i for i in found if i.state == "done"],
        "Rejected": [i for i in found if i.state == "rejected"],
    }
    for title, items in groups.items():
        if items:
            console.print(f"{title} ({len(items)})", style="bold", highlight=False)
            console.print(item_table(items, answered, each=each))
            console.print()
    if not each and any(folds(items, answered) for items in groups.values()):
        console.print("--all shows each of those that are alike.", style="dim", highlight=False)
    if not found:
        console.print("No action items." if not any(asked.values()) else "None of these.")


def done(
    action: Name,
    by: Annotated[str | None, typer.Option(metavar="RUN", help="The run that did it.")] = None,
) -> None:
    """Tick an action item; only its line changes."""
    import lab.log

    item = lab.log.done(action, by=by)
    typer.echo(f"done  {item.text}{f'  by {item.by}' if item.by else ''}  ({item.place})")


def reject(
    action: Name,
    why: Annotated[str | None, typer.Option(help="The reason, noted beside it.")] = None,
) -> None:
    """Strike an action item out, so that it is not proposed again; only its line changes."""
    import lab.log

    item = lab.log.reject(action, why=why)
    typer.echo(f"rejected  {item.text}  ({item.place})")


def reopen(action: Name) -> None:
    """Take a tick or a rejection back; only its line changes."""
    import lab.log

    item = lab.log.reopen(action)
    typer.echo(f"open  {item.text}  ({item.place})")
