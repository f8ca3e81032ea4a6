"""`lab next`."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from lab.log import Action, NextPlan
    from lab.log.items.plan import ToRun

_COMMANDS = 3  # of runs that no one command starts
_MONTH = 30  # days: lab.log.entry.STALE_DAYS, which is not imported to keep `lab --help` quick


def register(root: typer.Typer) -> None:
    root.command("next")(next_)


def next_(
    stale_after: Annotated[
        int, typer.Option(min=0, metavar="DAYS", help="Open for longer than this is stale.")
    ] = _MONTH,
    each: Annotated[
        bool, typer.Option("--all", help="Each of many that are alike, in full.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output.")
    ] = False,
) -> None:
    """Tomorrow's plan: what looks done, what to run and for how long, what is stale."""
    import lab
    from lab.cli.show import print_json, stdout

    plan = lab.next(stale_after=stale_after)
    if as_json:
        print_json(plan.as_dict())
    else:
        _print_plan(plan, stdout(), each)


def _print_plan(plan: NextPlan, console: Console, each: bool) -> None:
    from lab.cli.items_table import folds, item_table
    from lab.log.items.alike import gathered

    if not plan.open:
        console.print("No open action items. `lab log actions` lists all.", highlight=False)
        return
    if not plan.recorded:
        console.print(
            "No runs on this machine: what closes an item, and its time, is known from runs.",
            highlight=False,
        )
    if plan.looks_done:
        _head(console, f"Looks done ({len(plan.looks_done)})")
        items = [item.action for item in plan.looks_done]
        console.print(item_table(items, {i.action.id: i.runs for i in plan.looks_done}))
    groups = gathered(plan.to_run, lambda item: None if each else _what(item))
    if plan.to_run:
        _head(console, f"To run: {_total(plan)}")
        for group in groups:
            alone = len(group) == 1
            console.print(_to_run_text(group[0]) if alone else _together(group), end="\n\n")
        if any(item.also for item in plan.to_run):
            console.print(_also(plan.to_run), style="dim", highlight=False)
    if plan.by_hand:
        _head(console, f"To do or decide ({len(plan.by_hand)}): no run is known that closes these")
        console.print(item_table(plan.by_hand, {}, each=each))
    answers = {i.action.id: i.runs for i in plan.looks_done}
    if plan.stale:
        title = f"Stale ({len(plan.stale)}): open for more than {plan.stale_after} days"
        _head(console, title)
        console.print(item_table(plan.stale, answers, each=each))
    folded = len(groups) < len(plan.to_run) or folds(plan.by_hand, {})
    if not each and (folded or folds(plan.stale, answers)):
        console.print("\n--all shows each of those that are alike.", style="dim", highlight=False)


def _head(console: Console, title: str) -> None:
    console.print(f"\n{title}", style="bold", highlight=False)


def _total(plan: NextPlan) -> str:
    from lab.numbers import counted

    return _time(plan.runs, plan.seconds, plan.unknown) + (
        f", for {counted(len({a.id for item in plan.to_run for a in item.actions}), 'item')}"
    )


def _time(runs: int, seconds: float, unknown: int) -> str:
    """ "16 runs, about 17m", and of how many nothing is known."""
    from lab.duration import show_duration
    from lab.numbers import counted

    text = counted(runs, "run")
    if unknown == runs:
        return f"{text}, how long is not known: nothing alike was run"
    text += f", about {show_duration(seconds)} of run time"
    return f"{text} and {unknown} of unknown length" if unknown else text


def _to_run_text(item: ToRun) -> Text:
    from rich.text import Text

    from lab.duration import show_duration
    from lab.numbers import counted

    text = Text(f"{item.name}", style="bold cyan")
    text.append(f"  {_time(item.runs, item.seconds, item.unknown)}", style="default not bold")
    if item.workers > 1 and item.unknown < item.runs:
        wall = show_duration(item.seconds / min(item.workers, item.runs))
        text.append(f" ({wall} on {item.workers} workers)", style="dim")
    if item.done:
        text.append(f"; {counted(item.done, 'run')} there already", style="default not bold")
    for action, others in _alike(item.actions):
        age = f", {action.age}d" if action.age else ""
        text.append(f"\n  {action.number:>3}  {action.text}", style="default not bold")
        text.append(f"\n       {action.place}{age}{others}", style="dim not bold")
    if item.before:
        text.append(f"\n       {item.before}, then", style="default not bold")
    commands = item.commands or (item.command,)
    # One line more is no longer than saying that there is one.
    shown = commands if len(commands) <= _COMMANDS + 1 else commands[:_COMMANDS]
    for command in shown:
        text.append(f"\n       {command}", style="green not bold")
    if more := len(commands) - len(shown):
        text.append(f"\n       and {more} like these: lab next --json", style="dim not bold")
    if item.also:
        others = f"{counted(item.also, 'other run')} due by now"
        time = _also_time(item.also_seconds, item.also, item.also_unknown)
        text.append(f"  (and {others}, {time})", style="dim not bold")
    return text


def _what(item: ToRun) -> Hashable | None:
    """What alike plans have in common: the words of their items, and what to do but for a file."""
    from lab.log.items.alike import same_words

    if item.file is None or item.done:
        return None
    before = (item.before or "").replace(item.file, "FILE")
    command = item.command.replace(item.file, "FILE")
    return (*sorted({same_words(a.text) for a in item.actions}), before, command)


def _together(items: Sequence[ToRun]) -> Text:
    """What alike plans ask for, then a line for each: its command, runs, time and items."""
    from rich.text import Text

    from lab.log.items.alike import told_together
    from lab.numbers import counted

    text = Text(counted(len(items), "suite"), style="bold cyan")
    runs, seconds = sum(i.runs for i in items), sum(i.seconds for i in items)
    told = _time(runs, seconds, sum(i.unknown for i in items))
    text.append(f"  {told}", style="default not bold")
    asked = [action.text for item in items for action in item.actions]
    for words in dict.fromkeys(told_together([t]).text for t in asked):
        text.append(f"\n  {words}", style="default not bold")
    first = items[0]
    if first.before:
        before = first.before.replace(str(first.file), "each file")
        text.append(f"\n  {before}, then", style="default not bold")
    for item in items:
        ids = ", ".join(str(action.number) for action in item.actions)
        text.append(f"\n  {item.command}", style="green not bold")
        text.append(f"  {_time(item.runs, item.seconds, item.unknown)}", style="default not bold")
        text.append(f"  (item{'s' if item.actions[1:] else ''} {ids})", style="dim not bold")
    return text


def _also(items: Sequence[ToRun]) -> str:
    """What the commands of these plans would run besides."""
    from lab.numbers import counted

    runs, seconds = sum(i.also for i in items), sum(i.also_seconds for i in items)
    time = _also_time(seconds, runs, sum(i.also_unknown for i in items))
    return (
        f"These suites have {counted(runs, 'other run')} due by now, {time}; "
        "`lab suite status FILE` says why."
    )


def _also_time(seconds: float, runs: int, unknown: int) -> str:
    from lab.duration import show_duration

    if unknown == runs:
        return "how long is not known"
    told = f"about {show_duration(seconds)}"
    return f"{told} without the {unknown} of unknown length" if unknown else told


def _alike(actions: Sequence[Action]) -> Iterator[tuple[Action, str]]:
    """Items with the same words told once, with the numbers of the others."""
    told: dict[str, list[Action]] = {}
    for action in actions:
        told.setdefault(action.text, []).append(action)
    for first, *others in told.values():
        numbers = ", ".join(str(item.number) for item in others)
        yield first, f"; the same in {numbers}" if others else ""
