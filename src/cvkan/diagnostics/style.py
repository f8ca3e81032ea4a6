"""One calm look for every figure."""

from __future__ import annotations

from typing import Any

AMBER, TEAL, SLATE, FAINT = "#d97706", "#0f766e", "#475569", "#cbd5e1"
SEQUENTIAL = "GnBu"  # amounts
DIVERGING = "BrBG"  # amounts around zero: amber to teal
CYCLIC = "twilight"  # angles

_SETTINGS: dict[str, Any] = {
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.labelcolor": SLATE,
    "axes.edgecolor": "#94a3b8",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e2e8f0",
    "grid.linewidth": 0.7,
    "xtick.color": SLATE,
    "ytick.color": SLATE,
    "lines.linewidth": 1.6,
    "lines.markersize": 4,
    "legend.frameon": False,
    "image.interpolation": "nearest",
}


def use_style() -> None:
    """Draw every figure of this process in the look of the notebooks."""
    from matplotlib import style

    style.use(_SETTINGS)
