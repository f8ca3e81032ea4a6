"""Action items on a terminal, those that say the same of different things together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from lab.log.items.alike import gathered, same_words, told_together

if TYPE_CHECKING:
    from lab.log import Action, NewEntry

_FEW = 3  # of alike items that are shown with their place

Answers = Mapping[str, Sequence[str]]


def item_table(items: Sequence[Action], answered: Answers, *, each: bool = False) -> Table:
    """Items with number, id and age; below each where it stands and what looks like its answer.

    Many that are alike are told once, with the numbers and ids of all, unless `each` is asked for.
    """
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(justify="right")
    table.add_column(style="dim", no_wrap=True)
    table.add_column(justify="right", style="dim")
    table.add_column(overflow="fold")

    for group in [[item] for item in items] if each else _groups(items, answered):
        if len(group) == 1:
            _add(table, group[0], _text(group[0], answered))
        else:
            _add_alike(table, group)
    return table


def folds(items: Sequence[Action], answered: Answers) -> bool:
    """Whether `item_table` tells some of them together."""
    return len(_groups(items, answered)) < len(items)


def _groups(items: Sequence[Action], answered: Answers) -> list[list[Action]]:
    def key(item: Action) -> str | None:
        told_of_it = item.by or item.reason or answered.get(item.id)
        return None if told_of_it else same_words(item.text)

    return gathered(items, key)


def told_answer(item: Action, runs: Sequence[str]) -> str:
    """That runs answer an item, and the command that closes it."""
    from lab.log.items.closing import closing_command

    shown = f"run {runs[0]}" if len(runs) == 1 else f"{len(runs)} runs, the last {runs[0]}"
    return f"looks done: {shown} ({closing_command(item.number, item.text, runs[0])})"


def tell_repeated(entry: NewEntry) -> None:
    """Say which items an entry does not ask for again."""
    for item in entry.repeated:
        typer.echo(f"Not asked for again, {item.state}: {item.text}  ({item.place})", err=True)


def _add(table: Table, item: Action, text: Text) -> None:
    age = "" if item.age is None else f"{item.age}d"
    table.add_row(str(item.number), item.id, age, text)


def _text(item: Action, answered: Answers) -> Text:
    text = Text(item.text)
    if item.by:
        text.append(f"\ndone by run {item.by}", style="green")
    if item.reason:
        text.append(f"\nrejected: {item.reason}", style="yellow")
    if runs := answered.get(item.id):
        text.append(f"\n{told_answer(item, runs)}", style="green")
    return text.append(f"\n{_where(item)}", style="dim")


def _add_alike(table: Table, items: Sequence[Action]) -> None:
    """What they say with their number, the first few with their place, the others by name."""
    alike = told_together([item.text for item in items])
    table.add_row("", f"{len(items)} alike", "", Text(alike.text))
    for item, own in zip(items[:_FEW], alike.own, strict=False):
        _add(table, item, Text(f"{own}  " if own else "").append(_where(item), style="dim"))
    rest = [
        " ".join(filter(None, (str(item.number), item.id, own)))
        for item, own in list(zip(items, alike.own, strict=True))[_FEW:]
    ]
    if rest:
        table.add_row("", "", "", Text(f"and {', '.join(rest)}", style="dim"))


def _where(item: Action) -> str:
    return " · ".join(part for part in (item.place, item.entry) if part)
