"""Runs as `lab runs` lists them: as many columns as the terminal has room for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from lab.cli.show import headline_value, metric_value, status_text
from lab.duration import show_duration

if TYPE_CHECKING:
    from rich.console import Console

    from lab.record.run import Run

_GAP = 2  # spaces between columns
# What goes first where the terminal is narrow; id, status and the metric always stay.
_REASON = "why a run ended"
_LEAST = (_REASON, "time", "notebook", "seed", "arm")


def print_runs(found: Sequence[Run], sort: str | None, console: Console) -> None:
    """A line for each run. Where a terminal is too narrow, columns are left out, and told."""
    columns = _columns(found, sort)
    left_out: list[str] = []
    for name in _LEAST if console.is_terminal else ():
        if _width(columns) <= console.width:
            break
        if name == _REASON:
            shorter = [status_text(run.status) for run in found]
            if shorter == columns["status"]:
                continue
            columns["status"] = shorter
        elif not any(text.plain for text in columns.pop(name)):
            continue
        left_out.append(name)
    # As wide as it is even where not the least fits: a terminal wraps, and no number is cut.
    table = Table(box=None, header_style="bold", pad_edge=False, width=_width(columns))
    for name, texts in columns.items():
        table.add_column(name, no_wrap=True, min_width=_cells(name, texts))
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    console.print(table, crop=False)
    if left_out:
        few = f"{', '.join(left_out[:-1])} and {left_out[-1]}" if left_out[1:] else left_out[0]
        verb = "need" if left_out[1:] else "needs"
        text = f"{few} {verb} a wider terminal, or a pipe: lab runs | cat"
        console.print(Text(text, style="dim"), soft_wrap=True)


def _columns(found: Sequence[Run], sort: str | None) -> dict[str, list[Text]]:
    return {
        "id": [Text(run.id) for run in found],
        "status": [status_text(run.status, run.reason) for run in found],
        "notebook": [Text(Path(run.notebook).stem if run.notebook else "-") for run in found],
        "arm": [Text(run.part or "") for run in found],
        "seed": [Text("" if run.seed is None else str(run.seed)) for run in found],
        sort or "headline": [_measured(run, sort) for run in found],
        "time": [Text(show_duration(run.seconds)) for run in found],
    }


def _measured(run: Run, sort: str | None) -> Text:
    metric = sort or run.headline
    value = run.best(metric) if sort and metric else headline_value(run)
    if not metric or value is None:
        return Text("")
    shown = metric_value(metric, value)
    return Text(shown if sort else f"{metric} {shown}")


def _cells(name: str, texts: Sequence[Text]) -> int:
    return max(len(name), *(text.cell_len for text in texts))


def _width(columns: dict[str, list[Text]]) -> int:
    widths = [_cells(name, texts) for name, texts in columns.items()]
    return sum(widths) + _GAP * (len(widths) - 1)
