"""Where training runs."""

from __future__ import annotations

import torch

from cvkan.config import TrainingConfig
from cvkan.data.splits import Split
from cvkan.errors import ConfigError

# A split up to this size moves to the accelerator whole; a larger one goes batch by batch.
_RESIDENT_BYTES = 2**31


def device_of(config: TrainingConfig) -> torch.device:
    """The device that `config.device` means on this machine."""
    there = torch.cuda.is_available()
    if config.device == "cuda" and not there:
        raise ConfigError(
            "there is no usable CUDA device here", seen=config.device, do="Set device to auto."
        )
    return torch.device("cuda" if there and config.device != "cpu" else "cpu")


def placed(split: Split, device: torch.device) -> Split:
    """The split on the device where it fits, else as it is."""
    size = sum(t.numel() * t.element_size() for t in (split.inputs, split.targets))
    return split.to(device) if size <= _RESIDENT_BYTES else split
