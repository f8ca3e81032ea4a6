"""Images: patches on a grid."""

from __future__ import annotations

import torch
from torch import Tensor

from cvkan.config import ImageConfig
from cvkan.errors import CvkanError
from cvkan.info import DataInfo
from cvkan.layers.aggregation import Grid
from cvkan.layers.embedding import make_embedding
from cvkan.layers.positions import make_positions
from cvkan.models.base import Classifier
from cvkan.models.makers import Kan
from cvkan.polar import Polar


class ImageModel(Classifier):
    """Classifies images (B, channels, height, width).

    A mask (B, rows * columns) is true where a patch is real; the pixels of others count as zero,
    because a convolutional stem sees across the borders of patches.
    """

    def __init__(self, config: ImageConfig, info: DataInfo) -> None:
        channels, height, width = info.sample_shape
        rows, columns = patch_grid(height, width, config.patch_size)
        super().__init__(config, info, n_tokens=rows * columns, grid=(rows, columns))
        self.grid, self.patch_size = (rows, columns), config.patch_size
        self.embedding = make_embedding(
            config.embedding, channels, config.d_complex, config.patch_size
        )
        self.positions = make_positions(
            config.positions, config.d_complex, n_tokens=rows * columns, grid=(rows, columns)
        )

    def embed(self, x: Tensor, mask: Tensor | None = None) -> Polar:
        tokens: Polar = self.positions(self.embedding(x if mask is None else self._real(x, mask)))
        return tokens

    def _real(self, images: Tensor, mask: Tensor) -> Tensor:
        patches = mask.view(-1, 1, *self.grid)
        pixels = patches.repeat_interleave(self.patch_size, 2).repeat_interleave(self.patch_size, 3)
        return torch.where(pixels, images, 0.0)


def patch_grid(height: int, width: int, patch_size: int) -> Grid:
    """Rows and columns of patches; the patches must fill the image."""
    if height % patch_size or width % patch_size:
        raise CvkanError(
            f"patches must fill a {height} x {width} image",
            seen=patch_size,
            do="Choose a patch_size that divides both.",
        )
    return height // patch_size, width // patch_size


KAN = Kan(ImageModel)
