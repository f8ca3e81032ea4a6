"""Models, one file a domain; `build` makes one from a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cvkan.config import ModelConfig

if TYPE_CHECKING:
    from torch import nn

    from cvkan.info import DataInfo

__all__ = ["ModelConfig", "build"]


def build(config: ModelConfig, info: DataInfo) -> nn.Module:
    """Make the model that `config.model` names for the domain of `info`.

    With `config.match_params_of` it has as many parameters, to 3%, as the model of that name would
    have under the same options. Every model is called as `model(x)` or `model(x, mask=mask)`: x is
    a batch of samples shaped as `info` says, mask (batch, tokens) is true where a token is real. It
    returns logits (batch, classes), or for time series a forecast (batch, horizon, channels). Its
    initial weights follow from `config.seed` alone; torch's own generator is left as it was.
    """
    # here, so that configurations can be read and checked without loading torch
    import torch

    from cvkan.baselines.matching import count_parameters, shape_only
    from cvkan.models.registry import find_model

    maker = find_model(info.domain, config.model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        if config.match_params_of is None:
            return maker.own(config, info)
        other = find_model(info.domain, config.match_params_of)
        alike = config.model_copy(update={"model": config.match_params_of, "match_params_of": None})
        target = count_parameters(shape_only(lambda: other.own(alike, info)))
        return maker.matched(config, info, target)
