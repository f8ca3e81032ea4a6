"""Pictures of pictures: many images as one, each with a caption."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from cvkan.diagnostics.style import SLATE

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def by_class(images: Tensor, targets: Tensor, *, n_classes: int, rows: int = 3) -> Tensor:
    """The first `rows` images of each class, (rows * classes, C, H, W); row by row, blank if few.

    Classes are columns when the result is tiled with `columns=n_classes`.
    """
    chosen = images.new_zeros((rows, n_classes, *images.shape[1:]))
    for label in range(n_classes):
        members = images[targets == label][:rows]
        chosen[: len(members), label] = members
    return chosen.flatten(0, 1)


def tiled(images: Tensor, *, columns: int, gap: int = 1) -> Tensor:
    """Images (N, C, H, W) side by side as one (C, height, width) in [0, 1], NaN between them."""
    values = images.float()
    low, high = values.min(), values.max()
    values = (values - low) / (high - low).clamp(min=1e-12)
    values = F.pad(values, (0, gap, 0, gap), value=float("nan"))
    values = torch.cat(
        [values, values.new_full((-len(values) % columns, *values.shape[1:]), float("nan"))]
    )
    grid = values.reshape(-1, columns, *values.shape[1:])  # (rows, columns, C, h, w)
    return (
        grid.permute(2, 0, 3, 1, 4).flatten(3, 4).flatten(1, 2)[:, : -gap or None, : -gap or None]
    )


def draw_images(
    images: Tensor,
    axes: Axes,
    *,
    columns: int,
    captions: Sequence[str] = (),
    cmap: str = "gray_r",
) -> Axes:
    """Tile images (N, C, H, W); `captions` stand above the first row."""
    gap = max(1, images.shape[-1] // 12)
    picture = tiled(images, columns=columns, gap=gap)
    if len(picture) == 3:
        axes.imshow(picture.nan_to_num(1.0).permute(1, 2, 0).numpy())
    else:
        axes.imshow(picture[0].numpy(), cmap=cmap)
    width = images.shape[-1]
    centres = [(width + gap) * i + (width - 1) / 2 for i in range(len(captions))]
    axes.set_xticks(centres, captions, fontsize=8, color=SLATE)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return axes


def patch_maps(shares: Sequence[Sequence[float]], *, height: int, width: int, patch: int) -> Tensor:
    """One number a patch, spread over its pixels: (N, 1, height, width)."""
    values = torch.tensor(shares).reshape(-1, 1, height // patch, width // patch)
    return F.interpolate(values, scale_factor=patch, mode="nearest")
