"""`lab.plot`: curves of a metric by arm, as a figure for a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.errors import InputError
from lab.plotting.build import curves_of_runs
from lab.plotting.draw import draw
from lab.plotting.files import figure_bytes
from lab.record.catalogue import find_runs
from lab.workspace import Workspace

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot(
    metric: str,
    by: str,
    *,
    where: str | None = None,
    rows: str | None = None,
    seed_param: str = "seed",
    workspace: Workspace | None = None,
) -> Figure:
    """The mean of `metric` over seeds and its band, step by step, for each value of `by`.

    One panel per value of `rows`. A metric that each run has once, as test/accuracy, is drawn as
    one dot a run. Raises InputError where nothing can be compared.

    lab.plot("val/loss", by="pooling", where="notebook ~ image")
    """
    found = find_runs(workspace or Workspace.find(), where=where)
    if where and not found:
        raise InputError("No run matches", seen=where, do="See `lab runs`.")
    figure = draw(curves_of_runs(found, metric=metric, by=by, rows=rows, seed_param=seed_param))
    # Jupyter shows figures by itself only once pyplot has been loaded.
    vars(figure)["_repr_png_"] = lambda: figure_bytes(figure, "png")
    return figure
