"""Forecasts beside the truth, and beside forecasts that need no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from cvkan.diagnostics.style import AMBER, SLATE, TEAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NAIVE_DASHES = ("--", ":", "-.")


def repeat_last(inputs: Tensor, horizon: int) -> Tensor:
    """The last value, kept: (B, lookback, channels) gives (B, horizon, channels)."""
    return inputs[:, -1:].expand(-1, horizon, -1)


def repeat_period(inputs: Tensor, horizon: int, *, period: int = 24) -> Tensor:
    """The last `period` steps over and over: what was at this hour the day before."""
    period = min(period, inputs.shape[1])
    times = -(-horizon // period)
    return inputs[:, -period:].repeat(1, times, 1)[:, :horizon]


def error_by_step(forecasts: Tensor, targets: Tensor) -> tuple[float, ...]:
    """Mean squared error at each step ahead, over samples and channels."""
    return tuple((forecasts - targets).square().mean(dim=(0, 2)).tolist())


def draw_errors(errors: Mapping[str, Sequence[float]], axes: Axes) -> Axes:
    """Error over steps ahead: the first entry is the model, the others what it has to beat."""
    for number, (name, values) in enumerate(errors.items()):
        style, colour = ("-", AMBER) if number == 0 else (_NAIVE_DASHES[(number - 1) % 3], SLATE)
        mean = sum(values) / len(values)
        axes.plot(
            range(1, len(values) + 1), values, style, color=colour, label=f"{name}: {mean:.3f}"
        )
    axes.set(xlabel="hours ahead", ylabel="mean squared error", title="Error by distance (test)")
    axes.set_ylim(bottom=0)
    axes.legend(
        title="mean over the horizon",
        fontsize=8,
        title_fontsize=8,
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
        alignment="left",
    )
    return axes


@dataclass(frozen=True)
class ForecastWindow:
    """One channel of one sample: what the model saw, what came, what it said would come."""

    past: tuple[float, ...]
    truth: tuple[float, ...]
    forecast: tuple[float, ...]


def forecast_window(
    inputs: Tensor, targets: Tensor, forecasts: Tensor, *, sample: int, channel: int
) -> ForecastWindow:
    """Cut one window out of batches (B, steps, channels)."""
    past, truth, forecast = (t[sample, :, channel].tolist() for t in (inputs, targets, forecasts))
    return ForecastWindow(tuple(past), tuple(truth), tuple(forecast))


def draw_forecast(window: ForecastWindow, axes: Axes, *, title: str = "") -> Axes:
    """Past at the left of zero, forecast and truth at the right."""
    past = range(1 - len(window.past), 1)
    ahead = range(1, len(window.truth) + 1)
    axes.axvspan(0, len(window.truth), color="#f8fafc", zorder=0)
    axes.plot(past, window.past, color=SLATE, linewidth=1.1, label="seen")
    axes.plot(ahead, window.truth, color=TEAL, linewidth=1.1, label="truth")
    axes.plot(ahead, window.forecast, color=AMBER, label="forecast")
    axes.set_title(title)
    axes.margins(x=0)
    return axes
