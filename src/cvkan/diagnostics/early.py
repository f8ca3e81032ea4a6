"""How soon a scan can be judged: decisions after each line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cvkan.diagnostics.style import AMBER, FAINT, TEAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Decisions = Callable[[Tensor], Tensor]  # scans (B, lines, pixels) to logits (B, lines, classes)


@dataclass(frozen=True)
class EarlyAccuracy:
    """One number for each number of lines seen, 1 first."""

    accuracy: tuple[float, ...]  # share of the scans judged rightly
    balanced: tuple[float, ...]  # mean of that share over the classes that are present
    majority: float  # accuracy of always naming the most frequent class


@torch.no_grad()
def early_accuracy(
    decisions: Decisions, scans: Tensor, targets: Tensor, *, batch_size: int = 128
) -> EarlyAccuracy:
    """Judge scans after each of their lines, as `model.decisions` does; targets (scans,)."""
    starts = range(0, len(scans), batch_size)
    parts = [decisions(scans[at : at + batch_size]).argmax(-1).cpu() for at in starts]
    truth = targets.cpu()
    right = (torch.cat(parts) == truth[:, None]).double()  # (scans, lines)
    shares = [right[truth == label].mean(0) for label in sorted(set(truth.tolist()))]
    return EarlyAccuracy(
        tuple(right.mean(0).tolist()),
        tuple(torch.stack(shares).mean(0).tolist()),
        float(truth.bincount().max() / len(truth)),
    )


def draw_early(early: EarlyAccuracy, axes: Axes) -> Axes:
    """Both curves over lines seen; the dotted line is what the most frequent class alone gets."""
    from matplotlib.ticker import PercentFormatter

    lines = range(1, len(early.accuracy) + 1)
    axes.axhline(early.majority, color=FAINT, linestyle=":", label="most frequent class")
    axes.plot(lines, early.accuracy, color=TEAL, label="accuracy")
    axes.plot(lines, early.balanced, color=AMBER, label="balanced accuracy")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set(xlabel="lines seen", xlim=(1, len(lines)), title="Decisions before the scan ends")
    axes.legend(loc="lower right")
    return axes
