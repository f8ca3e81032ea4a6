"""The card of a sweep as Markdown, and the folder that holds it with its numbers."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from lab.log.render import render
from lab.record.files import write_atomic
from lab.sweep.analysis import Analysis, as_json, parameter_rows
from lab.sweep.card import card
from lab.workspace import Workspace

_FILES = (
    ("parameters.csv", "every parameter with its effect, test and importance"),
    ("choices.csv", "the means of the choices, with their intervals"),
    ("branches.csv", "every branch of the conditions"),
    ("analysis.json", "all numbers of this card"),
)


def card_text(
    found: Analysis, workspace: Workspace, files: tuple[tuple[str, str], ...] = ()
) -> str:
    """The card; the same study gives the same bytes."""
    return render("sweep_card", workspace, c=card(found), files=files)


def write_card(found: Analysis, folder: Path, workspace: Workspace) -> list[Path]:
    """Write the card, its tables as CSV and all numbers as JSON into `folder`; the paths."""
    numbers = as_json(found)
    texts = {
        "card.md": card_text(found, workspace, _FILES),
        "parameters.csv": _table(parameter_rows(found)),
        "choices.csv": _table(_choices(found)),
        "branches.csv": _table(numbers["branches"]),
        "analysis.json": json.dumps(numbers, indent=2, ensure_ascii=False) + "\n",
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        write_atomic(folder / name, text.encode("utf-8"))
    return [folder / name for name in texts]


def _choices(found: Analysis) -> list[dict[str, Any]]:
    return [
        {
            "parameter": effect.factor.name,
            "choice": level.value,
            "n": level.n,
            **{
                name: None if value is None else float(f"{value:.6g}")
                for name, value in (("mean", level.mean), ("low", level.low), ("high", level.high))
            },
        }
        for effect in found.marginals.effects
        for level in effect.levels
    ]


def _table(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
