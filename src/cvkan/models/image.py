"""Images: patches on a grid."""

from __future__ import annotations

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
    """Classifies images (B, channels, height, width)."""

    def __init__(self, config: ImageConfig, info: DataInfo) -> None:
        channels, height, width = info.sample_shape
        rows, columns = patch_grid(height, width, config.patch_size)
        super().__init__(config, info, n_tokens=rows * columns, grid=(rows, columns))
        self.embedding = make_embedding(
            config.embedding, channels, config.d_complex, config.patch_size
        )
        self.positions = make_positions(
            config.positions, config.d_complex, n_tokens=rows * columns, grid=(rows, columns)
        )

    def embed(self, x: Tensor, mask: Tensor | None = None) -> Polar:
        tokens: Polar = self.positions(self.embedding(x))
        return tokens


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
