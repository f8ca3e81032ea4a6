"""The pictures of a sweep, drawn with matplotlib and never through pyplot."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

from lab import numbers
from lab.plotting.style import COLOURS, FAINT, INK, SETTINGS
from lab.sweep.figures import Axis, Bars, Dot, Figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ACROSS = 4  # panels side by side
_PHASES = {"random": COLOURS[0], "adaptive": COLOURS[1], "imported": COLOURS[2]}
_PHASE_WORDS = {
    "random": "chosen at random",
    "adaptive": "chosen by the sampler",
    "imported": "imported",
}
_ELITE = COLOURS[1]
_WAYS = (0.5698, 0.7549)  # steps that fill a square evenly (the R2 sequence of Roberts 2018)
_OUTSIDE = -0.14  # where a parameter that plays no part is drawn on its axis
_DARK = "#0f172a"
_ROOM = 0.25  # of the values shown, above and below them, for intervals
_FAR = 2  # times the range of the rest: from there outliers are drawn at the edge

Draw = Callable[[Figures], "Figure"]


def _styled(draw: Draw) -> Draw:
    """The picture drawn with our settings, whatever those of the notebook are."""

    @wraps(draw)
    def drawn(figures: Figures) -> Figure:
        import matplotlib as mpl

        with mpl.rc_context(SETTINGS):
            return draw(figures)

    return drawn


@_styled
def history(figures: Figures) -> Figure:
    """The value of each trial in order, the best so far, and where trials ended without one."""
    figure, (axes,) = _figure(1, (7.2, 3.4))
    low, high = view(figures)
    for phase in _phases(figures):
        dots = [dot for dot in figures.complete if dot.phase == phase]
        axes.plot(
            [dot.number for dot in dots], _clipped([dot.value or 0.0 for dot in dots], low, high),
            "o", ms=4, mew=0, alpha=0.75, color=_PHASES[phase], label=_PHASE_WORDS[phase],
        )  # fmt: skip
    best = [dot for dot in figures.dots if dot.best is not None]
    axes.step(
        [dot.number for dot in best], [dot.best or 0.0 for dot in best],
        where="post", color=_DARK, lw=1.3, label="best so far, as observed",
    )  # fmt: skip
    for state, marker in (("pruned", "|"), ("failed", "x")):
        numbers_of = [dot.number for dot in figures.dots if dot.state == state]
        if numbers_of:
            at = [low - 0.05 * (high - low)] * len(numbers_of)
            axes.plot(numbers_of, at, marker, ms=6, color=FAINT, label=state)
    axes.set_xlabel("trial")
    _value_axis(axes, figures, low, high)
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.16), ncols=3, fontsize=8, borderaxespad=0)
    _titled(figure, f"{figures.study}: history", _clipped_note(figures, low, high))
    return figure


@_styled
def slices(figures: Figures) -> Figure:
    """Each parameter against the objective, in the scale it is sampled in."""
    figure, panels = _figure(max(len(figures.axes), 1), (2.5, 2.1))
    low, high = view(figures)
    means = {axis.name: _means(figures, axis) for axis in figures.axes if not axis.numeric}
    ends = [end for found in means.values() for mean in found for end in mean.interval]
    room = _ROOM * (high - low)
    seen = max(min([low, *ends]), low - room), min(max([high, *ends]), high + room)
    for axes, axis in zip(panels, figures.axes, strict=False):
        for phase in _phases(figures):
            dots = [d for d in figures.complete if d.phase == phase and axis.name in d.places]
            axes.plot(
                _apart(dots, axis), _clipped([d.value or 0.0 for d in dots], low, high),
                "o", ms=3.2, mew=0, alpha=0.65, color=_PHASES[phase], label=_PHASE_WORDS[phase],
            )  # fmt: skip
        for mean in means.get(axis.name, ()):
            _draw_mean(axes, mean, 0.5 / max(len(axis.ticks), 2), seen)
        _place_axis(axes, axis)
        axes.text(
            0.0, 1.01, _told_of(axis), transform=axes.transAxes, fontsize=7, color=INK, va="bottom",
        )  # fmt: skip
        axes.set_title(axis.name, fontsize=8.5, color=_DARK, pad=13)
        _value_axis(axes, figures, *seen)
        axes.set_ylabel("")
    note = f"{numbers.spoken(figures.objective)}; {_better(figures)}."
    words = [f"{_COLOUR_WORDS[p]}: {_PHASE_WORDS[p]}" for p in _phases(figures)]
    if any(not axis.numeric for axis in figures.axes):
        words.append("Bars: means of choices with 95% intervals")
    if min([low, *ends]) < seen[0] or max([high, *ends]) > seen[1]:
        words.append("Arrows: an interval goes on beyond the picture")
    note = f"{note[:1].upper()}{note[1:]} {'. '.join(words)}. {_clipped_note(figures, low, high)}"
    _titled(figure, f"{figures.study}: every parameter alone", note)
    return figure


@_styled
def pairs(figures: Figures) -> Figure:
    """Pairs of the clearest parameters: where trials were, the darker the better."""
    figure, panels = _figure(max(len(figures.pairs), 1), (2.9, 2.5), across=3)
    shades = _shades(figures)
    for axes, (one, other) in zip(panels, figures.pairs, strict=False):
        x, y = figures.axis(one), figures.axis(other)
        dots = [d for d in figures.complete if one in d.places and other in d.places]
        dots.sort(key=lambda d: shades[d.number])  # the best on top
        axes.scatter(
            _apart(dots, x), _apart(dots, y, _WAYS[1]), s=26,
            c=[_blue(shades[d.number]) for d in dots],
            edgecolors=[_ELITE if d.elite else "none" for d in dots], linewidths=1.1,
        )  # fmt: skip
        _place_axis(axes, x)
        _place_axis(axes, y, vertical=True)
        axes.set_xlabel(one, fontsize=8)
        axes.set_ylabel(other, fontsize=8)
        axes.set_title(f"n = {len(dots)}", fontsize=8, color=INK)
        axes.grid(visible=True, axis="both")
    note = f"Darker is better, by rank; ringed: the top quarter by {figures.objective}."
    if not figures.pairs:
        note = "Fewer than two parameters were tried at two values."
    _titled(figure, f"{figures.study}: pairs of parameters", note)
    return figure


@_styled
def parallel(figures: Figures) -> Figure:
    """Every trial as a line across its parameters, the darker the better."""
    across = [*figures.axes]
    figure, (axes,) = _figure(1, (min(max(6.0, 0.95 * (len(across) + 1)), 14.0), 3.9))
    shades = _shades(figures)
    low, high = view(figures)
    for dot in sorted(figures.complete, key=lambda d: (d.elite, shades[d.number])):
        heights = [dot.places.get(axis.name, _OUTSIDE) for axis in across]
        height = (_clipped([dot.value or 0.0], low, high)[0] - low) / ((high - low) or 1.0)
        axes.plot(
            range(len(across) + 1), [*heights, height],
            color=_ELITE if dot.elite else _blue(shades[dot.number]),
            lw=1.5 if dot.elite else 0.8, alpha=0.9 if dot.elite else 0.55,
        )  # fmt: skip
    for i, axis in enumerate(across):
        axes.axvline(i, color=FAINT, lw=0.8, zorder=0)
        for at, text in axis.ticks:
            axes.text(i + 0.04, at, text, fontsize=6.5, color=INK, va="center", **_on_lines())
    axes.axvline(len(across), color=_DARK, lw=0.9, zorder=0)
    for at in (low, high):
        text = numbers.amount(figures.objective, at, with_unit=False)
        height = (at - low) / ((high - low) or 1.0)
        axes.text(
            len(across) + 0.04, height, text, fontsize=6.5, color=_DARK, va="center", **_on_lines()
        )
    names = [*(axis.name for axis in across), numbers.unit(figures.objective)]
    names = [textwrap.fill(name.replace("_", " "), 9, break_long_words=False) for name in names]
    axes.set_xticks(range(len(names)), names, fontsize=7.5 if len(names) < 12 else 6.5)
    axes.set_yticks([])
    axes.set_ylim(_OUTSIDE - 0.04, 1.05)
    axes.set_xlim(-0.1, len(across) + 0.5)
    axes.spines["left"].set_visible(False)
    note = "Orange: the top quarter. Blue: the darker the better. At the foot: it plays no part."
    _titled(figure, f"{figures.study}: all trials", note)
    return figure


@_styled
def importance(figures: Figures) -> Figure:
    """Each method and branch beside the other: shares over that of shuffled objectives."""
    ranked = [bars for bars in figures.importance if not bars.refused]
    figure, panels = _figure(max(len(ranked), 1), (4.4, 3.0) if ranked else (7.2, 0.6), across=2)
    for axes, bars in zip(panels, ranked, strict=False):
        _draw_bars(axes, bars)
        axes.set_title(f"{_told(bars)} (n = {bars.n})", color=_DARK)
    if not ranked:
        panels[0].axis("off")
    note = (
        "Bars: share of the variance (fANOVA), or how far the best trials are apart from the rest "
        "(PED-ANOVA), over what shuffled objectives give in 95 of 100; grey: indistinguishable "
        "from noise. Percent: how often it ranked first over resampled trials."
    )
    reasons: dict[tuple[str, str], list[str]] = {}
    for bars in figures.importance:
        if bars.refused:
            reasons.setdefault((bars.method, bars.refused), []).append(bars.where)
    said = [
        f"{method}{_where(wheres) if ranked else ''} not ranked: {why}."
        for (method, why), wheres in reasons.items()
    ]
    _titled(
        figure, f"{figures.study}: importance against chance",
        " ".join([*([note] if ranked else []), *said]),
    )  # fmt: skip
    return figure


PICTURES: dict[str, tuple[Draw, str]] = {
    "importance": (importance, "importance by two methods against chance"),
    "slices": (slices, "every parameter alone against the objective"),
    "pairs": (pairs, "pairs of the clearest parameters"),
    "history": (history, "every trial in order, and the best so far"),
    "parallel": (parallel, "all trials across all parameters"),
}

_COLOUR_WORDS = {"random": "Blue", "adaptive": "Orange", "imported": "Green"}


def _figure(
    count: int, size: tuple[float, float], *, across: int = _ACROSS
) -> tuple[Figure, list[Axes]]:
    """A figure of so many panels, and the panels."""
    from matplotlib.figure import Figure

    wide = min(count, across)
    down = -(-count // wide)
    figure = Figure(figsize=(size[0] * wide, size[1] * down + 0.8), layout="constrained")
    grid = [axes for row in figure.subplots(down, wide, squeeze=False) for axes in row]
    for axes in grid[count:]:
        axes.remove()
    return figure, grid[:count]


def _titled(figure: Figure, title: str, note: str) -> None:
    width = int(figure.get_figwidth() * 16.5)
    caption = textwrap.fill(note.strip(), width) if note.strip() else ""
    height = figure.get_figheight()
    below = (0.1 + 0.15 * (caption.count("\n") + 1)) / height if caption else 0.0
    figure.get_layout_engine().set(rect=(0, below, 1, 1 - below))  # type: ignore[call-arg, union-attr]
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, color=_DARK)
    figure.text(0.01, 0.06 / height, caption, fontsize=7.5, color=INK, va="bottom")


def _draw_bars(axes: Axes, bars: Bars) -> None:
    names = [bar.name for bar in bars.bars][::-1]
    chances = [bar.chance for bar in bars.bars][::-1]
    firsts = [bar.first for bar in bars.bars][::-1]
    colours = [COLOURS[0] if chance > 1 else FAINT for chance in chances]
    axes.barh(range(len(names)), chances, color=colours, height=0.62)
    axes.axvline(1, color=_ELITE, lw=1.2, ls=(0, (4, 2)))
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("times chance")
    axes.grid(visible=False)
    room = max([*chances, 1.0])
    axes.set_xlim(0, 1.16 * room)
    for y, (chance, first) in enumerate(zip(chances, firsts, strict=True)):
        if first is not None and chance > 1:
            text = numbers.percent(first, places=0)
            axes.text(chance + 0.015 * room, y, text, va="center", fontsize=7.5, color=INK)


def _told(bars: Bars) -> str:
    return f"{bars.method}, {bars.where}" if bars.where else bars.method


@dataclass(frozen=True)
class _Mean:
    """The mean of one choice; `interval` has both ends, or none for a single trial."""

    at: float
    mean: float
    interval: tuple[float, ...]


def _means(figures: Figures, axis: Axis) -> list[_Mean]:
    """The mean of each choice of two trials or more, with its interval."""
    from lab.stats.intervals import mean_of, t_interval

    found = []
    for at, _ in axis.ticks:
        values = [d.value or 0.0 for d in figures.complete if d.places.get(axis.name) == at]
        if len(values) > 1:
            found.append(_Mean(at, mean_of(values), t_interval(values) or ()))
    return found


def _draw_mean(axes: Axes, one: _Mean, wide: float, seen: tuple[float, float]) -> None:
    """The mean of a choice with its interval, beside its trials; an arrow where that is cut."""
    axes.plot([one.at - wide / 2, one.at + wide / 2], [one.mean] * 2, color=_DARK, lw=1.6)
    if not one.interval:
        return
    shown = _clipped(one.interval, *seen)
    axes.vlines(one.at, shown[0], shown[1], color=_DARK, lw=1.0)
    for end, cut, marker in zip(one.interval, shown, "v^", strict=True):
        if end != cut:
            axes.plot([one.at], [cut], marker, ms=4, color=_DARK, mew=0)


def _place_axis(axes: Axes, axis: Axis, *, vertical: bool = False) -> None:
    ticks, texts = [at for at, _ in axis.ticks], [text for _, text in axis.ticks]
    longest = max(map(len, texts), default=0)
    if vertical:
        axes.set_yticks(ticks, texts, fontsize=7)
        axes.set_ylim(-0.12, 1.12)
        return
    turned = 30 if longest * len(texts) > 26 else 0
    axes.set_xticks(ticks, texts, fontsize=7, rotation=turned)
    axes.set_xlim(-0.12, 1.12)


def _value_axis(axes: Axes, figures: Figures, low: float, high: float) -> None:
    from matplotlib.ticker import FuncFormatter

    if numbers.is_fraction(figures.objective):
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}%"))
    room = 0.08 * (high - low) or 0.05 * abs(high) or 0.05
    axes.set_ylim(low - room, high + room)
    axes.set_ylabel(numbers.spoken(figures.objective))
    axes.tick_params(axis="y", labelsize=7.5)


def view(figures: Figures) -> tuple[float, float]:
    """The values to show: far outliers on the bad side are drawn at the edge."""
    import numpy as np

    values = np.asarray([dot.value for dot in figures.complete], dtype=float)
    low, high = float(values.min()), float(values.max())
    q1, q3 = (float(q) for q in np.quantile(values, [0.25, 0.75]))
    fence = 3 * (q3 - q1)
    inside = max(low, q1 - fence), min(high, q3 + fence)
    if inside[1] - inside[0] <= 0 or high - low < _FAR * (inside[1] - inside[0]):
        return low, high
    return (inside[0], high) if figures.direction == "maximize" else (low, inside[1])


def _clipped(values: Sequence[float], low: float, high: float) -> list[float]:
    return [min(max(value, low), high) for value in values]


def _clipped_note(figures: Figures, low: float, high: float) -> str:
    outside = sum(not low <= (dot.value or 0.0) <= high for dot in figures.complete)
    if not outside:
        return ""
    return f"{numbers.counted(outside, 'trial')} far off the rest, drawn at the edge."


def _on_lines() -> dict[str, Any]:
    """What makes a text readable that lies on lines."""
    from matplotlib.patheffects import withStroke

    return {"path_effects": [withStroke(linewidth=2.2, foreground="white")], "zorder": 5}


def _shades(figures: Figures) -> dict[int, float]:
    """From 0, the worst, to 1, the best, by rank, equal values alike."""
    sign = 1.0 if figures.direction == "maximize" else -1.0
    held = sorted({sign * (dot.value or 0.0) for dot in figures.complete})
    at = {value: i / max(len(held) - 1, 1) for i, value in enumerate(held)}
    return {dot.number: at[sign * (dot.value or 0.0)] for dot in figures.complete}


def _blue(shade: float) -> Any:
    from matplotlib import colormaps

    return colormaps["Blues"](0.22 + 0.78 * shade)


def _apart(dots: Sequence[Dot], axis: Axis, way: float = _WAYS[0]) -> list[float]:
    """Places along an axis; trials at the same value a little apart, always the same way."""
    places = [dot.places[axis.name] for dot in dots]
    if axis.numeric and len(axis.ticks) < 4 and len(set(places)) > len(places) / 2:
        return places
    step = 0.34 / max(len(axis.ticks), 2)
    pairs = zip(places, dots, strict=True)
    return [at + step * ((dot.number * way) % 1 - 0.5) for at, dot in pairs]


def _where(wheres: Sequence[str]) -> str:
    told = "; ".join(filter(None, wheres))
    return f" ({told})" if told else ""


def _told_of(axis: Axis) -> str:
    """Where a parameter plays a part, and what the analysis says of it, within a panel's width."""
    told = "; ".join(part for part in (axis.where, axis.said) if part)
    return textwrap.shorten(told, 46, placeholder="…")


def _phases(figures: Figures) -> list[str]:
    present = {dot.phase for dot in figures.complete}
    return [phase for phase in _PHASES if phase in present]


def _better(figures: Figures) -> str:
    return "higher is better" if figures.direction == "maximize" else "lower is better"
