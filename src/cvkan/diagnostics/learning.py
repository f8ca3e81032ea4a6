"""How training went: curves, and best against last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cvkan.diagnostics.progress import value_text
from cvkan.diagnostics.style import AMBER, FAINT, TEAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cvkan.training.loop import Result

_FALLING = ("loss", "mse", "mae")  # metrics that are better when lower


@dataclass(frozen=True)
class Curve:
    """One metric on training and validation samples, a value an epoch."""

    metric: str
    train: tuple[float, ...]
    validation: tuple[float, ...]
    best_epoch: int  # counted from 1; the one whose weights are kept


def learning_curves(history: Sequence[Mapping[str, float]], best_epoch: int) -> tuple[Curve, ...]:
    """The metrics that training and validation both have, in the order they were recorded."""
    names = [name.removeprefix("val/") for name in history[0] if name.startswith("val/")]
    return tuple(
        Curve(
            name,
            tuple(metrics[f"train/{name}"] for metrics in history),
            tuple(metrics[f"val/{name}"] for metrics in history),
            best_epoch,
        )
        for name in names
        if f"train/{name}" in history[0]
    )


def draw_curve(curve: Curve, axes: Axes) -> Axes:
    """Both curves over epochs, a line at the epoch that is kept."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    epochs = range(1, len(curve.train) + 1)
    marker = "o" if len(epochs) <= 30 else None
    axes.axvline(curve.best_epoch, color=FAINT, linewidth=4, zorder=0)
    axes.plot(epochs, curve.train, marker=marker, color=TEAL, label="training")
    axes.plot(epochs, curve.validation, marker=marker, color=AMBER, label="validation")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if curve.metric == "accuracy":
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set(xlabel="epoch", title=f"{curve.metric} (best epoch {curve.best_epoch} marked)")
    axes.legend()
    return axes


@dataclass(frozen=True)
class SummaryRow:
    """One metric of one split as text: best and last over epochs; a test has one value."""

    metric: str
    best: str
    epoch: str
    last: str


def summary(result: Result) -> tuple[SummaryRow, ...]:
    """Every metric of training and validation with its own best epoch, then the test."""
    rows = []
    for split in ("train", "val"):
        names = [name for name in result.history[0] if name.startswith(f"{split}/")]
        rows += [_row(name, result.history) for name in names if name != "train/lr"]
    rows += [
        SummaryRow(name, value_text(name, value), str(result.best_epoch), "")
        for name, value in result.test.items()
    ]
    return tuple(rows)


def _row(name: str, history: Sequence[Mapping[str, float]]) -> SummaryRow:
    values = [metrics[name] for metrics in history]
    sign = 1 if name.endswith(_FALLING) else -1
    # NaN sorts behind every number
    epoch = min(range(len(values)), key=lambda i: (values[i] != values[i], sign * values[i]))
    last = value_text(name, values[-1])
    return SummaryRow(name, value_text(name, values[epoch]), str(epoch + 1), last)
