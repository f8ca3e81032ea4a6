"""A linear layer on the mean token: what needs neither phases in step nor tokens that interact."""

from __future__ import annotations

import math

from torch import Tensor, nn

from cvkan.baselines.sequences import masked_mean
from cvkan.config import SyntheticConfig
from cvkan.info import DataInfo
from cvkan.models.makers import Fixed


class MeanLinear(nn.Module):
    """Classifies tokens (B, tokens, features) or (B, tokens, features, 2) by their plain mean."""

    def __init__(self, info: DataInfo) -> None:
        super().__init__()
        self.head = nn.Linear(math.prod(info.sample_shape[1:]), info.classes_for("linear layer"))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits (B, classes); mask (B, tokens) is true where a token is real."""
        tokens = x.flatten(2)
        logits: Tensor = self.head(tokens.mean(1) if mask is None else masked_mean(tokens, mask))
        return logits


def mean_linear(config: SyntheticConfig, info: DataInfo) -> MeanLinear:
    """The linear classifier of a data set."""
    return MeanLinear(info)


MEAN_LINEAR = Fixed(mean_linear)
