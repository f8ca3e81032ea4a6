"""How values look on a terminal, and JSON on standard output."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import orjson
from rich.console import Console
from rich.text import Text

from lab.duration import show_duration
from lab.numbers import figure, is_fraction, percent
from lab.record.files import encode

if TYPE_CHECKING:
    from lab.record.run import Run

_STYLES = {
    "done": "green",
    "running": "cyan",
    "failed": "red",
    "crashed": "red",
    "stopped": "yellow",
    "pruned": "yellow",
}


_PIPE_WIDTH = 160  # columns where no terminal says how many there are


def stdout() -> Console:
    wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PIPE_WIDTH
    return Console(width=wide)


def stderr() -> Console:
    return Console(stderr=True)


def print_json(value: Any) -> None:
    """One JSON document and nothing else on standard output."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    sys.stdout.write(orjson.dumps(encode(value), option=options, default=str).decode())


def metric_value(name: str, value: Any) -> str:
    """A metric as people read it: accuracies as percent, the rest in four digits."""
    if not isinstance(value, int | float):
        return str(value)
    return percent(value) if is_fraction(name) else figure(value, digits=4)


def status_text(status: str, reason: str | None = None) -> Text:
    text = Text(status, style=_STYLES.get(status, ""))
    if reason:
        text.append(f" ({reason})", style="dim")
    return text


def outcome_text(label: str, run: Run) -> Text:
    """One line on how a run ended."""
    text = status_text(run.status, run.reason)
    text.append(f"  {label}", style="default bold")
    headline = run.record.get("headline")
    if headline and headline in run.summary:
        value = headline_value(run)
        text.append(f"  {headline} {metric_value(headline, value)}", style="cyan")
    text.append(f"  {show_duration(run.seconds)}  ({run.id})", style="dim")
    error = run.record.get("error")
    if error:
        text.append(f"\n    {error_line(error)}", style="red")
    return text


def headline_value(run: Run) -> Any:
    """The value that stands for a run: of a test metric the last, else the best."""
    headline = run.record.get("headline")
    if not headline or headline not in run.summary:
        return None
    return run.summary[headline]["last" if headline.startswith("test/") else "best"]


def error_line(error: dict[str, Any]) -> str:
    cell = f" in cell {error['cell']}" if error.get("cell") is not None else ""
    message = str(error.get("message") or "").strip().splitlines()
    return f"{error.get('type')}{cell}: {message[0] if message else ''}"


def failure_text(label: str, run: Run) -> Text:
    """A failed run with its cell, its error and the command that shows more."""
    text = Text("  ")
    text.append(label, style="bold")
    text.append(f"  {run.status}", style=_STYLES.get(run.status, ""))
    text.append(f" ({run.reason})" if run.reason else "")
    error = run.record.get("error")
    if error:
        text.append(f"\n    {error_line(error)}")
    text.append(f"\n    lab show {run.id}", style="dim")
    return text
