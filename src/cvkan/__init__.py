"""Complex-valued Kolmogorov-Arnold networks: models, data and training.

config = cvkan.config_for("image", epochs=3)
splits = cvkan.load(config)
model = cvkan.build(config, splits.info)
result = cvkan.fit(model, splits, config)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cvkan.config import (
        AudioConfig,
        GridConfig,
        ImageConfig,
        ScanlineConfig,
        SyntheticConfig,
        TextConfig,
        TimeSeriesConfig,
        TrainingConfig,
        config_for,
    )
    from cvkan.config.presets import preset
    from cvkan.data import load
    from cvkan.data.registry import DATASETS, Dataset
    from cvkan.data.splits import Source, Split, Splits
    from cvkan.errors import CvkanError
    from cvkan.info import DataInfo
    from cvkan.models import build
    from cvkan.models.sizing import sized
    from cvkan.training.checkpoint import load_model
    from cvkan.training.loop import Result, fit
    from cvkan.training.predict import Predictions, predict

__all__ = [
    "DATASETS",
    "AudioConfig",
    "CvkanError",
    "DataInfo",
    "Dataset",
    "GridConfig",
    "ImageConfig",
    "Predictions",
    "Result",
    "ScanlineConfig",
    "Source",
    "Split",
    "Splits",
    "SyntheticConfig",
    "TextConfig",
    "TimeSeriesConfig",
    "TrainingConfig",
    "build",
    "config_for",
    "fit",
    "load",
    "load_model",
    "predict",
    "preset",
    "sized",
]

_HOMES = {
    "cvkan.data": ("load",),
    "cvkan.data.registry": ("DATASETS", "Dataset"),
    "cvkan.data.splits": ("Source", "Split", "Splits"),
    "cvkan.errors": ("CvkanError",),
    "cvkan.info": ("DataInfo",),
    "cvkan.models": ("build",),
    "cvkan.models.sizing": ("sized",),
    "cvkan.training.checkpoint": ("load_model",),
    "cvkan.config": (
        "AudioConfig",
        "GridConfig",
        "ImageConfig",
        "ScanlineConfig",
        "SyntheticConfig",
        "TextConfig",
        "TimeSeriesConfig",
        "TrainingConfig",
        "config_for",
    ),
    "cvkan.config.presets": ("preset",),
    "cvkan.training.loop": ("Result", "fit"),
    "cvkan.training.predict": ("Predictions", "predict"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    # on first use, so that listing data sets or reading a configuration imports no torch
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME_OF[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
