"""Colours that colour-blind readers tell apart, and one calm look."""

from __future__ import annotations

from typing import Any

# Okabe and Ito, Color Universal Design (2008), without the yellow, which is faint on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES: tuple[Any, ...] = ("solid", (0, (5, 2)), (0, (1, 1.4)), (0, (5, 1.5, 1, 1.5)))
INK, FAINT = "#475569", "#94a3b8"

SETTINGS: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so every machine draws the same
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#e2e8f0",
    "grid.linewidth": 0.7,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "svg.hashsalt": "lab",  # ids in an SVG are the same each time
    "svg.fonttype": "path",
}


def look(index: int, count: int) -> tuple[Any, Any]:
    """Colour and dash of arm `index` among `count`: the dash changes with the round of colours."""
    if count > len(COLOURS) * len(DASHES):
        from matplotlib import colormaps

        return colormaps["viridis"](0.92 * index / (count - 1)), "solid"
    return COLOURS[index % len(COLOURS)], DASHES[index // len(COLOURS)]
