"""The card of a sweep as Markdown, and the folder that holds it with its numbers."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from lab.log.render import render
from lab.record.files import encode, write_atomic
from lab.sweep.analysis import Analysis, analyze, as_json, parameter_rows
from lab.sweep.card import card
from lab.sweep.figures import figures_of, importance_rows, trial_rows
from lab.workspace import Workspace

_TABLES = (
    ("parameters.csv", "every parameter with its effect, test and importance"),
    ("choices.csv", "the means of the choices, with their intervals"),
    ("branches.csv", "every branch of the conditions"),
    ("importance.csv", "importance by two methods, against chance"),
    ("trials.csv", "every trial, as the pictures show it"),
    ("analysis.json", "all numbers of this card"),
    ("figures.json", "all values of the pictures"),
)


def _files() -> tuple[tuple[str, str], ...]:
    """What lies beside a card, in the order to review it."""
    from lab.sweep.draw import PICTURES

    pictures = ((f"{name}.png", what) for name, (_, what) in PICTURES.items())
    return (("explore.html", "all trials, to filter and compare in a browser"), *pictures, *_TABLES)


def sweep_card(
    study: str | Analysis, *, out: Path | str | None = None, workspace: Workspace | None = None
) -> str:
    """The card of a study as Markdown, as `lab sweep analyze` prints it.

    With `out` the folder gets the card, its pictures, tables and numbers. Raises InputError where
    there is no such study, or no trial is complete.

    Markdown(lab.log.sweep_card("demo", out="demo_card"))
    """
    place = workspace or Workspace.find()
    found = analyze(study, workspace=place) if isinstance(study, str) else study
    if out is not None:
        write_card(found, Path(out), place)
    return card_text(found, place)


def card_text(
    found: Analysis, workspace: Workspace, files: tuple[tuple[str, str], ...] = ()
) -> str:
    """The card; the same study gives the same bytes."""
    return render("sweep_card", workspace, c=card(found), files=files)


def write_card(found: Analysis, folder: Path, workspace: Workspace) -> list[Path]:
    """Write the card, its pictures, its tables as CSV and all numbers as JSON; the paths.

    The same study gives the same text and tables everywhere, and the same pictures with the same
    version of matplotlib.
    """
    from lab.plotting.files import figure_bytes
    from lab.sweep.draw import PICTURES
    from lab.sweep.page import interactive_page

    numbers, figures = as_json(found), figures_of(found)
    texts = {
        "card.md": card_text(found, workspace, _files()),
        "explore.html": interactive_page(figures),
        "parameters.csv": _table(parameter_rows(found)),
        "choices.csv": _table(_choices(found)),
        "branches.csv": _table(numbers["branches"]),
        "importance.csv": _table(importance_rows(figures)),
        "trials.csv": _table(trial_rows(figures)),
        "analysis.json": _json(numbers),
        "figures.json": _json(figures.as_dict()),
    }
    contents = {name: text.encode("utf-8") for name, text in texts.items()}
    for name, (draw, _) in PICTURES.items():
        contents[f"{name}.png"] = figure_bytes(draw(figures), "png")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        write_atomic(folder / name, content)
    return [folder / name for name in contents]


def _json(values: Any) -> str:
    return json.dumps(encode(values), indent=2, ensure_ascii=False) + "\n"


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
