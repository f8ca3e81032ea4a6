"""Bare token sequences: no front end, and no positions unless asked for."""

from __future__ import annotations

from torch import Tensor

from cvkan.config import SyntheticConfig
from cvkan.info import DataInfo
from cvkan.layers.embedding import ComplexSequence, RealSequence
from cvkan.layers.positions import make_positions
from cvkan.models.base import Classifier
from cvkan.models.makers import Kan
from cvkan.polar import Polar

COMPLEX_AXES = 3  # (tokens, features, 2) without the batch


class SyntheticModel(Classifier):
    """Classifies sets of tokens: (B, tokens, features) real, or (B, tokens, features, 2) complex.

    Positions, none by default, would turn tokens against each other, and their common phase is the
    signal.
    """

    def __init__(self, config: SyntheticConfig, info: DataInfo) -> None:
        super().__init__(config, info, n_tokens=info.lookback)
        kind = ComplexSequence if len(info.sample_shape) == COMPLEX_AXES else RealSequence
        self.embedding = kind(info.sample_shape[1], config.d_complex)
        self.positions = make_positions(config.positions, config.d_complex, n_tokens=info.lookback)

    def embed(self, x: Tensor, mask: Tensor | None = None) -> Polar:
        tokens: Polar = self.positions(self.embedding(x))
        return tokens


KAN = Kan(SyntheticModel)
