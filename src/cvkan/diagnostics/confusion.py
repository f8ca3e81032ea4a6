"""Which classes are taken for which."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from cvkan.diagnostics.style import SEQUENTIAL, SLATE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_WRITTEN = 12  # classes; counts in more cells than these squared cannot be read


@dataclass(frozen=True)
class Confusion:
    """How many samples of each class (a row) were taken for each class (a column)."""

    counts: tuple[tuple[int, ...], ...]
    names: tuple[str, ...]

    @property
    def recall(self) -> tuple[float, ...]:
        """The share of each class that was recognised; NaN where the class has no sample."""
        sums = [sum(row) for row in self.counts]
        return tuple(
            row[i] / total if total else float("nan")
            for i, (row, total) in enumerate(zip(self.counts, sums, strict=True))
        )

    def metrics(self, split: str) -> dict[str, float]:
        """The recall of each class that has a sample, as metrics of a run.

        confusion(...).metrics("test")   # {"test/accuracy/falling": 0.5, ...}
        """
        return {
            f"{split}/accuracy/{re.sub(r'[^A-Za-z0-9_.@+-]+', '_', name)}": share
            for name, share in zip(self.names, self.recall, strict=True)
            if share == share
        }


def confusion(targets: Tensor, classes: Tensor, names: Sequence[str]) -> Confusion:
    """Count true classes (samples,) against predicted ones; `names` in label order."""
    size = len(names)
    pairs = torch.bincount(targets * size + classes, minlength=size * size).reshape(size, size)
    return Confusion(tuple(map(tuple, pairs.tolist())), tuple(names))


def draw_confusion(table: Confusion, axes: Axes) -> Axes:
    """Colour is the share of the true class; numbers are counts, zeros left out."""
    size = len(table.names)
    shares = [[count / max(1, sum(row)) for count in row] for row in table.counts]
    axes.imshow(shares, cmap=SEQUENTIAL, vmin=0, vmax=1)
    written = size <= _MOST_WRITTEN
    for i, row in enumerate(table.counts if written else ()):
        for j, count in enumerate(row):
            if count:
                colour = "white" if shares[i][j] > 0.6 else SLATE
                axes.text(j, i, str(count), ha="center", va="center", color=colour, fontsize=8)
    short = max(map(len, table.names)) <= 2 or size <= 3
    turn: dict[str, Any] = {"rotation": 0 if short else 45 if written else 90}
    if not short and written:
        turn |= {"ha": "right", "rotation_mode": "anchor"}
    fontsize = 8 if written else 6
    axes.set_xticks(range(size), table.names, fontsize=fontsize, **turn)
    axes.set_yticks(range(size), table.names, fontsize=fontsize)
    axes.set(xlabel="predicted", ylabel="true", title="Confusion on the test set")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return axes
