"""What a trained model does inside; values first, pictures from values.

A function with a noun for a name computes plain values; `draw_` puts them on matplotlib axes.
"""

from cvkan.diagnostics.alignment import (
    agreeing_first,
    alignment,
    draw_alignment,
    draw_phases,
    effective_tokens,
    phases,
    token_shares,
)
from cvkan.diagnostics.confusion import Confusion, confusion, draw_confusion
from cvkan.diagnostics.forecast import (
    ForecastWindow,
    draw_errors,
    draw_forecast,
    error_by_step,
    forecast_window,
    repeat_last,
    repeat_period,
)
from cvkan.diagnostics.images import by_class, draw_images, patch_maps, tiled
from cvkan.diagnostics.learning import Curve, SummaryRow, draw_curve, learning_curves, summary
from cvkan.diagnostics.polarization import (
    Constellation,
    Polarization,
    constellation,
    draw_constellation,
    draw_polarization,
    polarization,
)
from cvkan.diagnostics.progress import Progress
from cvkan.diagnostics.spectra import Spectrum, draw_shares, draw_spectrum, spectrum
from cvkan.diagnostics.structure import Part, outline
from cvkan.diagnostics.style import use_style

__all__ = [
    "Confusion",
    "Constellation",
    "Curve",
    "ForecastWindow",
    "Part",
    "Polarization",
    "Progress",
    "Spectrum",
    "SummaryRow",
    "agreeing_first",
    "alignment",
    "by_class",
    "confusion",
    "constellation",
    "draw_alignment",
    "draw_confusion",
    "draw_constellation",
    "draw_curve",
    "draw_errors",
    "draw_forecast",
    "draw_images",
    "draw_phases",
    "draw_polarization",
    "draw_shares",
    "draw_spectrum",
    "effective_tokens",
    "error_by_step",
    "forecast_window",
    "learning_curves",
    "outline",
    "patch_maps",
    "phases",
    "polarization",
    "repeat_last",
    "repeat_period",
    "spectrum",
    "summary",
    "tiled",
    "token_shares",
    "use_style",
]
