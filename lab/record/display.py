"""How a run shows itself in a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.record.run import Run


def run_html(run: Run) -> str:
    """A run as a small page: how it stands, its metrics, its parameters."""
    reason = f" ({run.reason})" if run.reason else ""
    facts = [run.notebook, run.arm, None if run.seconds is None else f"{run.seconds:.1f} s"]
    line = " · ".join(escape(str(fact)) for fact in facts if fact)
    metrics = [
        (name, _value(entry.get("best")), entry.get("best_step"), _value(entry.get("last")))
        for name, entry in run.metrics.items()
    ]
    return (
        f"<div><b>Run {escape(run.id)}</b> {escape(run.status + reason)}<br>{line}"
        + _table(("metric", "best", "at step", "last"), metrics)
        + _table(("parameter", "value"), list(run.params.items()))
        + "</div>"
    )


def _table(header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    if not rows:
        return ""
    cells = "".join(
        "<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in row) + "</tr>"
        for row in rows
    )
    return f"<table><tr>{''.join(f'<th>{title}</th>' for title in header)}</tr>{cells}</table>"


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else "-"
