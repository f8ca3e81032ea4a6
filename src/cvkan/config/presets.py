"""Presets: configurations by name, for real data at the size at which they are studied.

config = cvkan.preset("cifar10", epochs=3)          # lab run --preset cifar10 -p epochs=3

A preset says where its configuration departs from the pilot, the defaults. Nothing here imports
torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cvkan.config import config_for
from cvkan.config.training import TrainingConfig
from cvkan.errors import UnknownNameError
from cvkan.info import Domain


@dataclass(frozen=True)
class Preset:
    """A configuration by name."""

    domain: Domain
    notebook: str  # that runs it, from the root of the workspace
    description: str
    values: Mapping[str, Any]  # every option that is not at its default

    def config(self, **values: Any) -> TrainingConfig:
        """The whole configuration, with `values` over the preset's."""
        return config_for(self.domain, **{**self.values, **values})


def preset(name: str, **values: Any) -> TrainingConfig:
    """The configuration of a preset with `values` over its own.

    preset("etth1", epochs=3)
    """
    if name not in PRESETS:
        raise UnknownNameError("preset", name, PRESETS)
    return PRESETS[name].config(**values)


_SPEECH = {
    "dataset": "speech_commands",
    "d_complex": 128,
    "n_layers": 4,
    "dropout": 0.1,
    "lr": 1e-3,
    "epochs": 30,
    "patience": 10,
}

PRESETS: dict[str, Preset] = {
    "cifar10": Preset(
        "image",
        "notebooks/domains/image.ipynb",
        "CIFAR-10: six layers of 256 dimensions behind a convolutional stem",
        {
            "dataset": "cifar10",
            "d_complex": 256,
            "n_layers": 6,
            "dropout": 0.1,
            "flip": True,
            "shift": 4,
            "label_smoothing": 0.1,
            "lr": 1e-3,
            "warmup": 2.0,
            "epochs": 100,
            "patience": 15,
        },
    ),
    "speech_commands": Preset(
        "audio",
        "notebooks/domains/audio.ipynb",
        "Speech Commands: windows of 64 ms, four layers of 128 dimensions",
        {**_SPEECH, "n_fft": 1024, "hop": 512},
    ),
    "speech_commands_fast": Preset(
        "audio",
        "notebooks/domains/audio.ipynb",
        "Speech Commands with windows of 32 ms",
        {**_SPEECH, "n_fft": 512},
    ),
    "etth1": Preset(
        "timeseries",
        "notebooks/domains/timeseries.ipynb",
        "ETTh1: four days of seven series forecast from four days",
        {
            "dataset": "etth1",
            "n_layers": 2,
            "kan_hidden": 16,
            "dropout": 0.2,
            "lr": 1e-3,
        },
    ),
    "sst2": Preset(
        "text",
        "notebooks/domains/text.ipynb",
        "SST-2: whether a sentence about a film is kind",
        {
            "dataset": "sst2",
            "min_count": 2,
            "word_dropout": 0.2,
            "dropout": 0.3,
            "batch_size": 64,
            "epochs": 3,
        },
    ),
    "scanline": Preset(
        "scanline",
        "notebooks/domains/scanline.ipynb",
        "Tip states of a scanning tunnelling microscope, simulated",
        {
            "train_size": 6000,
            "validation_size": 1500,
            "test_size": 1500,
            "epochs": 20,
            "patience": 6,
        },
    ),
    "grid": Preset(
        "grid",
        "notebooks/domains/grid.ipynb",
        "The 386 tasks of ARC-AGI-1 that have one category of nine",
        {
            "dataset": "arc",
            "patch_size": 8,
            "width": 0.5,
            "demo_aggregation": "cvkan",
            "n_layers": 1,
            "pooling": "covariance",
            "batch_size": 16,
            "epochs": 15,
        },
    ),
}
