"""Curves of a metric over seeds, arm by arm: computed by `curves`, drawn by `draw`.

lab.plot("val/loss", by="pooling", where="notebook ~ image")      # a matplotlib Figure
"""

from lab.plotting.build import curves_of_runs
from lab.plotting.curves import ArmCurve, CurvePlot, Panel, Point
from lab.plotting.figure import plot
from lab.plotting.files import curves_png, figure_name, save_plot

__all__ = [
    "ArmCurve",
    "CurvePlot",
    "Panel",
    "Point",
    "curves_of_runs",
    "curves_png",
    "figure_name",
    "plot",
    "save_plot",
]
