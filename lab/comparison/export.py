"""A comparison as other programs take it: LaTeX for papers, CSV and pandas for further work."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

from lab import numbers
from lab.comparison.tables import Cell, grid

if TYPE_CHECKING:
    import pandas as pd

    from lab.comparison.comparison import Comparison

_KEPT = ("n", "mean", "sd", "minimum", "maximum", "low", "high", "best")
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "±": r"$\pm$",
    "–": "--", "\n": " ",
}  # fmt: skip


def records(comparison: Comparison) -> list[dict[str, Any]]:
    """One flat record per row and arm, numbers in full; missing ones are None."""
    return [
        {
            **({comparison.rows_by: row.name} if comparison.rows_by else {}),
            comparison.by: arm.name,
            "metric": row.metric,
            **{name: getattr(arm, name) for name in _KEPT},
            "delta_best": arm.delta_best,
            "delta_baseline": arm.delta_baseline,
            "p_baseline": _adjusted(arm.to_baseline),
            "p_best": _adjusted(arm.to_best),
            "letters": arm.letters,
            "runs": list(arm.run_ids),
        }
        for row in comparison.rows
        for arm in row.arms
    ]


def frame(comparison: Comparison) -> pd.DataFrame:
    """One line per row and arm, for further work in pandas."""
    import pandas as pd

    return pd.DataFrame(records(comparison))


def csv_text(comparison: Comparison) -> str:
    """One line per row and arm under a heading; run ids are separated by spaces (RFC 4180)."""
    lines = [line | {"runs": " ".join(line["runs"])} for line in records(comparison)]
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(lines[0]))
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()


def latex(comparison: Comparison) -> str:
    """The table for a paper: a float with caption, and the rules of the booktabs package."""
    made = grid(comparison)
    columns = "l" + "r" * (len(made.headings) - 1)
    body = [" & ".join(_cell(cell) for cell in line) + r" \\" for line in made.lines]
    caption = f"{numbers.capital(made.caption)}."
    return "\n".join(
        [
            r"% \usepackage{booktabs}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_code(caption)}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            " & ".join(_plain(text) for text in made.headings) + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    )


def _adjusted(found: Any) -> float | None:
    return None if found is None else found.adjusted


def _cell(cell: Cell) -> str:
    text = _plain(cell.text)
    return rf"\textbf{{{text}}}" if cell.best else text


def _code(text: str) -> str:
    """Markdown with `code` in it as LaTeX."""
    parts = re.split(r"`([^`]*)`", text)
    return "".join(
        rf"\texttt{{{_plain(part)}}}" if i % 2 else _plain(part) for i, part in enumerate(parts)
    )


def _plain(text: str) -> str:
    marks = "".join(_LATEX.get(mark, mark) for mark in text)
    return re.sub(r"(?<![\w$])-(?=\d)", "$-$", marks)  # a minus sign, not a hyphen
