"""From a configuration and the data's shape to a model."""

from __future__ import annotations

from torch import nn

from cvkan.info import DataInfo
from cvkan.models.config import ModelConfig
from cvkan.models.registry import find_model


def build(config: ModelConfig, info: DataInfo) -> nn.Module:
    """Make the model that `config.model` names for the domain of `info`.

    Every model is called as `model(x)` or `model(x, mask=mask)`: x is a batch of samples shaped
    as `info` says, mask (batch, tokens) is true where a token is real. It returns logits
    (batch, classes), or for time series a forecast (batch, horizon, channels).
    """
    return find_model(info.domain, config.model)(config, info)
