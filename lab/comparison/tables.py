"""A comparison as a table: one grid of texts, drawn as Markdown, in a terminal, as HTML."""

from __future__ import annotations

import html as escape
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab import numbers
from lab.comparison.measure import label
from lab.comparison.values import Arm, Row
from lab.provenance import clipped

if TYPE_CHECKING:
    from rich.console import ConsoleRenderable

    from lab.comparison.comparison import Comparison

_PICKS = {
    "best": "best epoch of {}",
    "chosen": "{} at the epoch that was best on validation",
    "last": "final value of {}",
    "mixed": "{} at the epoch that was best on validation, else its final value",
}


@dataclass(frozen=True)
class Cell:
    """One text of a table; `best` ones are set in bold."""

    text: str
    best: bool = False


@dataclass(frozen=True)
class Grid:
    """A table ready to draw: headings, lines of cells, and what the values are."""

    headings: tuple[str, ...]
    lines: tuple[tuple[Cell, ...], ...]
    caption: str


def grid(comparison: Comparison) -> Grid:
    """The table of a comparison: arms across where there are rows, else arms down."""
    made = _arms_down(comparison) if comparison.rows_by is None else _arms_across(comparison)
    return Grid(*made, caption=caption(comparison))


def caption(comparison: Comparison) -> str:
    """What the cells are: which value of a run, averaged over what."""
    arms = [arm for row in comparison.rows for arm in row.measured]
    picks = {row.metric: row.pick for row in comparison.rows}
    told = []
    for pick, word in _PICKS.items():
        names = [f"`{metric}`" for metric, chosen in picks.items() if chosen == pick]
        if names:
            told.append(word.format(" and ".join(names)))
    unit = "seed" if all(arm.of_seeds for arm in arms) else "run"
    if max((arm.n for arm in arms), default=0) <= 1:
        told.append(f"one {unit} per arm")
    else:
        told.append(f"mean over {unit}s ± standard deviation")
    if any(arm.letters for arm in arms):
        told.append("arms that share a letter cannot be told apart")
    return "; ".join(told)


def markdown(comparison: Comparison) -> str:
    """The table in Markdown, its best values in bold; caption, verdict and notes below."""
    made = grid(comparison)
    head = "| " + " | ".join(_cell(text) for text in made.headings) + " |"
    rule = "|" + "|".join("---" if i == 0 else "---:" for i in range(len(made.headings))) + "|"
    body = [
        "| " + " | ".join(f"**{_cell(c.text)}**" if c.best else _cell(c.text) for c in line) + " |"
        for line in made.lines
    ]
    below = ["", f"*{made.caption[0].upper()}{made.caption[1:]}.*", ""]
    below += [f"- **{name}**: {text}" if name else text for name, text in sentences(comparison)]
    below += ["", *(f"- Note: {note}" for note in comparison.notes)] if comparison.notes else []
    return "\n".join([head, rule, *body, *below])


def sentences(comparison: Comparison) -> list[tuple[str, str]]:
    """Name and verdict of each row; the name is empty where there is but one."""
    from lab.comparison.verdict import verdict_of

    names = row_names(comparison)
    return [(name, verdict_of(row).text) for name, row in zip(names, comparison.rows, strict=True)]


def rich_table(comparison: Comparison, *, words: bool = True) -> ConsoleRenderable:
    """The table for a terminal, with what it allows to say in words below.

    Without `words` only rows that get no verdict are told of.
    """
    from rich.console import Group
    from rich.markup import escape as plain
    from rich.table import Table
    from rich.text import Text

    made = grid(comparison)
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2))
    for i, heading in enumerate(made.headings):
        table.add_column(plain(heading), justify="left" if i == 0 else "right")
    for line in made.lines:
        table.add_row(*(Text(c.text, style="bold green" if c.best else "") for c in line))
    said = [
        Text((f"{name}: " if name else "") + f"{text} {row.advice or ''}".replace("`", "").strip())
        for row, (name, text) in zip(comparison.rows, sentences(comparison), strict=True)
        if words or row.refused
    ]
    notes = [Text(f"Note: {note.replace('`', '')}", style="yellow") for note in comparison.notes]
    below = Text(made.caption.replace("`", ""), style="dim")
    gap = [Text("")] if said or notes else []
    return Group(table, below, *gap, *said, *notes)


def html(comparison: Comparison) -> str:
    """The table for a notebook cell."""
    made = grid(comparison)
    head = "".join(f"<th>{escape.escape(text)}</th>" for text in made.headings)
    body = "".join(
        "<tr>"
        + "".join(
            f"<td>{'<b>' if c.best else ''}{escape.escape(c.text)}{'</b>' if c.best else ''}</td>"
            for c in line
        )
        + "</tr>"
        for line in made.lines
    )
    said = [f"{name}: {text}" if name else text for name, text in sentences(comparison)]
    below = "".join(
        f"<p>{escape.escape(text.replace('`', ''))}</p>"
        for text in (f"{made.caption[0].upper()}{made.caption[1:]}.", *said, *comparison.notes)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}"


