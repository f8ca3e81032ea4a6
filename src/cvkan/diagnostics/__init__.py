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
from cvkan.diagnostics.clusters import PhaseClusters, Purity, draw_clusters, phase_clusters, purity
from cvkan.diagnostics.confusion import Confusion, confusion, draw_confusion
from cvkan.diagnostics.early import EarlyAccuracy, draw_early, early_accuracy
from cvkan.diagnostics.forecast import (
    ForecastWindow,
    draw_errors,
    draw_forecast,
    error_by_step,
    forecast_window,
    repeat_last,
    repeat_period,
)
from cvkan.diagnostics.gradients import GradientFlow, draw_gradients, gradient_flow
from cvkan.diagnostics.images import by_class, draw_images, patch_maps, tiled
from cvkan.diagnostics.information import (
    Bits,
    Information,
    draw_information,
    information,
    mutual_information,
)
from cvkan.diagnostics.interventions import INTERVENTIONS, Effect, draw_effects, intervene
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
from cvkan.diagnostics.transforms import Response, Transform, draw_response, transforms

__all__ = [
    "INTERVENTIONS",
    "Bits",
    "Confusion",
    "Constellation",
    "Curve",
    "EarlyAccuracy",
    "Effect",
    "ForecastWindow",
    "GradientFlow",
    "Information",
    "Part",
    "PhaseClusters",
    "Polarization",
    "Progress",
    "Purity",
    "Response",
    "Spectrum",
    "SummaryRow",
    "Transform",
    "agreeing_first",
    "alignment",
    "by_class",
    "confusion",
    "constellation",
    "draw_alignment",
    "draw_clusters",
    "draw_confusion",
    "draw_constellation",
    "draw_curve",
    "draw_early",
    "draw_effects",
    "draw_errors",
    "draw_forecast",
    "draw_gradients",
    "draw_images",
    "draw_information",
    "draw_phases",
    "draw_polarization",
    "draw_response",
    "draw_shares",
    "draw_spectrum",
    "early_accuracy",
    "effective_tokens",
    "error_by_step",
    "forecast_window",
    "gradient_flow",
    "information",
    "intervene",
    "learning_curves",
    "mutual_information",
    "outline",
    "patch_maps",
    "phase_clusters",
    "phases",
    "polarization",
    "purity",
    "repeat_last",
    "repeat_period",
    "spectrum",
    "summary",
    "tiled",
    "token_shares",
    "transforms",
    "use_style",
]
