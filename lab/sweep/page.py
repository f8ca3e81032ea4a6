"""The pictures of a sweep as one page to explore: no network, no library, one file."""

from __future__ import annotations

import html
import json
from pathlib import Path

from lab import numbers
from lab.record.files import encode
from lab.sweep.draw import view
from lab.sweep.figures import Figures

_PAGE = Path(__file__).with_name("interactive.html")


def interactive_page(figures: Figures) -> str:
    """HTML with linked parallel coordinates, history, slices, pairs, importance and a table."""
    low, high = view(figures)
    values = figures.as_dict() | {
        "view": [low, high],
        "ticks": [
            [at, _said(figures, low + at * (high - low))]
            for at in ((0, 0.5, 1) if high > low else (0.5,))
        ],
        "said": {dot.number: _said(figures, dot.value) for dot in figures.dots},
    }
    # In a script only "</" could end it, and in JSON it can be written otherwise.
    data = json.dumps(encode(values), ensure_ascii=False).replace("</", "<\\/")
    page = _PAGE.read_text(encoding="utf-8")
    return page.replace("TITLE", html.escape(f"Sweep {figures.study}"), 1).replace("DATA", data, 1)


def _said(figures: Figures, value: float | None) -> str:
    return numbers.amount(figures.objective, value, with_unit=False)