def _arms_across(comparison: Comparison) -> tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]]:
    """One line per row, as in a table over data sets: its arms, then the difference."""
    names = row_names(comparison)
    title = numbers.titled(comparison.rows_by or "")
    arms = comparison.arms
    held = any(row.refused is None for row in comparison.rows)
    lines = []
    for row, name in zip(comparison.rows, names, strict=True):
        cells = [Cell(name)]
        for arm_name in arms:
            arm = row.arm(arm_name)
            cells.append(_value(row, arm) if arm else Cell(numbers.MISSING))
        cells += [Cell(_row_delta(row))] if held else []
        cells.append(Cell(_seeds([arm for arm in row.arms if arm.n])))
        lines.append(tuple(cells))
    return (title, *arms, *(["Delta"] if held else []), "Seeds"), tuple(lines)


def _arms_down(comparison: Comparison) -> tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]]:
    """One line per arm: seeds, value, what it may be, difference to baseline and best."""
    row = comparison.rows[0]
    measured = row.measured
    held = row.refused is None
    more = held and len(measured) > 2
    ends = "95% interval" if any(arm.low is not None for arm in measured) else "Range"
    wide = any(arm.n > 1 for arm in measured)
    lettered = any(arm.letters for arm in measured)
    lines = []
    for arm in row.arms:
        cells = [Cell(arm.name, _stands_out(row, arm)), Cell(str(arm.n)), _value(row, arm)]
        cells += [Cell(_ends(row, arm, ends))] if wide else []
        delta = "baseline" if arm.name == row.baseline else _delta(row, arm, best=False)
        cells += [Cell(delta)] if held else []
        cells += [Cell(_delta(row, arm, best=True))] if more else []
        cells += [Cell(arm.letters)] if lettered else []
        lines.append(tuple(cells))
    value = numbers.heading(row.metric)
    value = value.replace(numbers.unit(row.metric).lower(), numbers.unit(row.metric))
    counted = "Seeds" if all(arm.of_seeds for arm in measured) else "Runs"
    headings = [numbers.titled(comparison.by), counted, value]
    headings += [ends] if wide else []
    headings += ["Delta"] if held else []
    headings += [*(["To best"] if more else []), *(["Group"] if lettered else [])]
    return tuple(headings), tuple(lines)


def row_names(comparison: Comparison) -> list[str]:
    """Names of the rows, a notebook by its stem where that is enough to tell it."""
    return short_names([row.name or "" for row in comparison.rows], comparison.rows_by)


def short_names(names: list[str], rows_by: str | None) -> list[str]:
    """The same names, of notebooks their stems where no two are equal."""
    if rows_by != "notebook":
        return names
    stems = [name.rsplit("/", 1)[-1].removesuffix(".ipynb") for name in names]
    return stems if len(set(stems)) == len(stems) else names


def _value(row: Row, arm: Arm) -> Cell:
    if not arm.n:
        return Cell("not finite" if arm.lost_run_ids else numbers.MISSING)
    text = numbers.amount(row.metric, arm.mean)
    if arm.n > 1 and arm.mean is not None:
        figures, _, unit = text.partition(" ")
        deviation = numbers.spread(row.metric, arm.sd, like=arm.mean)
        text = f"{figures} ± {deviation}" + (f" {unit}" if unit else "")
    return Cell(text, _stands_out(row, arm))


def _stands_out(row: Row, arm: Arm) -> bool:
    # Where all are level none is the best.
    return arm.best and len(row.best) < len(row.measured)


def _row_delta(row: Row) -> str:
    """The other arm against the baseline; of many, the best of the others, named."""
    others = [arm for arm in row.measured if arm.name != row.baseline]
    if row.refused or not others or not any(arm.name == row.baseline for arm in row.measured):
        return numbers.MISSING
    pick = max if row.goal == "max" else min
    arm = pick(others, key=lambda other: other.mean or 0.0)
    text = _delta(row, arm, best=False)
    return text if len(row.arms) == 2 or not arm.delta_baseline else f"{text} ({arm.name})"


def _delta(row: Row, arm: Arm, *, best: bool) -> str:
    return numbers.delta(row.metric, arm.delta_best if best else arm.delta_baseline, like=arm.mean)


def _ends(row: Row, arm: Arm, kind: str) -> str:
    low, high = (arm.low, arm.high) if kind == "95% interval" else (arm.minimum, arm.maximum)
    if arm.n < 2 or low is None or high is None:
        return numbers.MISSING
    if numbers.is_fraction(row.metric):
        # A t interval knows nothing of the bounds; nobody is served by 100.5% accuracy.
        low, high = clipped(low, 0.0, 1.0), clipped(high, 0.0, 1.0)
    ends = [numbers.amount(row.metric, end, with_unit=False) for end in (low, high)]
    return f"{ends[0]} to {ends[1]}"


def _seeds(arms: list[Arm]) -> str:
    counts = sorted({arm.n for arm in arms})
    if not counts:
        return "0"
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _cell(text: str) -> str:
    return label(text).replace("|", "\\|").replace("\n", " ")
