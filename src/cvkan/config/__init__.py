"""Every option of every domain, with its default: one class a domain, one file a class.

The defaults are the pilot: the embedded data set, seconds on one core. Nothing here imports torch.
"""

from __future__ import annotations

from typing import Any

from cvkan.config.audio import AudioConfig
from cvkan.config.grid import GridConfig
from cvkan.config.image import ImageConfig
from cvkan.config.model import ModelConfig
from cvkan.config.scanline import ScanlineConfig
from cvkan.config.synthetic import SyntheticConfig
from cvkan.config.text import TextConfig
from cvkan.config.timeseries import TimeSeriesConfig
from cvkan.config.training import ClassifierConfig, TrainingConfig
from cvkan.errors import UnknownNameError

__all__ = [
    "AudioConfig",
    "ClassifierConfig",
    "GridConfig",
    "ImageConfig",
    "ModelConfig",
    "ScanlineConfig",
    "SyntheticConfig",
    "TextConfig",
    "TimeSeriesConfig",
    "TrainingConfig",
    "config_for",
]

_CONFIGS: dict[str, type[TrainingConfig]] = {
    kind.domain: kind
    for kind in (
        ImageConfig,
        AudioConfig,
        TimeSeriesConfig,
        TextConfig,
        SyntheticConfig,
        ScanlineConfig,
        GridConfig,
    )
}


def config_for(domain: str, **values: Any) -> TrainingConfig:
    """The configuration of a domain with `values` over its defaults.

    config_for("image", dataset="cifar10", epochs=5)
    """
    if domain not in _CONFIGS:
        raise UnknownNameError("domain", domain, _CONFIGS)
    return _CONFIGS[domain](**values)
