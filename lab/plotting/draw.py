"""A CurvePlot as a matplotlib figure: never through pyplot, so that nothing opens or lingers."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

from lab import numbers
from lab.plotting.curves import ArmCurve, CurvePlot, Panel
from lab.plotting.limits import cut_bands, is_logarithmic, limits
from lab.plotting.style import INK, SETTINGS, look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT = 6.4, 3.4  # inches of a single panel
_SMALL = (3.6, 2.7)  # of each of several
_ACROSS = 3  # panels side by side
_FEW = 3  # arms; the bands of more are fainter, as they lie on each other


def draw(plot: CurvePlot) -> Figure:
    """The figure of a plot: a panel per row, one legend, a caption that says what bands are."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    across = min(len(plot.panels), _ACROSS)
    down = -(-len(plot.panels) // across)
    wide, high = (_WIDTH, _HEIGHT) if len(plot.panels) == 1 else _SMALL
    names = list(dict.fromkeys(arm.name for panel in plot.panels for arm in panel.arms))
    caption = _caption(plot, wide * across)
    below = _below(plot, names, caption, wide * across)
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(wide * across, high * down + below), layout="constrained")
        size = figure.get_figheight()
        figure.get_layout_engine().set(rect=(0, below / size, 1, 1 - below / size))  # type: ignore[call-arg, union-attr]
        grid = figure.subplots(down, across, squeeze=False)
        panels = list(zip(plot.panels, plot.names, strict=True))
        for place, axes in enumerate(axes for row in grid for axes in row):
            if place >= len(panels):
                axes.remove()
                continue
            panel, title = panels[place]
            _draw_panel(axes, panel, title, plot, names)
        figure.suptitle(plot.title, x=0.01, ha="left", fontsize=11, color="#0f172a")
        _legend(figure, plot, names, below / size)
        figure.text(0.01, 0.015, caption, fontsize=7.5, color=INK, va="bottom", linespacing=1.35)
    return figure


def _draw_panel(axes: Axes, panel: Panel, title: str, plot: CurvePlot, names: list[str]) -> None:
    if title:
        axes.set_title(title, color=INK)
    if plot.single:
        _draw_dots(axes, panel, names)
    else:
        fade = 0.16 if len(panel.arms) <= _FEW else 0.11
        for arm in panel.arms:
            _draw_line(axes, arm, look(names.index(arm.name), len(names)), fade)
        axes.set_xlabel(plot.step_word)
        _whole_steps(axes)
        axes.margins(x=0.02)
    axes.set_ylabel(numbers.spoken(plot.metric))
    _scale(axes, panel, plot)


def _draw_line(axes: Axes, arm: ArmCurve, style: tuple[Any, Any], fade: float) -> None:
    colour, dash = style
    whole = [point for point in arm.points if point.n == arm.n]
    marker = "o" if len(arm.points) <= 12 else ""
    steps = [point.step for point in whole]
    axes.plot(
        steps, [p.mean for p in whole], color=colour, ls=dash, lw=1.7, marker=marker, ms=3.5,
    )  # fmt: skip
    if arm.n > 1:
        axes.fill_between(
            steps,
            [math.nan if p.low is None else p.low for p in whole],
            [math.nan if p.high is None else p.high for p in whole],
            color=colour, alpha=fade, lw=0,
        )  # fmt: skip
    late = [p for p in arm.points if whole and p.n < arm.n and p.step > whole[-1].step]
    if late:
        joined = [whole[-1], *late]
        axes.plot([p.step for p in joined], [p.mean for p in joined], color=colour, ls=":", lw=1.1)


def _draw_dots(axes: Axes, panel: Panel, names: list[str]) -> None:
    for place, arm in enumerate(panel.arms):
        colour, _ = look(names.index(arm.name), len(names))
        beside = [place + 0.13 + (0.16 * i / (arm.n - 1) if arm.n > 1 else 0) for i in range(arm.n)]
        axes.plot(beside, arm.values, "o", color=colour, ms=4, alpha=0.5, mew=0)
        point = arm.points[0]
        if point.low is not None and point.high is not None:
            axes.vlines(place, point.low, point.high, color=colour, lw=1.8)
        axes.plot([place], [point.mean], "D", color=colour, ms=6, mec="white", mew=0.8)
    labels = [textwrap.fill(arm.name, 14) for arm in panel.arms]
    axes.set_xticks(range(len(labels)), labels, rotation=30 if len(labels) > 6 else 0)
    axes.set_xlim(-0.6, len(labels) - 0.4)


def _scale(axes: Axes, panel: Panel, plot: CurvePlot) -> None:
    """Percent for accuracies, a logarithmic axis for losses that fall far."""
    from matplotlib.ticker import FuncFormatter

    if is_logarithmic(panel, plot.metric):
        axes.set_yscale("log")
        return
    if numbers.is_fraction(plot.metric):
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}%"))
    axes.set_ylim(*limits(panel))


def _whole_steps(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=9, steps=[1, 2, 5, 10], integer=True))


def _legend(figure: Figure, plot: CurvePlot, names: list[str], top: float) -> None:
    """One entry an arm, with its number of runs, between the panels and the caption."""
    from matplotlib.lines import Line2D

    if plot.single:
        return
    handles = []
    for index, name in enumerate(names):
        colour, dash = look(index, len(names))
        label = _label(plot, name)
        handles.append(Line2D([], [], color=colour, ls=dash, lw=2, label=label))
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.0, top),
        ncols=_columns(plot, names, figure.get_figwidth()),
        fontsize=8.5,
        handlelength=2.4,
        columnspacing=1.6,
        borderaxespad=0.2,
    )


def _label(plot: CurvePlot, name: str) -> str:
    counts = sorted({arm.n for panel in plot.panels for arm in panel.arms if arm.name == name})
    n = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{textwrap.shorten(name, 40, placeholder='…')} (n = {n})"


def _columns(plot: CurvePlot, names: list[str], width: float) -> int:
    longest = max(len(_label(plot, name)) for name in names)
    return max(1, min(len(names), int(width / (0.5 + 0.064 * longest))))


def _caption(plot: CurvePlot, width: float) -> str:
    """What lines and bands are, then what the comparison notes of its runs."""
    letters = int(width * 17.5)
    counts = ""
    if plot.single:
        arms = [arm for panel in plot.panels for arm in panel.arms]
        several = sorted({arm.n for arm in arms})
        counts = f" n = {several[0]}" + (f" to {several[-1]}" if len(several) > 1 else "") + "."
    lines = textwrap.wrap(f"{plot.bands}{counts} {cut_bands(plot)}", letters)
    for note in plot.notes[:3]:
        lines += textwrap.wrap(note.replace("`", ""), letters, max_lines=2, placeholder=" …")
    return "\n".join(lines)


def _below(plot: CurvePlot, names: list[str], caption: str, width: float) -> float:
    """Inches that legend and caption take."""
    rows = 0 if plot.single else -(-len(names) // _columns(plot, names, width))
    return 0.12 + 0.19 * rows + 0.145 * (caption.count("\n") + 1)
